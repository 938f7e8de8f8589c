#include <algorithm>
#include <cmath>

#include "nn/internal/route_kernel.h"
#include "nn/internal/top_k.h"
#include "nn/moe.h"

namespace retort::nn {
namespace {

constexpr int64_t kTile = 32;
// Keeps 0 / 0 away when every chosen score has underflowed (transformers has the same number).
constexpr float kTiny = 1e-20f;

void CheckShape(const RouterShape& s, ConstMat logits) {
  RETORT_CHECK(s.groups >= 1 && s.experts % s.groups == 0, "router: ", s.experts,
               " experts do not divide into n_group = ", s.groups);
  RETORT_CHECK(s.top_groups >= 1 && s.top_groups <= s.groups, "router: topk_group is ",
               s.top_groups, ", expected 1 to n_group = ", s.groups);
  RETORT_CHECK(s.top_k >= 1 && s.top_k <= s.experts / s.groups * s.top_groups,
               "router: num_experts_per_tok is ", s.top_k, ", expected 1 to ",
               s.experts / s.groups * s.top_groups, ", the experts in topk_group groups");
  RETORT_CHECK(logits.cols == s.experts, "router: logits have ", logits.cols,
               " columns, expected one per expert: ", s.experts);
}

// Chooses the experts of one token from what selection sees (score + bias), in ascending id.
class Selector {
 public:
  Selector(const RouteArgs& args, Arena& arena)
      : shape_(args.shape),
        biased_(args.bias != nullptr),
        group_score_(arena.New<float>(shape_.groups)),
        group_(arena.New<int32_t>(shape_.groups)) {}

  void Choose(const float* selection, int32_t* experts) const {
    const int64_t size = shape_.experts / shape_.groups;
    TopK top(selection, shape_.top_k, experts);
    if (shape_.top_groups == shape_.groups) {
      for (int64_t e = 0; e < shape_.experts; ++e) top.Offer(static_cast<int32_t>(e));
    } else {
      // An excluded group is never offered: the same as -inf, whatever the sign of the others.
      ChooseGroups(selection, size);
      for (int64_t g = 0; g < shape_.top_groups; ++g) {
        for (int64_t e = 0; e < size; ++e) top.Offer(static_cast<int32_t>(group_[g] * size + e));
      }
    }
    std::sort(experts, experts + shape_.top_k);
  }

 private:
  void ChooseGroups(const float* selection, int64_t size) const {
    TopK top(group_score_, shape_.top_groups, group_);
    for (int64_t g = 0; g < shape_.groups; ++g) {
      float best = -INFINITY, second = -INFINITY;
      for (int64_t e = g * size; e < (g + 1) * size; ++e) {  // without branches
        const float value = selection[e], lower = best < value ? best : value;
        second = second < lower ? lower : second;
        best = best < value ? value : best;
      }
      group_score_[g] = biased_ && size > 1 ? best + second : best;
      top.Offer(static_cast<int32_t>(g));
    }
    std::sort(group_, group_ + shape_.top_groups);  // so that ties go to the lower expert id
  }

  const RouterShape& shape_;
  bool biased_;
  float* group_score_;  // [groups]
  int32_t* group_;      // [groups], the kept ones first
};

// 1 / Σ of the chosen scores with normalisation, else 1.
float InverseNorm(const RouterShape& shape, const float* scores, const int32_t* experts) {
  if (!shape.normalize) return 1;
  float sum = 0;
  for (int64_t k = 0; k < shape.top_k; ++k) sum += scores[experts[k]];
  return 1 / (sum + kTiny);
}

}  // namespace

void Route(Compute& compute, const RouteArgs& args) {
  const RouterShape& shape = args.shape;
  CheckShape(shape, args.logits);
  compute.ForRows("route", args.logits.rows, kTile, [&](int64_t begin, int64_t end, Arena& arena) {
    const Selector selector(args, arena);
    float* selection = arena.New<float>(shape.experts);
    for (int64_t t = begin; t < end; ++t) {
      float* scores = args.scores.row(t);
      if (shape.scoring == Scoring::kSigmoid) {
        SigmoidRow(args.logits.row(t), scores, shape.experts);
      } else {
        SoftmaxScoresRow(args.logits.row(t), scores, shape.experts);
      }
      for (int64_t e = 0; e < shape.experts; ++e) {
        selection[e] = args.bias ? scores[e] + args.bias[e] : scores[e];
      }
      int32_t* experts = args.experts + t * shape.top_k;
      selector.Choose(selection, experts);
      const float factor = shape.scale * InverseNorm(shape, scores, experts);
      for (int64_t k = 0; k < shape.top_k; ++k) {
        args.weights[t * shape.top_k + k] = scores[experts[k]] * factor;
      }
    }
  });
}

void RouteGrad(Compute& compute, const RouteGradArgs& args) {
  const RouteArgs& forward = args.forward;
  const RouterShape& shape = forward.shape;
  compute.ForRows("route grad", args.dlogits.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      const float* s = forward.scores.row(t);
      const int32_t* experts = forward.experts + t * shape.top_k;
      const float* dw = args.dweights + t * shape.top_k;
      float* ds = args.dlogits.row(t);  // becomes dlogits in place
      if (args.dscores) {
        std::copy_n(args.dscores.row(t), shape.experts, ds);
      } else {
        std::fill_n(ds, shape.experts, 0.0f);
      }
      // w_k = scale · s_k / S with S = Σ s, so ds_k = scale / S · (dw_k - Σ dw s / S);
      // without normalisation w_k = scale · s_k.
      const float inverse = InverseNorm(shape, s, experts);
      float mean = 0;
      if (shape.normalize) {
        for (int64_t k = 0; k < shape.top_k; ++k) mean += dw[k] * s[experts[k]] * inverse;
      }
      for (int64_t k = 0; k < shape.top_k; ++k) {
        ds[experts[k]] += shape.scale * inverse * (dw[k] - mean);
      }
      if (shape.scoring == Scoring::kSigmoid) {
        for (int64_t e = 0; e < shape.experts; ++e) ds[e] *= s[e] * (1 - s[e]);
      } else {
        float dot = 0;
        for (int64_t e = 0; e < shape.experts; ++e) dot += ds[e] * s[e];
        for (int64_t e = 0; e < shape.experts; ++e) ds[e] = s[e] * (ds[e] - dot);
      }
    }
  });
}

}  // namespace retort::nn
