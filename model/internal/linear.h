#pragma once
// A linear weight as a handle: where its values lie in a store, its packed form, its bias, perhaps
// an adapter (LoRA, Hu et al. 2021). Blocks hand over many products at a time, which run in one
// parallel region, or in two with adapters; what a product is made of is this file's affair alone.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/internal/builder.h"
#include "model/internal/pass.h"

namespace retort::model {

/// y = x · Wᵀ (+ b), W [out, in]; with an adapter of rank r, + scale · (x · Aᵀ) · Bᵀ for A [r, in]
/// and B [out, r], which alone are trained then.
class Linear {
 public:
  /// Adds "`name`.weight" [out, in] (and "`name`.bias") to the layout.
  struct Shape {
    int64_t out, in;
    bool bias = false;
    PackItem::Kind kind = PackItem::Kind::kWeight;
  };
  Linear(Builder& builder, const std::string& name, const Shape& shape);
  /// Rows of a matrix that is there already, or their transpose, with its adapter; no bias.
  Linear(Builder& builder, const PackItem& part, const std::optional<Builder::Adapter>& adapter);

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }

 private:
  friend class LinearProducts;
  /// Two products in a row.
  struct Adapter;
  static std::shared_ptr<const Adapter> MakeAdapter(Builder& builder, const PackItem& part,
                                                    const std::optional<Builder::Adapter>& ids);

  int64_t out_, in_;
  PackItem item_;
  PackedId packed_;
  std::optional<nn::ParameterId> bias_;
  std::shared_ptr<const Adapter> adapter_;  // null: none
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

/// The gradient of what is trained of it is left on the tape, with views of dy and x, which must be
/// there already; that of the bias is added at once, tokens in order.
struct LinearWeightGrad {
  const Linear& linear;
  nn::ConstMat dy;  // [M, out]
  nn::ConstMat x;   // [M, in]
};
void WeightGrad(const Pass& pass, const LinearWeightGrad& product);

}  // namespace retort::model
