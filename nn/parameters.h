#pragma once
// The weights of a model by name, their gradients, and which of them decay.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "nn/aligned.h"
#include "nn/tensor.h"

namespace retort::nn {

/// One tensor as published checkpoints name and shape it. A matrix is [rows, cols]; a vector [1,
/// n].
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  AlignedVector<float> value;
  AlignedVector<float> grad;  ///< same size once gradients are wanted, else empty
  bool trainable = true;      ///< false: moved by a rule of its own (the router bias)
  bool decay = true;          ///< weight decay applies (matrices), not to norms and biases

  int64_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
  int64_t cols() const { return shape.back(); }
  Mat mat() { return {value.data(), rows(), cols()}; }
  ConstMat mat() const { return {value.data(), rows(), cols()}; }
  Mat grad_mat() { return {grad.data(), rows(), cols()}; }
};

/// Owns parameters; references to them stay valid. Not thread-safe.
class ParameterStore {
 public:
  /// Without `allocate` parameters have a name and a shape but no values.
  explicit ParameterStore(bool allocate = true) : allocate_(allocate) {}
  Parameter& Add(const std::string& name, std::vector<int64_t> shape);
  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  const Parameter* Find(const std::string& name) const;
  int64_t count() const;  ///< numbers in all parameters
  /// Makes gradients exist and sets them to zero.
  void ZeroGradients();
  void DropGradients();

 private:
  bool allocate_;
  std::deque<Parameter> parameters_;
  std::map<std::string, size_t> places_;  // in parameters_, by name
};

}  // namespace retort::nn
