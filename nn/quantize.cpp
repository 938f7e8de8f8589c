#include "nn/internal/quantize.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "nn/internal/gemm_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/quantize.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

constexpr int64_t kAhead = 4096;  // bytes

// The float with the bits of an E4M3 code in their places is its number times 2^-120, which the
// scale makes up for.
template <bool kFloat8>
HWY_INLINE V Number(const int8_t* codes) {
  const hn::RebindToSigned<D> di;
  const auto code = hn::PromoteTo(di, hn::LoadU(hn::Rebind<int8_t, D>(), codes));
  if constexpr (kFloat8) {
    const auto bits = hn::And(hn::ShiftLeft<20>(code), hn::Set(di, static_cast<int>(0x87F00000)));
    return hn::BitCast(D(), bits);
  } else {
    return hn::ConvertTo(D(), code);
  }
}

// out [count, kPanel], of one scale.
template <bool kFloat8>
HWY_INLINE void ExpandBlock(const float* HWY_RESTRICT scales, const int8_t* HWY_RESTRICT codes,
                            int64_t count, float* HWY_RESTRICT out) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t j = 0; j < kPanel; j += 2 * lanes) {
    const V scale0 = hn::LoadU(d, scales + j), scale1 = hn::LoadU(d, scales + j + lanes);
    for (int64_t k = 0; k < count; ++k) {
      const int8_t* from = codes + k * kPanel + j;
      hwy::Prefetch(from + kAhead);
      float* to = out + k * kPanel + j;
      hn::StoreU(hn::Mul(Number<kFloat8>(from), scale0), d, to);
      hn::StoreU(hn::Mul(Number<kFloat8>(from + lanes), scale1), d, to + lanes);
    }
  }
}

// A product of R rows: a panel is read once, from its beginning to its end.
template <bool kFloat8, int R>
HWY_NOINLINE void Rows(const PanelProduct& p) {
  constexpr int64_t kDepth = QuantDepth(kFloat8 ? Dtype::kFloat8E4M3 : Dtype::kQ8_0);
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  alignas(64) float edge[kPanel];
  for (int64_t col = 0; col < p.cols; col += kPanel) {
    const float* panel = p.w + col / kPanel * p.w_stride;
    for (int64_t j = 0; j < kPanel; j += 2 * lanes) {
      const int64_t valid = std::clamp<int64_t>(p.cols - col - j, 0, 2 * lanes);
      V sum[R][2];
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        std::fill_n(edge, 2 * lanes, 0.0f);
        if (p.start) std::copy_n(p.start + r * p.lds + col + j, valid, edge);
        sum[r][0] = hn::LoadU(d, edge);
        sum[r][1] = hn::LoadU(d, edge + lanes);
      }
      const float* block = panel;
      for (int64_t begin = 0; begin < p.k; begin += kDepth) {
        const V scale0 = hn::LoadU(d, block + j), scale1 = hn::LoadU(d, block + j + lanes);
        const auto* codes = reinterpret_cast<const int8_t*>(block + kPanel) + j;
        const int64_t count = std::min(kDepth, p.k - begin);
        for (int64_t k = 0; k < count; ++k, codes += kPanel) {
          hwy::Prefetch(codes + kAhead);
          const V w0 = hn::Mul(Number<kFloat8>(codes), scale0);
          const V w1 = hn::Mul(Number<kFloat8>(codes + lanes), scale1);
#pragma GCC unroll 12
          for (int r = 0; r < R; ++r) {
            const V x = hn::Set(d, p.a[r * p.lda + begin + k]);
            sum[r][0] = hn::MulAdd(x, w0, sum[r][0]);
            sum[r][1] = hn::MulAdd(x, w1, sum[r][1]);
          }
        }
        block += QuantBlockSize(kDepth);
      }
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        hn::StoreU(sum[r][0], d, edge);
        hn::StoreU(sum[r][1], d, edge + lanes);
        std::copy_n(edge, valid, p.c + r * p.ldc + col + j);
      }
    }
  }
}

template <bool kFloat8, int R = kFewRows>
void FewRows(const PanelProduct& p) {
  if constexpr (R > 0) p.rows == R ? Rows<kFloat8, R>(p) : FewRows<kFloat8, R - 1>(p);
}
void FewRowsFloat8(const PanelProduct& product) { FewRows<true>(product); }
void FewRowsInt8(const PanelProduct& product) { FewRows<false>(product); }

