// The trace database, written as a run writes it and read back.

#include "base/folder.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "datasets/generator.h"
#include "datasets/trace_store.h"

namespace retort::bench {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kGroup = 16;    // samples of a problem
constexpr int64_t kMetrics = 30;  // about what a GRPO step logs

struct TraceShape {
  int64_t batch, steps, prompt, new_tokens;
};

std::vector<Sample> MakeSamples(const TraceShape& sizes) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < sizes.batch; ++i) {
    const auto problem = static_cast<size_t>(i / kGroup);
    Sample& sample = samples.emplace_back();
    sample.problem_index = static_cast<int64_t>(problem);
    Trajectory& t = sample.trajectory;
    t.prompt = RandomTokens(sizes.prompt, 256, problem);
    t.completion = RandomTokens(sizes.new_tokens, 256, static_cast<uint64_t>(i));
    t.logprobs.assign(t.completion.size(), -5.5f);
    t.finish = FinishReason::kStop;
    t.sample = i % kGroup;
    sample.text.assign(t.completion.size(), 'x');
    const bool right = i % 2 == 0;
    sample.verdicts = {{"math",
                        {right ? VerdictStatus::kRight : VerdictStatus::kWrong, right ? 1.0 : 0.0,
                         "equal/number/answer-tag", "42"}}};
    sample.reward = right;
  }
  return samples;
}

void AddTraceRows(const TraceShape& sizes, const BenchOptions& options, nn::Compute& compute,
                  std::vector<Json>& rows) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "traces.db";
  const int64_t count = sizes.batch * sizes.steps;
  const auto add = [&](const char* what, int64_t traces, const std::function<double()>& once) {
    const Timing timing = TimeIt(options, StrCat("traces ", what), {compute, once});
    rows.push_back({{"work", what},
                    {"batch", sizes.batch},
                    {"threads", compute.executor.threads()},
                    {"new_tokens", sizes.new_tokens},
                    {"traces", traces},
                    {"rows_per_second", static_cast<double>(traces) / timing.seconds},
                    {"seconds", timing.seconds},
                    {"bytes_per_trace", fs::file_size(file) / static_cast<uintmax_t>(count)},
                    {"peak_gflops", timing.multiply_adds / 1e9},
                    {"all_seconds", timing.all}});
  };

  datasets::GeneratorOptions generator;
  generator.distinct = false;
  generator.count = (sizes.batch + kGroup - 1) / kGroup;
  const std::vector<Problem> problems =
      datasets::GenerateProblems(generator, datasets::Split::kTrain);
  add("write", count, [&] {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(file.string() + suffix);
    datasets::TraceStore store(file, datasets::TraceStore::Mode::kWrite);
    const std::vector<Sample> samples = MakeSamples(sizes);
    datasets::StepRecord step{.key = {.run = store.CreateRun("bench", Json::object())},
                              .stage = "grpo",
                              .metrics = {},
                              .samples = samples,
                              .problems = problems};
    for (int64_t m = 0; m < kMetrics; ++m) step.metrics.emplace_back(StrCat("metric/", m), 0.5);
    const Stopwatch watch;
    for (step.key.step = 0; step.key.step < sizes.steps; ++step.key.step) store.AppendStep(step);
    return watch.seconds();
  });

  const datasets::TraceStore store(file, datasets::TraceStore::Mode::kRead);
  datasets::TraceFilter right;
  right.correct = true;
  const std::vector<int64_t> ids = store.Select(right);
  add("query", count, [&] {
    const Stopwatch watch;
    store.Select(right);
    return watch.seconds();
  });
  add("read", static_cast<int64_t>(ids.size()), [&] {
    const Stopwatch watch;
    store.ForEach(ids, [](const Trace&) {});
    return watch.seconds();
  });
}

}  // namespace

std::vector<Json> BenchTraces(const BenchOptions& options, nn::Compute& compute) {
  std::vector<Json> rows;
  for (const int64_t batch : OneOr(options.batch, {128})) {
    AddTraceRows({.batch = batch,
                  .steps = options.steps,
                  .prompt = Or(options.length, 64),
                  .new_tokens = Or(options.new_tokens, 128)},
                 options, compute, rows);
  }
  return rows;
}

}  // namespace retort::bench
