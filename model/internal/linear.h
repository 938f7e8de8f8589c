#pragma once
// A linear weight as a handle: where its values lie in a store, its packed form, its bias. Blocks
// hand over many products at a time, which run in one parallel region; what a product is made of is
// this file's affair alone.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/internal/builder.h"
#include "model/internal/pass.h"

namespace retort::model {

/// y = x · Wᵀ (+ b), W [out, in].
class Linear {
 public:
  /// Adds "`name`.weight" [out, in] (and "`name`.bias") to the layout.
  struct Shape {
    int64_t out, in;
    bool bias = false;
    PackItem::Kind kind = PackItem::Kind::kWeight;
  };
  Linear(Builder& builder, const std::string& name, const Shape& shape);
  /// Rows of a matrix that is there already, or their transpose; no bias.
  Linear(Builder& builder, const PackItem& part);

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }
  nn::ParameterId source() const { return item_.source; }
  const nn::PackedMatrix& packed(const PackedWeights& weights) const {
    return weights.matrix(packed_);
  }

 private:
  friend class LinearProducts;
  int64_t out_, in_;
  PackItem item_;
  PackedId packed_;
  std::optional<nn::ParameterId> bias_;
};

struct LinearForward {
  const Linear& linear;
  nn::ConstMat x;           // [M, in]
  nn::Mat y;                // [M, out]
  nn::ConstMat start = {};  // [M, out] that the product is added to; may be y itself
};
void Forward(const Pass& pass, std::span<const LinearForward> products);
void Forward(const Pass& pass, const LinearForward& product);

struct LinearInputGrad {
  const Linear& linear;
  nn::ConstMat dy;          // [M, out]
  nn::Mat dx;               // [M, in]
  bool accumulate = false;  // dx is added to
};
void InputGrad(const Pass& pass, std::span<const LinearInputGrad> products);
void InputGrad(const Pass& pass, const LinearInputGrad& product);

/// The gradient of the weight is left on the tape, with views of dy and x; that of the bias is
/// added at once, tokens in order.
struct LinearWeightGrad {
  const Linear& linear;
  nn::ConstMat dy;  // [M, out]
  nn::ConstMat x;   // [M, in]
};
void WeightGrad(const Pass& pass, const LinearWeightGrad& product);

}  // namespace retort::model
