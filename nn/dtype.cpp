#include "nn/dtype.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/dtype.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<uint32_t>;
using V = hn::Vec<D>;

// As ToBFloat16 of one number, in the upper half; the lower half is not cleared.
HWY_INLINE V Rounded(const float* x) {
  const D d;
  const hn::RebindToFloat<D> df;
  const auto value = hn::LoadU(df, x);
  const V bits = hn::BitCast(d, value);
  const V odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  const V near = hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7FFF)));
  return hn::IfThenElse(hn::RebindMask(d, hn::Eq(value, value)), near,
                        hn::Or(bits, hn::Set(d, 0x400000)));
}

void Convert(const float* x, int64_t n, BFloat16* out) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto upper = hn::BitCast(hn::RebindToSigned<D>(), hn::ShiftRight<16>(Rounded(x + i)));
    const hn::Rebind<uint16_t, D> half;
    hn::StoreU(hn::DemoteTo(half, upper), half, out + i);
  }
  for (; i < n; ++i) out[i] = ToBFloat16(x[i]);
}

void Round(float* x, int64_t n) {
  const D d;
  const hn::RebindToFloat<D> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V upper = hn::And(Rounded(x + i), hn::Set(d, 0xFFFF0000));
    hn::StoreU(hn::BitCast(df, upper), df, x + i);
  }
  for (; i < n; ++i) x[i] = ToFloat(ToBFloat16(x[i]));
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(Convert);
HWY_EXPORT(Round);
}  // namespace

void ToBFloat16(const float* x, int64_t n, BFloat16* out) {
  HWY_DYNAMIC_DISPATCH(Convert)(x, n, out);
}
void RoundToBFloat16(float* x, int64_t n) { HWY_DYNAMIC_DISPATCH(Round)(x, n); }

}  // namespace retort::nn
#endif
