// Timing, the machine's own figures, and memory.

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/progress.h"
#include "cli/parts/table.h"
#include "nn/machine.h"

namespace retort::bench {
namespace {

constexpr double kMachineSeconds = 0.05;

// The reference machine of docs/performance.md: 2 cores of an AMD EPYC (Zen 4).
struct Reference {
  int threads;
  double gflops;     // fp32 multiply-adds
  double bandwidth;  // GB/s, from memory
};
constexpr Reference kReferences[] = {{1, 109, 21}, {2, 209, 26.5}};
constexpr double kBelow = 0.8;

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

Meter::Meter(nn::Compute& compute, const BenchOptions& options, int64_t read_bytes)
    : compute_(compute),
      options_(options),
      read_bytes_(read_bytes),
      profile_(compute.executor.threads()) {}

void Meter::Begin() {
  if (last()) compute_.profile = &profile_;
}

void Meter::End(double seconds) {
  compute_.profile = nullptr;
  if (last()) {
    seconds *= compute_.executor.threads();
    double busy = 0;
    for (const auto& [op, part] : profile_.Parts()) {
      timing_.parts[op] = part / seconds;
      busy += part;
    }
    timing_.parts["waiting"] = 1 - busy / seconds;
    if (!options_.profile.empty()) profile_.WriteChromeTrace(options_.profile);
  } else {
    const double peak = nn::MultiplyAddRate(compute_, options_.precision.products, kMachineSeconds);
    const double bandwidth =
        read_bytes_ > 0 ? nn::ReadBandwidth(compute_, read_bytes_, kMachineSeconds) : 0;
    if (done_ > 0) {  // before, caches, pages and clocks had to warm up
      timing_.all.push_back(seconds);
      timing_.peaks.push_back(peak);
      bandwidths_.push_back(bandwidth);
    }
  }
  ++done_;
}

Timing Meter::Result() const {
  Timing timing = timing_;
  timing.seconds = Median(timing.all);
  timing.multiply_adds = Median(timing.peaks);
  timing.bandwidth = Median(bandwidths_);
  return timing;
}

namespace {

// How much faster each row is than the first: medians over neighbouring runs.
void AddSpeedup(const std::vector<Timing>& timings, bool scaling, std::span<Json> rows) {
  const Timing& first = timings.front();
  for (size_t i = 0; i < timings.size(); ++i) {
    std::vector<double> done, best, share;
    for (size_t r = 0; r < first.all.size(); ++r) {
      done.push_back(first.all[r] / timings[i].all[r]);
      best.push_back(timings[i].peaks[r] / first.peaks[r]);
      share.push_back(done[r] / best[r]);
    }
    rows[i]["speedup"] = Median(done);
    if (!scaling) continue;
    rows[i]["peak_speedup"] = Median(best);
    rows[i]["fraction_of_peak_speedup"] = Median(share);
  }
}

std::vector<Timing> TimeInTurn(const BenchOptions& options, const std::string& label,
                               std::span<const Work> works) {
  Progress progress(label);
  std::vector<std::unique_ptr<Meter>> meters;
  for (const Work& work : works) {
    meters.push_back(std::make_unique<Meter>(work.compute, options, work.read_bytes));
  }
  const int64_t runs = Meter::Runs(options);
  for (int64_t run = 0; run < runs; ++run) {
    for (size_t i = 0; i < works.size(); ++i) {
      RETORT_CHECK(!Interrupted(), "interrupted");
      progress.Update(static_cast<double>(run), static_cast<double>(runs));
      meters[i]->Begin();
      meters[i]->End(works[i].once());
    }
  }
  std::vector<Timing> timings;
  for (const auto& meter : meters) timings.push_back(meter->Result());
  return timings;
}

}  // namespace

Timing TimeIt(const BenchOptions& options, const std::string& label, const Work& work) {
  return TimeInTurn(options, label, {&work, 1}).front();
}

void AddRows(const BenchOptions& options, const std::string& label, std::span<const Work> works,
             std::vector<Json>& rows) {
  const std::vector<Timing> timings = TimeInTurn(options, label, works);
  const size_t first = rows.size();
  for (size_t i = 0; i < works.size(); ++i) rows.push_back(works[i].row(timings[i]));
  if (works.size() > 1) AddSpeedup(timings, options.scaling, std::span(rows).subspan(first));
}

void AddSpeed(const Timing& timing, double tokens, double operations, Json& row) {
  const double rate = operations / timing.seconds;
  row["tokens_per_second"] = tokens / timing.seconds;
  row["seconds"] = timing.seconds;
  row["gflops"] = rate / 1e9;
  row["fraction_of_peak"] = rate / timing.multiply_adds;
  row["peak_gflops"] = timing.multiply_adds / 1e9;
  row["all_seconds"] = timing.all;
  row["parts"] = timing.parts;
}

std::vector<std::string> MachineWarnings(const std::vector<Json>& rows) {
  std::vector<std::string> warnings;
  const auto check = [&](const char* key, const char* what, double Reference::*field) {
    double worst = kBelow;
    std::string warning;
    for (const Json& row : rows) {
      if (row.value("dtype", "float32") != "float32" || !row.contains(key)) continue;
      const auto reference =
          std::ranges::find(kReferences, row["threads"].get<int>(), &Reference::threads);
      if (reference == std::end(kReferences)) continue;
      const double measured = row[key].get<double>(), expected = *reference.*field;
      if (measured >= worst * expected) continue;
      worst = measured / expected;
      warning =
          StrCat("the ", what, " measured here, ", Fixed(measured, 1),
                 " with threads = ", reference->threads, ", is more than 20 % below the ", expected,
                 " of the reference machine of docs/performance.md: another machine, or a "
                 "busy one. Compare shares, not seconds");
    }
    if (!warning.empty()) warnings.push_back(warning);
  };
  check("peak_gflops", "multiply-add peak in GFLOP/s", &Reference::gflops);
  check("bandwidth_gbs", "read bandwidth in GB/s", &Reference::bandwidth);
  return warnings;
}

}  // namespace retort::bench
