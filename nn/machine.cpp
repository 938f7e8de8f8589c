#include "nn/machine.h"

#include <algorithm>
#include <vector>

#include "base/stopwatch.h"
#include "nn/aligned.h"
#include "nn/internal/gemm_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/machine.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retort::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kChains = 12;  // enough to hide the latency of a multiply-add

// As bf16::MultiplyAdds.
int64_t MultiplyAdds(int64_t rounds, float& sink) {
  const D d;
  const V factor = hn::Set(d, 0.999f), term = hn::Set(d, 1e-3f);
  V sum[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = hn::MulAdd(sum[i], factor, term);
  }
  V all = sum[0];
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) all = hn::Add(all, sum[i]);
  sink = hn::GetLane(hn::SumOfLanes(d, all));
  return 2 * rounds * kChains * static_cast<int64_t>(hn::Lanes(d));
}

float SumOf(const float* x, int64_t n) {  // n: a multiple of 128
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) sum[i] = hn::Zero(d);
  for (int64_t k = 0; k < n; k += 8 * lanes) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) sum[i] = hn::Add(sum[i], hn::Load(d, x + k + i * lanes));
  }
  V all = sum[0];
#pragma GCC unroll 8
  for (int i = 1; i < 8; ++i) all = hn::Add(all, sum[i]);
  return hn::GetLane(hn::SumOfLanes(d, all));
}

}  // namespace HWY_NAMESPACE
}  // namespace retort::nn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace retort::nn {
namespace {
HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(SumOf);

/// `once()` returns what it did; the rate of that over about `seconds`.
template <class Once>
double Rate(double seconds, const Once& once) {
  const Stopwatch watch;
  double done = 0, passed = 0;
  do {
    done += once();
    passed = watch.seconds();
  } while (passed < seconds);
  return done / passed;
}

}  // namespace

double MultiplyAddRate(Compute& compute, Dtype dtype, double seconds) {
  constexpr int64_t kRounds = 20000;
  const int64_t tiles = 8 * compute.executor.threads();
  std::vector<int64_t> operations(static_cast<size_t>(tiles));
  std::vector<float> sink(static_cast<size_t>(tiles));
  return Rate(seconds, [&] {
    compute.executor.ParallelFor(tiles, [&](int64_t tile, int) {
      const auto i = static_cast<size_t>(tile);
      operations[i] = dtype == Dtype::kBFloat16
                          ? bf16::MultiplyAdds(kRounds, sink[i])
                          : HWY_DYNAMIC_DISPATCH(MultiplyAdds)(kRounds, sink[i]);
    });
    return static_cast<double>(operations[0] * tiles);
  });
}

double ReadBandwidth(Compute& compute, int64_t bytes, double seconds) {
  constexpr int64_t kTile = 1 << 14;  // floats
  const int64_t tiles = std::max<int64_t>(1, bytes / static_cast<int64_t>(kTile * sizeof(float)));
  const AlignedVector<float> buffer(static_cast<size_t>(tiles * kTile), 1.0f);
  std::vector<float> sink(static_cast<size_t>(tiles));
  return Rate(seconds, [&] {
    compute.executor.ParallelFor(tiles, [&](int64_t tile, int) {
      sink[static_cast<size_t>(tile)] =
          HWY_DYNAMIC_DISPATCH(SumOf)(buffer.data() + tile * kTile, kTile);
    });
    return static_cast<double>(buffer.size() * sizeof(float));
  });
}

}  // namespace retort::nn
#endif
