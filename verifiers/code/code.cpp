#include "verifiers/code/code.h"

#include <exception>
#include <shared_mutex>

#include "base/options.h"
#include "base/strings.h"
#include "verifiers/code/internal/checker.h"
#include "verifiers/code/internal/cpp.h"
#include "verifiers/code/internal/program.h"
#include "verifiers/code/internal/python.h"
#include "verifiers/code/internal/run.h"
#include "verifiers/code/internal/task.h"

namespace retort::verifiers {

namespace {

constexpr const char* kInternalError = "internal-error";
constexpr size_t kMaxProgramBytes = 1 << 20;
constexpr size_t kMaxShownBytes = 12'000;
constexpr int kTimesAlone = 2;

Verdict Unjudged(const std::string& reason, const std::string& message) {
  return {VerdictStatus::kUnjudged, 0, ToValidUtf8(reason + ": " + message), ""};
}

class CodeVerifier final : public Verifier {
 public:
  explicit CodeVerifier(const CodeOptions& options)
      : options_(options), sandbox_(options.sandbox), python_(sandbox_), cpp_(sandbox_) {}

  std::string CannotJudge(const Problem& problem) const override {
    try {
      const CodeTask task = ReadCodeTask(problem, options_);
      std::string refusal = sandbox_.Refusal({.command = {}, .limits = task.limits.run});
      if (refusal.empty() && task.language == Language::kPython) refusal = python_.refusal();
      return refusal;
    } catch (const TaskError& error) {
      return StrCat(error.reason, ": ", error.what());
    }
  }

  Verdict Judge(const Response& response) const override {
    try {
      return JudgeProgram(response);
    } catch (const TaskError& error) {
      return Unjudged(error.reason, error.what());
    } catch (const std::exception& error) {
      return Unjudged(kInternalError, error.what());
    }
  }

 private:
  Verdict JudgeProgram(const Response& response) const {
    const CodeTask task = ReadCodeTask(response.problem, options_);
    const auto program = ExtractProgram(response.text, task, response.problem.extra);
    if (!program) return {VerdictStatus::kWrong, 0, "no-program", ""};
    Outcome outcome;
    if (program->source.size() > kMaxProgramBytes) {
      outcome.reason = "compile-error";
      outcome.detail = "a program of more than a MiB";
    } else {
      outcome = Run(*program, task);
    }
    return VerdictOf(outcome, *program);
  }

  Outcome Run(const ExtractedProgram& program, const CodeTask& task) const {
    Outcome outcome;
    {
      const std::shared_lock beside_others(running_);
      outcome = RunOnce(program, task, false);
    }
    bool always_lost = outcome.reason == kInternalError;
    for (int time = 0; time < kTimesAlone && outcome.reason == kInternalError; ++time) {
      const std::unique_lock alone(running_);
      outcome = RunOnce(program, task, true);
      always_lost = always_lost && outcome.lost;
    }
    if (always_lost) {
      outcome.reason = "denied";
      outcome.detail = "its sandbox was lost whenever it ran, also alone: " + outcome.detail;
    }
    return outcome;
  }

  Outcome RunOnce(const ExtractedProgram& program, const CodeTask& task, bool alone) const {
    try {
      return RunIn(program, task, alone);
    } catch (const std::exception& error) {
      Outcome outcome;
      outcome.reason = kInternalError;
      outcome.detail = error.what();
      return outcome;
    }
  }

  Outcome RunIn(const ExtractedProgram& program, const CodeTask& task, bool alone) const {
    const bool go_on = options_.score == CodeScore::kFraction;
    Outcome refused;
    refused.reason = "no-sandbox";
    refused.detail = sandbox_.Refusal({.command = {}, .limits = task.limits.run});
    if (!refused.detail.empty()) return refused;
    OutputJudge judge = JudgeByExpected(options_.output, task.float_tolerance);
    if (!task.checker.empty()) {
      const Outcome prepared = PrepareChecker(task, alone, judge);
      if (!prepared.accepted()) return prepared;
    }
    if (program.language == Language::kCpp) {
      Runnable runnable;
      Outcome prepared = cpp_.Prepare(program.source, task, runnable);
      // A fence must not choose a language of which no program can be judged.
      const bool chosen = task.language == Language::kAuto;
      if (chosen && prepared.reason == "no-compiler") prepared.reason = "no-program";
      return prepared.accepted() ? RunTests(task, runnable, judge, go_on) : prepared;
    }
    refused = PythonRefusal();
    if (!refused.accepted()) return refused;
    return RunTests(task, python_.Prepare(program.source, task, go_on, alone), judge, go_on);
  }

  Outcome PythonRefusal() const {
    Outcome outcome;
    outcome.detail = python_.refusal();
    if (outcome.detail.empty()) return outcome;
    outcome.reason = outcome.detail.starts_with("no Python") ? "no-python" : "no-sandbox";
    return outcome;
  }

  Outcome PrepareChecker(const CodeTask& task, bool alone, OutputJudge& judge) const {
    const Language language = LanguageOfChecker(task.checker);
    RunChecker checker;
    Outcome outcome;
    if (language == Language::kCpp) {
      outcome = cpp_.PrepareChecker(task, checker);
    } else {
      outcome = PythonRefusal();
      checker = python_.PrepareChecker(task, alone);
    }
    judge = JudgeByChecker(language, std::move(checker));
    return outcome;
  }

  Outcome RunTests(const CodeTask& task, const Runnable& program, const OutputJudge& judge,
                   bool go_on) const {
    if (!task.stdio.empty()) return RunStdioTests(task, program, judge, go_on);
    if (!task.calls.empty()) return RunCallTests(task, program, go_on);
    return RunScripts(program);
  }

  Verdict VerdictOf(const Outcome& outcome, const ExtractedProgram& program) const {
    if (IsUnjudged(outcome.reason)) return Unjudged(outcome.reason, outcome.detail);
    Verdict verdict;
    verdict.status = outcome.accepted() ? VerdictStatus::kRight : VerdictStatus::kWrong;
    verdict.score = outcome.accepted() ? 1 : 0;
    if (options_.score == CodeScore::kFraction && outcome.total > 0) {
      verdict.score = static_cast<double>(outcome.passed) / static_cast<double>(outcome.total);
    }
    verdict.reason = outcome.reason;
    if (outcome.failed) verdict.reason += StrCat("/", *outcome.failed);
    verdict.extracted = ToValidUtf8(program.source.substr(0, kMaxShownBytes));
    verdict.normal_form =
        StrCat(EnumName(program.language), " from ", program.taken, "; passed ", outcome.passed,
               " of ", outcome.total, "; held by ", sandbox_.layers().Names());
    if (!outcome.detail.empty()) verdict.normal_form += "; " + outcome.detail;
    return verdict;
  }

  CodeOptions options_;
  mutable std::shared_mutex running_;  // held alone by a program that runs alone
  exec::Sandbox sandbox_;
  PythonPrograms python_;
  CppPrograms cpp_;
};

}  // namespace

std::unique_ptr<Verifier> MakeCodeVerifier(const CodeOptions& options) {
  return std::make_unique<CodeVerifier>(options);
}

}  // namespace retort::verifiers
