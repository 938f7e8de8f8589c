// Products of bfloat16 by the AVX-512 BF16 instructions (VDPBF16PS: two products at a time are
// added to a float), which Debian's Highway does not know.

#include <hwy/base.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "nn/gemm.h"
#include "nn/internal/gemm_kernel.h"

#if HWY_ARCH_X86_64
#include <hwy/cache_control.h>
#include <immintrin.h>

bool retort::nn::bf16::CpuHasIt() { return __builtin_cpu_supports("avx512bf16"); }

// After all headers: none of their functions may be compiled for this instruction set.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
namespace retort::nn::bf16 {
namespace {

struct Arithmetic {
  using V = __m512;
  static constexpr int kRegisters = 32;
  static HWY_INLINE int64_t Lanes() { return 16; }
  static HWY_INLINE V Zero() { return _mm512_setzero_ps(); }
  static HWY_INLINE V Load(const float* p) { return _mm512_loadu_ps(p); }
  static HWY_INLINE void Store(V v, float* p) { _mm512_storeu_ps(p, v); }
  static HWY_INLINE V Broadcast(float pair) { return _mm512_set1_ps(pair); }
  static HWY_INLINE V MulAdd(V x, V w, V sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
  }
};
#include "nn/internal/gemm_block-inl.h"

HWY_INLINE __mmask16 First(int64_t n) {
  return n >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1u << std::max<int64_t>(n, 0)) - 1);
}

HWY_INLINE __m512i Round(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// pairs[i] = (x[2i], x[2i + 1]), a last one without partner gets 0.
HWY_INLINE void PairNeighbours(const float* HWY_RESTRICT x, int64_t n, float* HWY_RESTRICT pairs) {
  for (int64_t i = 0; i < n; i += 32) {
    const __m512 low = _mm512_maskz_loadu_ps(First(n - i), x + i);
    const __m512 high = _mm512_maskz_loadu_ps(First(n - i - 16), x + i + 16);
    _mm512_mask_storeu_epi32(pairs + i / 2, First((n - i + 1) / 2), Round(low, high));
  }
}

// pairs[i] = (low[i], high[i]).
HWY_INLINE void Pair(const float* HWY_RESTRICT low, const float* HWY_RESTRICT high, int64_t n,
                     float* HWY_RESTRICT pairs) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 valid = First(n - i);
    const __m512 l = _mm512_maskz_loadu_ps(valid, low + i);
    const __m512 h = high ? _mm512_maskz_loadu_ps(valid, high + i) : _mm512_setzero_ps();
    _mm512_mask_storeu_epi32(pairs + i, valid, _mm512_permutexvar_epi16(order, Round(l, h)));
  }
}

}  // namespace

void PairRow(const float* x, int64_t n, float* pairs) { PairNeighbours(x, n, pairs); }
void PairRows(const float* low, const float* high, int64_t n, float* pairs) {
  Pair(low, high, n, pairs);
}

void RunPanelProduct(const PanelProduct& whole, Arena& arena) {
  const ArenaScope scope(arena);
  const int64_t pairs = Pairs(whole.k);
  PanelProduct p = whole;
  p.lda = std::min(kDepth, pairs) + kApart;
  float* const a = arena.New<float>(whole.rows * p.lda);
  p.a = a;
  for (int64_t k = 0; k == 0 || k < pairs; k += kDepth) {
    p.k = std::min(kDepth, pairs - k);
    p.w = whole.w + k * kPanel;
    if (k > 0) {
      p.start = whole.c;
      p.lds = whole.ldc;
    }
    for (int64_t r = 0; r < p.rows; ++r) {
      PairNeighbours(whole.a + r * whole.lda + 2 * k, std::min(2 * p.k, whole.k - 2 * k),
                     a + r * p.lda);
    }
    AllRows<Layout::kRows>({p.a, p.lda}, p);
  }
}

void RunOuterProduct(const OuterProduct& whole, Arena& arena) {
  const ArenaScope scope(arena);
  const int64_t panels = PanelsOf(whole.cols);
  const int64_t depth = std::min(kDepth, Pairs(whole.k));
  const int64_t panel = depth * kPanel + kApart;
  float* const b = arena.NewZeroMat(panels, panel).data;  // [panels][depth, kPanel]
  float* const a = arena.New<float>(whole.rows * depth);
  PanelProduct p{.a = a,
                 .lda = 0,
                 .w = b,
                 .w_stride = panel,
                 .k = 0,
                 .c = whole.c,
                 .ldc = whole.ldc,
                 .rows = whole.rows,
                 .cols = whole.cols,
                 .start = whole.c,
                 .lds = whole.ldc};
  for (int64_t begin = 0; begin < whole.k; begin += 2 * depth) {
    p.k = std::min(depth, Pairs(whole.k - begin));
    for (int64_t k = 0; k < p.k; ++k) {
      const int64_t token = begin + 2 * k;
      const bool alone = token + 1 == whole.k;
      const float *a0 = whole.a + token * whole.lda, *b0 = whole.b + token * whole.ldb;
      ForBlocks(whole.rows, [&](int64_t row, int64_t count) {
        Pair(a0 + row, alone ? nullptr : a0 + row + whole.lda, count, a + row * p.k + k * count);
      });
      for (int64_t q = 0; q < panels; ++q) {
        const int64_t col = q * kPanel;
        Pair(b0 + col, alone ? nullptr : b0 + col + whole.ldb, std::min(kPanel, whole.cols - col),
             b + q * panel + k * kPanel);
      }
    }
    AllRows<Layout::kPacked>({a, p.k}, p);
  }
}

int64_t MultiplyAdds(int64_t rounds, float& sink) {
  constexpr int kChains = 12;  // enough to hide the latency
  const __m512 factor = _mm512_set1_ps(std::bit_cast<float>(0x3F7F3F7F));  // nearly 1, twice
  __m512 sum[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = Arithmetic::MulAdd(sum[i], factor, sum[i]);
  }
  __m512 all = sum[0];
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) all = _mm512_add_ps(all, sum[i]);
  float lanes[16];
  _mm512_storeu_ps(lanes, all);
  sink = std::accumulate(lanes, lanes + 16, 0.0f);
  return rounds * kChains * 16 * 4;
}

}  // namespace retort::nn::bf16
HWY_POP_ATTRIBUTES

#else
namespace retort::nn::bf16 {

bool CpuHasIt() { return false; }
namespace {
[[noreturn]] void Missing() { Fail("bfloat16: these kernels are for x86-64"); }
}  // namespace
void PairRow(const float*, int64_t, float*) { Missing(); }
void PairRows(const float*, const float*, int64_t, float*) { Missing(); }
void RunPanelProduct(const PanelProduct&, Arena&) { Missing(); }
void RunOuterProduct(const OuterProduct&, Arena&) { Missing(); }
int64_t MultiplyAdds(int64_t, float&) { Missing(); }

}  // namespace retort::nn::bf16
#endif
