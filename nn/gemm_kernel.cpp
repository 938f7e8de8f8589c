#include "nn/gemm_kernel.h"

#include "nn/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/gemm_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

// R rows × P panels × two vectors of accumulators. Each accumulator element is one chain of
// multiply-adds over k from 0, whatever R and P are: that is what makes rows bit-identical for any
// M.
template <int R, int P>
HWY_INLINE void Block(const PanelProduct& p, int64_t row, int64_t panel, int64_t lane) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* HWY_RESTRICT a = p.a + row * p.lda;
  const float* HWY_RESTRICT w[P];
  V acc[P][R][2];
  alignas(64) float edge[kPanel];

  // Columns [begin, begin + 2 lanes) of C; `valid` of them exist.
  const auto begin = [&](int q) { return (panel + q) * kPanel + lane; };
#pragma GCC unroll 4
  for (int q = 0; q < P; ++q) {
    w[q] = p.w + (panel + q) * p.k * kPanel + lane;
    const int64_t valid = p.cols - begin(q);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      if (!p.accumulate) {
        acc[q][r][0] = acc[q][r][1] = hn::Zero(d);
        continue;
      }
      const float* from = p.c + (row + r) * p.ldc + begin(q);
      if (valid < 2 * lanes) {
        for (int64_t j = 0; j < valid; ++j) edge[j] = from[j];
        for (int64_t j = std::max<int64_t>(valid, 0); j < 2 * lanes; ++j) edge[j] = 0;
        from = edge;
      }
      acc[q][r][0] = hn::LoadU(d, from);
      acc[q][r][1] = hn::LoadU(d, from + lanes);
    }
  }
  for (int64_t k = 0; k < p.k; ++k) {
#pragma GCC unroll 4
    for (int q = 0; q < P; ++q) {
      const V w0 = hn::Load(d, w[q] + k * kPanel);
      const V w1 = hn::Load(d, w[q] + k * kPanel + lanes);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const V x = hn::Set(d, a[r * p.lda + k]);
        acc[q][r][0] = hn::MulAdd(x, w0, acc[q][r][0]);
        acc[q][r][1] = hn::MulAdd(x, w1, acc[q][r][1]);
      }
    }
  }
#pragma GCC unroll 4
  for (int q = 0; q < P; ++q) {
    const int64_t valid = p.cols - begin(q);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      float* to = p.c + (row + r) * p.ldc + begin(q);
      if (valid >= 2 * lanes) {
        hn::StoreU(acc[q][r][0], d, to);
        hn::StoreU(acc[q][r][1], d, to + lanes);
      } else {
        hn::Store(acc[q][r][0], d, edge);
        hn::StoreU(acc[q][r][1], d, edge + lanes);
        for (int64_t j = 0; j < valid; ++j) to[j] = edge[j];
      }
    }
  }
}

// Few rows leave the multiply-add pipeline empty, so they take several panels at once.
template <int R>
constexpr int Panels() {
  return R == 1 ? 4 : (R <= (HWY_MAX_BYTES >= 64 ? 6 : 2) ? 2 : 1);
}
constexpr int kMaxRows = HWY_MAX_BYTES >= 64 ? 12 : 6;

template <int R>
HWY_NOINLINE void Rows(const PanelProduct& p, int64_t row) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  const int64_t panels = (p.cols + kPanel - 1) / kPanel;
  constexpr int P = Panels<R>();
  int64_t panel = 0;
  for (; panel + P <= panels; panel += P) {
    for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) Block<R, P>(p, row, panel, lane);
  }
  if constexpr (P > 1) {
    for (; panel < panels; ++panel) {
      for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) Block<R, 1>(p, row, panel, lane);
    }
  }
}

template <int R>
void Remainder(const PanelProduct& p, int64_t row, int64_t left) {
  if constexpr (R > 0) {
    if (left == R) return Rows<R>(p, row);
    Remainder<R - 1>(p, row, left);
  }
}

void Run(const PanelProduct& p) {
  int64_t row = 0;
  for (; row + kMaxRows <= p.rows; row += kMaxRows) Rows<kMaxRows>(p, row);
  Remainder<kMaxRows - 1>(p, row, p.rows - row);
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
HWY_EXPORT(Run);
void RunPanelProduct(const PanelProduct& product) { HWY_DYNAMIC_DISPATCH(Run)(product); }
}  // namespace retort::nn
#endif
