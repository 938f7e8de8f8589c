// What a sandbox costs beside a bare process.

#include <algorithm>

#include "base/stopwatch.h"
#include "bench/bench.h"
#include "exec/python_host.h"
#include "exec/self_test.h"

namespace retort::bench {
namespace {

constexpr const char* kProgram = "/bin/true";

struct Start {
  std::string what;
  std::function<double()> once;  // seconds
  std::vector<double> seconds = {};
};

double TimeProcess(const std::function<exec::RunResult()>& run) {
  const Stopwatch watch;
  const exec::RunResult result = run();
  RETORT_CHECK(result.Success(), "bench sandbox: ", EnumName(result.ending), ": ", result.message,
               result.err);
  return watch.seconds();
}

}  // namespace

std::vector<Json> BenchSandbox(const BenchOptions& options, nn::Compute&) {
  const exec::Sandbox full;
  const exec::Sandbox fallback({.namespaces = false, .cgroup = false});
  std::vector<Start> starts{{"bare", [] { return exec::TimeBareProcess(kProgram); }}};
  std::vector<std::unique_ptr<exec::PythonHost>> hosts;
  for (const exec::Sandbox* sandbox : {&full, &fallback}) {
    if (!sandbox->layers().Hold()) continue;
    const std::string layers = sandbox->layers().Names();
    starts.push_back({"sandbox (" + layers + ")", [sandbox] {
                        return TimeProcess([&] { return sandbox->Run({.command = {kProgram}}); });
                      }});
    for (const bool warm : {false, true}) {
      hosts.push_back(std::make_unique<exec::PythonHost>(
          *sandbox, exec::PythonHostOptions{.driver = "def main(): pass", .warm = warm}));
      if (!hosts.back()->refusal().empty()) continue;
      starts.push_back(
          {StrCat(warm ? "warm" : "cold", " Python (", layers, ")"), [host = hosts.back().get()] {
             return TimeProcess([&] { return host->Start({})->Finish(); });
           }});
    }
  }
  // In turn, so that a busy machine slows all of them alike.
  for (int64_t i = 0; i < options.cases; ++i) {
    for (Start& start : starts) start.seconds.push_back(start.once());
  }
  std::vector<Json> rows;
  double bare = 0;
  for (Start& start : starts) {
    std::sort(start.seconds.begin(), start.seconds.end());
    const auto at = [&](double share) {
      return 1e3 * start.seconds[static_cast<size_t>(
                       share * static_cast<double>(start.seconds.size() - 1))];
    };
    if (rows.empty()) bare = at(0.5);
    rows.push_back({{"what", start.what},
                    {"runs", options.cases},
                    {"p50_ms", at(0.5)},
                    {"p90_ms", at(0.9)},
                    {"max_ms", at(1)},
                    {"p50_over_bare_ms", at(0.5) - bare}});
  }
  return rows;
}

}  // namespace retort::bench
