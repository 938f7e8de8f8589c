#include "nn/gemm_kernel.h"

#include <hwy/cache_control.h>

#include <algorithm>

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

// Rows × two vectors of accumulators fill the registers.
constexpr int kMaxRows = HWY_MAX_BYTES >= 64 ? 12 : 6;
// The summed index is cut so that what a block walks stays in the second-level cache.
constexpr int64_t kDepth = 256;
constexpr int64_t kGroup = 4;     // panels that all rows pass before the next come
constexpr int64_t kAhead = 8;     // rows of a wide matrix that are fetched before their turn
constexpr int64_t kTogether = 8;  // rows that are packed together

// The left operand of a block: element (r, k) is a[r * stride + k], or a[r + k * stride] when
// transposed.
enum class Layout { kRows, kTransposed };

struct Left {
  const float* a;
  int64_t stride;
};

// R rows × P panels × two vectors.
template <int R, int P, Layout L>
HWY_INLINE void Block(const Left& left, const PanelProduct& p, int64_t row, int64_t panel,
                      int64_t lane) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* HWY_RESTRICT a = left.a;
  const float* HWY_RESTRICT w[P];
  V acc[P][R][2];
  alignas(64) float edge[kPanel];

  // Columns [begin, begin + 2 lanes) of C; `valid` of them exist.
  const auto begin = [&](int q) { return (panel + q) * kPanel + lane; };
#pragma GCC unroll 4
  for (int q = 0; q < P; ++q) {
    w[q] = p.w + (panel + q) * p.w_stride + lane;
    const int64_t valid = p.cols - begin(q);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      if (!p.start) {
        acc[q][r][0] = acc[q][r][1] = hn::Zero(d);
        continue;
      }
      const float* from = p.start + (row + r) * p.lds + begin(q);
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
    if constexpr (L == Layout::kTransposed) {  // every step is on another line, far away
      hwy::Prefetch(a + (k + kAhead) * left.stride);
      hwy::Prefetch(a + (k + kAhead) * left.stride + R - 1);
    }
#pragma GCC unroll 4
    for (int q = 0; q < P; ++q) {
      const V w0 = hn::Load(d, w[q] + k * kPanel);
      const V w1 = hn::Load(d, w[q] + k * kPanel + lanes);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const V x =
            hn::Set(d, L == Layout::kRows ? a[r * left.stride + k] : a[k * left.stride + r]);
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

// Panels [first, last).
template <int R, Layout L>
HWY_NOINLINE void Rows(const Left& left, const PanelProduct& p, int64_t row, int64_t first,
                       int64_t last) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  constexpr int P = Panels<R>();
  int64_t panel = first;
  for (; panel + P <= last; panel += P) {
    for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) {
      Block<R, P, L>(left, p, row, panel, lane);
    }
  }
  if constexpr (P > 1) {
    for (; panel < last; ++panel) {
      for (int64_t lane = 0; lane < kPanel; lane += 2 * lanes) {
        Block<R, 1, L>(left, p, row, panel, lane);
      }
    }
  }
}

template <Layout L, int R = kMaxRows>
void RowsOf(int64_t count, const Left& left, const PanelProduct& p, int64_t row, int64_t first,
            int64_t last) {
  if constexpr (R > 0) {
    if (count == R) return Rows<R, L>(left, p, row, first, last);
    RowsOf<L, R - 1>(count, left, p, row, first, last);
  }
}

// Cuts rows into the fewest blocks, as equal as can be: body(first row, count).
template <class Body>
void ForBlocks(int64_t rows, const Body& body) {
  const int64_t blocks = (rows + kMaxRows - 1) / kMaxRows;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t begin = rows * i / blocks;
    body(begin, rows * (i + 1) / blocks - begin);
  }
}

// Short and often: a call of memmove would cost more than the copy.
HWY_INLINE void Copy(const float* HWY_RESTRICT from, int64_t n, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 4> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  for (; i < n; ++i) to[i] = from[i];
}

// Rows of a wide matrix lie too far apart for the hardware to guess the next.
HWY_INLINE void PrefetchRow(const float* row, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) hwy::Prefetch(row + i);
}

