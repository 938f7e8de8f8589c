#include "nn/internal/route_kernel.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/route_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h, once per target.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(tag, i) for all of [0, n), the last few one by one: a lane's arithmetic does not
// depend on the width, so neither do the bits. Small routers have 8 experts, hence 8 lanes.
template <class Body>
HWY_INLINE void ForLanes(int64_t n, const Body& body) {
  const hn::CappedTag<float, 8> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) body(d, i);
  for (; i < n; ++i) body(hn::CappedTag<float, 1>(), i);
}

// Highway's Exp gives 0 for NaN; a NaN must not vanish.
template <class D, class V>
HWY_INLINE V ExpOrNan(D d, V x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, x), x);
}

void SigmoidRow(const float* logits, float* scores, int64_t n) {
  ForLanes(n, [=](auto d, int64_t i) HWY_ATTR {
    const auto one = hn::Set(d, 1.0f);
    const auto x = hn::LoadU(d, logits + i);
    const auto e = ExpOrNan(d, hn::Neg(hn::Abs(x)));  // cannot overflow
    const auto numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
    hn::StoreU(hn::Div(numerator, hn::Add(one, e)), d, scores + i);
  });
}

void SoftmaxScoresRow(const float* logits, float* scores, int64_t n) {
  const float max = *std::max_element(logits, logits + n);
  ForLanes(n, [=](auto d, int64_t i) HWY_ATTR {
    const auto x = hn::Sub(hn::LoadU(d, logits + i), hn::Set(d, max));
    hn::StoreU(ExpOrNan(d, x), d, scores + i);
  });
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += scores[i];
  const float inverse = static_cast<float>(1 / sum);
  for (int64_t i = 0; i < n; ++i) scores[i] *= inverse;
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(SigmoidRow);
HWY_EXPORT(SoftmaxScoresRow);
}  // namespace

void SigmoidRow(const float* logits, float* scores, int64_t n) {
  HWY_DYNAMIC_DISPATCH(SigmoidRow)(logits, scores, n);
}
void SoftmaxScoresRow(const float* logits, float* scores, int64_t n) {
  HWY_DYNAMIC_DISPATCH(SoftmaxScoresRow)(logits, scores, n);
}

}  // namespace retort::nn
#endif
