// Verdicts of the mathematics verifier.

#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "datasets/generator.h"
#include "verifiers/registry.h"

namespace retort::bench {
namespace {

struct Case {
  Problem problem;
  std::string response;
};

/// Worked solutions to generated problems, in every form that announces an answer; every third
/// gives that of another problem.
std::vector<Case> MakeCases(int64_t count) {
  datasets::GeneratorOptions generator;
  generator.families = {"chain", "multiplication", "linear", "sort", "shopping"};
  generator.distinct = false;
  generator.count = count;
  const std::vector<Problem> problems =
      datasets::GenerateProblems(generator, datasets::Split::kTrain);
  std::vector<Case> cases;
  for (size_t i = 0; i < problems.size(); ++i) {
    const Problem& problem = problems[i];
    const std::string& answer = problems[i % 3 == 2 ? (i + 1) % problems.size() : i].answer;
    const std::string forms[] = {StrCat("<answer>", answer, "</answer>"),
                                 StrCat("so it is $\\boxed{", answer, "}$."),
                                 StrCat("#### ", answer), StrCat("The answer is ", answer, ".")};
    cases.push_back({problem, StrCat("<think>", problem.solution, "</think>", forms[i % 4])});
  }
  return cases;
}

Json ScoreRow(const std::vector<Case>& cases, const BenchOptions& options, nn::Compute& compute) {
  constexpr int64_t kTile = 64;
  const auto verifier = verifiers::MakeVerifier("math", Json::object(), "bench score");
  const auto count = static_cast<int64_t>(cases.size());
  std::vector<double> each(cases.size());  // seconds of each verdict in the last run
  std::vector<uint8_t> right(cases.size());
  const Timing timing =
      TimeIt(options, "score",
             {compute, [&] {
                const Stopwatch watch;
                compute.ForRows("judge", count, kTile, [&](int64_t begin, int64_t end, nn::Arena&) {
                  for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
                    const Stopwatch judged;
                    const Verdict verdict =
                        verifier->Judge({.text = cases[i].response, .problem = cases[i].problem});
                    each[i] = judged.seconds();
                    right[i] = verdict.status == VerdictStatus::kRight;
                  }
                });
                return watch.seconds();
              }});
  std::sort(each.begin(), each.end());
  const auto microseconds = [&](double share) {
    return 1e6 * each[static_cast<size_t>(share * static_cast<double>(count - 1))];
  };
  return {{"verifier", "math"},
          {"threads", compute.executor.threads()},
          {"cases", count},
          {"right", std::count(right.begin(), right.end(), 1)},
          {"verdicts_per_second", static_cast<double>(count) / timing.seconds},
          {"seconds", timing.seconds},
          {"p50_us", microseconds(0.5)},
          {"p99_us", microseconds(0.99)},
          {"max_us", microseconds(1)},
          {"peak_gflops", timing.multiply_adds / 1e9},
          {"all_seconds", timing.all}};
}

}  // namespace

std::vector<Json> BenchScore(const BenchOptions& options, nn::Compute& compute) {
  const std::vector<Case> cases = MakeCases(options.cases);
  std::vector<Json> rows;
  if (compute.executor.threads() > 1) {
    SingleThread single;
    rows.push_back(ScoreRow(cases, options, single.compute));
  }
  rows.push_back(ScoreRow(cases, options, compute));
  return rows;
}

}  // namespace retort::bench
