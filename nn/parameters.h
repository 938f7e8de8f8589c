#pragma once
// The parameters of a model: a layout says where each of them lies in one flat array, and any
// number of stores hold such arrays: values, gradients, the optimizer's moments.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/aligned.h"
#include "nn/tensor.h"

namespace retort::nn {

/// A parameter's place in its layout.
using ParameterId = int32_t;

/// One tensor as published checkpoints name and shape it. A matrix is [rows, cols]; a vector [1,
/// n].
struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  bool trainable = true;  ///< false: moved by a rule of its own (the router bias)
  bool decay = true;      ///< weight decay applies (matrices), not to norms and biases
  int64_t offset = 0;     ///< of its first number in a store; a multiple of a cache line

  int64_t rows() const { return shape.size() == 2 ? shape[0] : 1; }
  int64_t cols() const { return shape.back(); }
  int64_t size() const { return rows() * cols(); }
  bool operator==(const ParameterInfo&) const = default;
};

/// Names, shapes and places, in the order of Add. Not thread-safe while it grows.
class ParameterLayout {
 public:
  /// Throws Error where the name is taken or the shape has not one or two dimensions.
  ParameterId Add(const std::string& name, std::vector<int64_t> shape, bool trainable = true);

  const std::vector<ParameterInfo>& all() const { return parameters_; }
  const ParameterInfo& operator[](ParameterId id) const {
    return parameters_[static_cast<size_t>(id)];
  }
  std::optional<ParameterId> Find(std::string_view name) const;
  /// The same of a name that is known to be there. Throws Error where it is not.
  ParameterId IdOf(std::string_view name) const;
  /// The same names, shapes and kinds, in the same order.
  bool operator==(const ParameterLayout& other) const { return parameters_ == other.parameters_; }
  int64_t count() const { return count_; }  ///< numbers in all parameters
  int64_t size() const { return size_; }    ///< of a store: they and the gaps between them

 private:
  std::vector<ParameterInfo> parameters_;
  std::map<std::string, ParameterId, std::less<>> ids_;
  int64_t count_ = 0, size_ = 0;
};

/// A number for every parameter of a layout, in one allocation; 0 at first, the gaps always.
/// Moving keeps pointers valid. Not thread-safe.
class ParameterStore {
 public:
  explicit ParameterStore(std::shared_ptr<const ParameterLayout> layout)
      : layout_(std::move(layout)), numbers_(static_cast<size_t>(layout_->size())) {}
  /// A sibling: the same layout, all zero.
  ParameterStore Like() const { return ParameterStore(layout_); }

  const ParameterLayout& layout() const { return *layout_; }
  const std::shared_ptr<const ParameterLayout>& shared_layout() const { return layout_; }

  Mat mat(ParameterId id) { return View<Mat>(numbers_.data(), id); }
  ConstMat mat(ParameterId id) const { return View<ConstMat>(numbers_.data(), id); }
  std::span<float> operator[](ParameterId id) { return {mat(id).data, Size(id)}; }
  std::span<const float> operator[](ParameterId id) const { return {mat(id).data, Size(id)}; }
  std::span<float> operator[](std::string_view name) { return (*this)[layout_->IdOf(name)]; }
  std::span<const float> operator[](std::string_view name) const {
    return (*this)[layout_->IdOf(name)];
  }
  /// Every number, gaps too: for what is done to all alike.
  std::span<float> numbers() { return numbers_; }
  std::span<const float> numbers() const { return numbers_; }
  void Zero();

 private:
  size_t Size(ParameterId id) const { return static_cast<size_t>((*layout_)[id].size()); }
  template <class M, class T>
  M View(T* numbers, ParameterId id) const {
    const ParameterInfo& p = (*layout_)[id];
    return {numbers + p.offset, p.rows(), p.cols()};
  }

  std::shared_ptr<const ParameterLayout> layout_;
  AlignedVector<float> numbers_;
};

}  // namespace retort::nn