void ExpandFloat8(const float* scales, const int8_t* codes, int64_t count, float* out) {
  ExpandBlock<true>(scales, codes, count, out);
}
void ExpandInt8(const float* scales, const int8_t* codes, int64_t count, float* out) {
  ExpandBlock<false>(scales, codes, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(ExpandFloat8);
HWY_EXPORT(ExpandInt8);
HWY_EXPORT(FewRowsFloat8);
HWY_EXPORT(FewRowsInt8);

float MaxSize(ConstMat w) {
  float most = 0;
  for (int64_t n = 0; n < w.rows; ++n) {
    for (int64_t k = 0; k < w.cols; ++k) {
      const float size = std::fabs(w(n, k));
      RETORT_CHECK(size <= 65504, "quantizing weights: got ", w(n, k),
                   ", expected numbers within ±65504. Has training diverged?");
      most = std::max(most, size);
    }
  }
  return most;
}

int8_t RoundAwayFromZero(float x) {
  const int whole = static_cast<int>(x);
  const float rest = x - static_cast<float>(whole);
  return static_cast<int8_t>(whole + (rest >= 0.5f) - (rest <= -0.5f));
}

// Numbers that share a scale, into a panel's block.
struct Lane {
  float* scale;
  int8_t* codes;  // kPanel apart
};
void QuantizeInt8(const float* x, int64_t count, float most, Lane lane) {
  const float scale = most / 127;
  *lane.scale = RoundToFloat16(scale);
  const float inverse = *lane.scale > 0 ? 1 / scale : 0;
  for (int64_t k = 0; k < count; ++k) lane.codes[k * kPanel] = RoundAwayFromZero(x[k] * inverse);
}
void QuantizeFloat8(const float* x, int64_t count, float most, Lane lane) {
  const float scale = most > 0 ? most / kMaxFloat8E4M3 : 1;
  *lane.scale = scale * 0x1p120f;
  for (int64_t k = 0; k < count; ++k) {
    lane.codes[k * kPanel] = static_cast<int8_t>(ToFloat8E4M3(x[k] / scale));
  }
}

}  // namespace

int64_t QuantizedPanelSize(Dtype dtype, int64_t k) {
  const int64_t depth = QuantDepth(dtype);
  return k / depth * QuantBlockSize(depth) + (k % depth > 0 ? QuantBlockSize(k % depth) : 0);
}

void Quantize(ConstMat w, Dtype dtype, bool transpose, float* panels) {
  if (transpose) {
    std::vector<float> turned(static_cast<size_t>(w.rows * w.cols));
    const Mat mat(turned.data(), w.cols, w.rows);
    for (int64_t k = 0; k < w.rows; ++k) {
      for (int64_t n = 0; n < w.cols; ++n) mat(n, k) = w(k, n);
    }
    return Quantize(mat, dtype, false, panels);
  }
  const bool float8 = dtype == Dtype::kFloat8E4M3;
  const int64_t depth = QuantDepth(dtype), height = float8 ? 128 : 1;
  const int64_t stride = QuantizedPanelSize(dtype, w.cols);
  std::fill_n(panels, (w.rows + kPanel - 1) / kPanel * stride, 0.0f);
  for (int64_t n = 0; n < w.rows; n += height) {
    for (int64_t k = 0; k < w.cols; k += depth) {
      const int64_t rows = std::min(height, w.rows - n), count = std::min(depth, w.cols - k);
      const float most = MaxSize({w.row(n) + k, rows, count, w.stride});
      for (int64_t row = n; row < n + rows; ++row) {
        float* block = panels + row / kPanel * stride + k / depth * QuantBlockSize(depth);
        const Lane lane{block + row % kPanel,
                        reinterpret_cast<int8_t*>(block + kPanel) + row % kPanel};
        (float8 ? QuantizeFloat8 : QuantizeInt8)(w.row(row) + k, count, most, lane);
      }
    }
  }
}

void RunFewRows(Dtype dtype, const PanelProduct& product) {
  dtype == Dtype::kQ8_0 ? HWY_DYNAMIC_DISPATCH(FewRowsInt8)(product)
                        : HWY_DYNAMIC_DISPATCH(FewRowsFloat8)(product);
}

void ExpandPanel(Dtype dtype, const float* panel, int64_t begin, int64_t count, float* out) {
  const int64_t depth = QuantDepth(dtype);
  while (count > 0) {
    const float* scales = panel + begin / depth * QuantBlockSize(depth);
    const auto* codes = reinterpret_cast<const int8_t*>(scales + kPanel) + begin % depth * kPanel;
    const int64_t here = std::min(count, depth - begin % depth);
    dtype == Dtype::kQ8_0 ? HWY_DYNAMIC_DISPATCH(ExpandInt8)(scales, codes, here, out)
                          : HWY_DYNAMIC_DISPATCH(ExpandFloat8)(scales, codes, here, out);
    begin += here;
    count -= here;
    out += here * kPanel;
  }
}

}  // namespace retort::nn
#endif
