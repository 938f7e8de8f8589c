#include "nn/internal/adamw_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/adamw_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

double SumOfSquares(const float* x, int64_t n) {
  // Four independent sums hide the latency of the addition; each takes half a float vector.
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const auto x0 = hn::PromoteTo(d, hn::LoadU(half, x + i));
    const auto x1 = hn::PromoteTo(d, hn::LoadU(half, x + i + lanes));
    const auto x2 = hn::PromoteTo(d, hn::LoadU(half, x + i + 2 * lanes));
    const auto x3 = hn::PromoteTo(d, hn::LoadU(half, x + i + 3 * lanes));
    sum0 = hn::MulAdd(x0, x0, sum0);
    sum1 = hn::MulAdd(x1, x1, sum1);
    sum2 = hn::MulAdd(x2, x2, sum2);
    sum3 = hn::MulAdd(x3, x3, sum3);
  }
  const auto all = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  double sum = hn::GetLane(hn::SumOfLanes(d, all));
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

template <class D>
HWY_INLINE void UpdateLanes(D d, const AdamWFactors& f, const AdamWSlice& s, int64_t i) {
  const auto w = hn::LoadU(d, s.value + i);
  const auto g = hn::Mul(hn::Set(d, f.clip), hn::LoadU(d, s.grad + i));
  const auto m =
      hn::MulAdd(hn::Set(d, f.beta1), hn::LoadU(d, s.first + i), hn::Mul(hn::Set(d, f.rest1), g));
  const auto v = hn::MulAdd(hn::Set(d, f.beta2), hn::LoadU(d, s.second + i),
                            hn::Mul(hn::Set(d, f.rest2), hn::Mul(g, g)));
  const auto root = hn::MulAdd(hn::Sqrt(v), hn::Set(d, f.root_scale), hn::Set(d, f.epsilon));
  const auto kept = hn::NegMulAdd(hn::Set(d, f.decay), w, w);
  hn::StoreU(hn::NegMulAdd(hn::Set(d, f.rate), hn::Div(m, root), kept), d, s.value + i);
  hn::StoreU(m, d, s.first + i);
  hn::StoreU(v, d, s.second + i);
}

void AdamWUpdate(const AdamWFactors& factors, const AdamWSlice& slice) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= slice.count; i += lanes) UpdateLanes(d, factors, slice, i);
  for (; i < slice.count; ++i) UpdateLanes(hn::CappedTag<float, 1>(), factors, slice, i);
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(SumOfSquares);
HWY_EXPORT(AdamWUpdate);
}  // namespace

double SumOfSquares(const float* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x, n); }
void AdamWUpdate(const AdamWFactors& factors, const AdamWSlice& slice) {
  HWY_DYNAMIC_DISPATCH(AdamWUpdate)(factors, slice);
}

}  // namespace retort::nn
#endif