int64_t PanelsOf(int64_t cols) { return (cols + kPanel - 1) / kPanel; }

// Rows or panels that start a multiple of 2 KiB apart fall into the same few sets of
// the first-level cache and throw each other out. What is packed is kept apart by a cache line;
// an operand that lies so is copied.
constexpr int64_t kApart = 16;
bool Collides(int64_t stride) { return stride % 512 == 0; }

void Panel(const PanelProduct& whole, Arena& arena) {
  const ArenaScope scope(arena);
  const int64_t panels = PanelsOf(whole.cols);
  const bool copy = Collides(whole.lda) && whole.rows > 1 && panels > 1;
  constexpr int64_t kCopied = kDepth + kApart;
  float* const copied = copy ? arena.New<float>(whole.rows * kCopied) : nullptr;
  for (int64_t k = 0; k == 0 || k < whole.k; k += kDepth) {
    PanelProduct p = whole;
    p.k = std::min(kDepth, whole.k - k);
    p.a = whole.a + k;
    p.w = whole.w + k * kPanel;
    if (k > 0) {
      p.start = whole.c;
      p.lds = whole.ldc;
    }
    if (copy) {
      for (int64_t r = 0; r < p.rows; ++r) {
        if (r + kAhead < p.rows) PrefetchRow(p.a + (r + kAhead) * p.lda, p.k);
        std::copy_n(p.a + r * p.lda, p.k, copied + r * kCopied);
      }
      p.a = copied;
      p.lda = kCopied;
    }
    for (int64_t first = 0; first < panels; first += kGroup) {
      const int64_t last = std::min(panels, first + kGroup);
      ForBlocks(p.rows, [&](int64_t row, int64_t count) {
        const Left left{p.a + row * p.lda, p.lda};
        RowsOf<Layout::kRows>(count, left, p, row, first, last);
      });
    }
  }
}

void Outer(const OuterProduct& whole, Arena& arena) {
  const ArenaScope scope(arena);
  const int64_t panels = PanelsOf(whole.cols);
  const int64_t depth = std::min(kDepth, whole.k);
  const int64_t panel = depth * kPanel + kApart;
  float* packed = arena.NewZeroMat(panels, panel).data;  // [panels][depth, kPanel]
  PanelProduct p{.a = nullptr,
                 .lda = 0,
                 .w = packed,
                 .w_stride = panel,
                 .k = 0,
                 .c = whole.c,
                 .ldc = whole.ldc,
                 .rows = whole.rows,
                 .cols = whole.cols,
                 .start = whole.c,
                 .lds = whole.ldc};
  for (int64_t begin = 0; begin < whole.k; begin += depth) {
    p.k = std::min(depth, whole.k - begin);
    for (int64_t first = 0; first < p.k; first += kTogether) {
      const int64_t last = std::min(first + kTogether, p.k);
      for (int64_t k = begin + last; k < std::min(begin + last + kTogether, whole.k); ++k) {
        PrefetchRow(whole.b + k * whole.ldb, whole.cols);
      }
      for (int64_t q = 0; q < panels; ++q) {
        const int64_t width = std::min(kPanel, whole.cols - q * kPanel);
        for (int64_t k = first; k < last; ++k) {
          Copy(whole.b + (begin + k) * whole.ldb + q * kPanel, width,
               packed + q * panel + k * kPanel);
        }
      }
    }
    for (int64_t first = 0; first < panels; first += kGroup) {
      const int64_t last = std::min(panels, first + kGroup);
      ForBlocks(whole.rows, [&](int64_t row, int64_t count) {
        const Left left{whole.a + begin * whole.lda + row, whole.lda};
        RowsOf<Layout::kTransposed>(count, left, p, row, first, last);
      });
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(Panel);
HWY_EXPORT(Outer);
}  // namespace
void RunPanelProduct(const PanelProduct& product, Arena& scratch) {
  HWY_DYNAMIC_DISPATCH(Panel)(product, scratch);
}
void RunOuterProduct(const OuterProduct& product, Arena& scratch) {
  HWY_DYNAMIC_DISPATCH(Outer)(product, scratch);
}
}  // namespace retort::nn
#endif
