#pragma once
// Runs the tests of a program and says how they came out. Language is no matter here: a program is
// something that can be run on an input, or started to answer calls.
//
// Two processes take part in an assert script: the script's, which holds the expected values, and
// the program's. They never meet: requests and answers pass through here, and only the script's
// process says which tests passed.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exec/sandbox.h"
#include "verifiers/code/internal/task.h"

namespace retort::verifiers {

/// How the tests came out.
struct Outcome {
  std::string reason = "accepted";  ///< as in code.h, without the test
  std::string detail;               ///< what else is known: a message, an exit code
  std::optional<int64_t> failed;    ///< the first test that did not pass
  bool lost = false;                ///< "internal-error" while the program was running
  int64_t passed = 0;
  int64_t total = 0;

  bool accepted() const { return reason == "accepted"; }
};

/// Whether this is a reason for no verdict.
bool IsUnjudged(std::string_view reason);
/// The reason for a run that did not succeed, and what it left behind.
Outcome FailureOf(const exec::RunResult& result);
/// The end of what it said, to standard error before standard output, and how it ended.
std::string LastWords(const exec::RunResult& result);

/// A process that speaks frames (wire.h). Owned by one thread.
class Speaker {
 public:
  using Clock = std::chrono::steady_clock;

  /// `limits` are those the process was started with.
  Speaker(std::unique_ptr<exec::Process> process, const exec::Limits& limits)
      : limits_(limits), process_(std::move(process)) {}

  const exec::Limits& limits() const { return limits_; }
  Clock::duration age() const { return Clock::now() - start_; }
  size_t heard() const { return heard_; }  ///< bytes

  void Say(std::string_view payload);
  /// The next frame; nothing when the process has gone or the frame is larger than all it may
  /// write.
  std::optional<std::string> Hear();
  /// How it went. To be called once, last.
  exec::RunResult End();

 private:
  exec::Limits limits_;
  std::unique_ptr<exec::Process> process_;
  Clock::time_point start_ = Clock::now();
  size_t heard_ = 0;
  bool too_large_ = false;
};

/// What the functions below run. `calls` starts a program that first says "r…" when it is ready for
/// calls, or "x…" when it failed to load; `script` starts the script, in a process of its own or in
/// one that `reuse` took back after its script had ended.
struct Runnable {
  std::function<exec::RunResult(std::string_view input)> run = {};
  std::function<std::unique_ptr<Speaker>()> calls = {};
  std::function<std::unique_ptr<Speaker>()> script = {};
  std::function<void(std::unique_ptr<Speaker>)> reuse = {};
};

/// Whether what a program printed for a test is right: accepted, "wrong-answer", or why nobody can
/// tell.
using OutputJudge = std::function<Outcome(const StdioTest& test, std::string_view output)>;

/// By comparison with each of the outputs that the test expects.
OutputJudge JudgeByExpected(OutputRule rule, std::optional<double> float_tolerance);

/// Tests run in order, up to the first that fails, or with `go_on` all of them; after a time limit
/// the rest count as failed, so that no program takes its limit many times.
Outcome RunStdioTests(const CodeTask& task, const Runnable& program, const OutputJudge& judge,
                      bool go_on);
Outcome RunCallTests(const CodeTask& task, const Runnable& program, bool go_on);
Outcome RunScripts(const Runnable& program);

}  // namespace retort::verifiers
