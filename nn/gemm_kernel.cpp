#include "nn/internal/gemm_kernel.h"

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

struct Arithmetic {
  using V = hn::Vec<D>;
  static constexpr int kRegisters = HWY_MAX_BYTES >= 64 ? 32 : 16;
  static HWY_INLINE int64_t Lanes() { return static_cast<int64_t>(hn::Lanes(D())); }
  static HWY_INLINE V Zero() { return hn::Zero(D()); }
  static HWY_INLINE V Load(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void Store(V v, float* p) { hn::StoreU(v, D(), p); }
  static HWY_INLINE V Broadcast(float x) { return hn::Set(D(), x); }
  static HWY_INLINE V MulAdd(V x, V w, V sum) { return hn::MulAdd(x, w, sum); }
};
#include "nn/internal/gemm_block-inl.h"

constexpr int64_t kTogether = 8;  // rows that are packed together

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

// An operand whose rows would throw each other out (see kApart) is copied.
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
    AllRows<Layout::kRows>({p.a, p.lda}, p);
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
    AllRows<Layout::kTransposed>({whole.a + begin * whole.lda, whole.lda}, p);
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
