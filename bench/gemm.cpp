// Matrix products by themselves.

#include "nn/gemm.h"

#include <vector>

#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "nn/aligned.h"

namespace retort::bench {
namespace {

struct Shape {
  int64_t m, n, k;
};

constexpr Shape kShapes[] = {{2048, 256, 256}, {2048, 1024, 256}, {2048, 256, 1024},
                             {4096, 768, 768}, {4096, 3072, 768}, {64, 768, 768},
                             {32, 1536, 576},  {32, 256, 256},    {16, 768, 3072},
                             {4, 768, 3072},   {1, 4096, 4096}};

}  // namespace

std::vector<Json> BenchGemm(const BenchOptions& options, nn::Compute& compute) {
  const nn::Dtype dtype = options.precision.products;
  std::vector<Json> rows;
  for (const auto [m, n, k] : kShapes) {
    nn::AlignedVector<float> x(static_cast<size_t>(m * k), 0.5f),
        w(static_cast<size_t>(n * k), 0.25f), y(static_cast<size_t>(m * n), 0.125f);
    const nn::Mat a(x.data(), m, k), weights(w.data(), n, k), c(y.data(), m, n);
    nn::PackedMatrix packed;
    const nn::PackJob job{&packed, weights, dtype};
    nn::AlignedVector<float> storage(static_cast<size_t>(job.size()));
    nn::Pack(compute, std::span(&job, 1), storage.data());
    const double operations = 2.0 * static_cast<double>(m * n * k);
    const auto measure = [&](const char* product, const auto& run) {
      // Enough calls for about 50 ms at 200 GFLOP/s.
      const int64_t calls = std::max<int64_t>(1, static_cast<int64_t>(1e10 / operations));
      const Timing timing = TimeIt(options, StrCat("gemm ", m, "x", n, "x", k),
                                   {compute, [&] {
                                      const Stopwatch watch;
                                      for (int64_t i = 0; i < calls; ++i) run();
                                      return watch.seconds() / static_cast<double>(calls);
                                    }});
      rows.push_back({{"shape", StrCat(m, "x", n, "x", k)},
                      {"product", product},
                      {"dtype", EnumName(dtype)},
                      {"threads", compute.executor.threads()},
                      {"seconds", timing.seconds},
                      {"gflops", operations / timing.seconds / 1e9},
                      {"fraction_of_peak", operations / timing.seconds / timing.multiply_adds},
                      {"peak_gflops", timing.multiply_adds / 1e9}});
    };
    measure("forward", [&] { nn::Gemm(compute, nn::GemmJob{a, &packed, c}); });
    if (m < 64 || nn::IsQuantized(dtype)) continue;
    measure("input gradient", [&] {
      nn::GemmInputGrad(compute, nn::InputGradJob{.dc = c, .w = weights, .da = a, .dtype = dtype});
    });
    measure("weight gradient", [&] {
      nn::GemmWeightGrad(compute, nn::WeightGradJob{c, a, weights, dtype});
    });
  }
  return rows;
}

}  // namespace retort::bench
