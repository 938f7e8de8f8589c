#include "verifiers/code/internal/run.h"

#include <charconv>
#include <csignal>

#include "base/stopwatch.h"
#include "base/strings.h"
#include "verifiers/code/internal/compare.h"
#include "verifiers/code/internal/wire.h"

namespace retort::verifiers {

namespace {

constexpr double kResultTolerance = 1e-9;  // rounding, not another answer
constexpr int kSyntaxError = 101;          // candidate.py

std::string Shown(std::string_view text) {
  constexpr size_t kMost = 400;
  text = Trim(text);
  if (text.size() > kMost) text.remove_prefix(text.size() - kMost);  // errors end with the cause
  return ToValidUtf8(text);
}

Outcome Failed(std::string reason, std::string detail) {
  Outcome outcome;
  outcome.reason = std::move(reason);
  outcome.detail = std::move(detail);
  return outcome;
}

// Notes that test `index` did not pass; the first failure is the one that is told.
void Note(Outcome& all, int64_t index, const Outcome& test) {
  if (!all.accepted()) return;
  all.reason = test.reason;
  all.detail = test.detail;
  if (test.reason != "compile-error") all.failed = index;
}

// What follows the letter of a frame.
std::string_view Payload(std::string_view frame) {
  return frame.substr(std::min<size_t>(1, frame.size()));
}

// ["ValueError", …], "text" of an answer "x…".
Outcome ExceptionOf(std::string_view answer) {
  WireReader value(Payload(answer));
  std::string kind = "exception", text;
  const auto both = value.Next();
  const auto names = value.Whole();
  const auto message = value.Text();
  if (both && both->items == 2 && names && message) {
    WireReader name(*names);
    name.Next();
    kind = name.Text().value_or(kind);
    text = *message;
  }
  return Failed(kind == "MemoryError" ? "memory-limit" : "runtime-error",
                Shown(kind + ": " + text));
}

bool IsOurs(const Outcome& outcome) { return outcome.reason == "internal-error"; }

}  // namespace

bool IsUnjudged(std::string_view reason) {
  for (const char* ours : {"no-tests", "bad-tests", "unknown-language", "no-sandbox", "no-python",
                           "no-compiler", "internal-error"}) {
    if (reason == ours) return true;
  }
  return false;
}

Outcome FailureOf(const exec::RunResult& result) {
  const std::string last_words = Shown(result.err);
  switch (result.ending) {
    case exec::Ending::kExited:
      if (result.exit_code == kSyntaxError) return Failed("compile-error", last_words);
      return Failed("runtime-error", StrCat("exit code ", result.exit_code, " ", last_words));
    case exec::Ending::kSignalled:
      return Failed("runtime-error", StrCat("signal ", result.signal, " ", last_words));
    case exec::Ending::kStopped:
    case exec::Ending::kInternalError: {
      Outcome outcome = Failed("internal-error", Shown(result.message));
      outcome.lost = result.lost;
      return outcome;
    }
    default:
      return Failed(EnumName(result.ending), Shown(result.message));
  }
}

void Speaker::Say(std::string_view payload) { process_->Write(Frame(payload)); }

std::optional<std::string> Speaker::Hear() {
  const auto header = process_->Read(4);
  if (!header) return std::nullopt;
  size_t size = 0;
  for (const char c : *header) size = size << 8 | static_cast<unsigned char>(c);
  if (size > static_cast<size_t>(limits_.output_kib) * 1024) {
    too_large_ = true;
    return std::nullopt;
  }
  heard_ += size;
  return process_->Read(size);
}

exec::RunResult Speaker::End() {
  if (too_large_) process_->Stop();
  exec::RunResult result = process_->Finish();
  if (too_large_) result.ending = exec::Ending::kOutputLimit;
  return result;
}

std::string LastWords(const exec::RunResult& result) {
  const bool exited = result.ending == exec::Ending::kExited;
  const std::string how =
      exited ? StrCat("exit code ", result.exit_code) : std::string(EnumName(result.ending));
  return how + " " + Shown(Trim(result.err).empty() ? result.out : result.err);
}

OutputJudge JudgeByExpected(OutputRule rule, std::optional<double> float_tolerance) {
  return [rule, float_tolerance](const StdioTest& test, std::string_view output) {
    for (const std::string& expected : test.expected) {
      if (SameOutput(output, expected, rule, float_tolerance)) return Outcome{};
    }
    return Failed("wrong-answer", Shown(output.substr(0, 200)));
  };
}

Outcome RunStdioTests(const CodeTask& task, const Runnable& program, const OutputJudge& judge,
                      bool go_on) {
  Outcome all;
  all.total = static_cast<int64_t>(task.stdio.size());
  for (size_t i = 0; i < task.stdio.size(); ++i) {
    const StdioTest& test = task.stdio[i];
    const exec::RunResult result = program.run(test.input);
    const Outcome one = result.Success() ? judge(test, result.out) : FailureOf(result);
    if (one.accepted()) {
      ++all.passed;
      continue;
    }
    if (IsOurs(one) || one.reason == "bad-tests") return one;
    Note(all, static_cast<int64_t>(i), one);
    if (!go_on || one.reason == "time-limit") break;
  }
  return all;
}

namespace {

// A program that was started and has the function to call, its handle in `handle`.
struct Ready {
  std::unique_ptr<Speaker> speaker;
  std::string handle;
};

// What an answer "r…" brings: the first value of a list.
std::optional<std::string_view> Result(std::string_view answer) {
  WireReader values(Payload(answer));
  const auto head = values.Next();
  return head && head->items > 0 ? values.Whole() : std::nullopt;
}

// Starts the program. An outcome other than accepted says why it is not ready.
Outcome Prepare(const CodeTask& task, const Runnable& program, Ready& ready) {
  ready.speaker = program.calls();
  auto answer = ready.speaker->Hear();
  if (answer && answer->starts_with('r')) {
    ready.speaker->Say(WireOpen('t', 3) + ToWireText("get") + WireOpen('t', 1) +
                       ToWireText(task.entry_point) + WireOpen('d', 0));
    answer = ready.speaker->Hear();
  }
  if (!answer) return FailureOf(ready.speaker->End());
  if (!answer->starts_with('r')) return ExceptionOf(*answer);
  // A handle, or a builtin type: `f = int` is a function, too.
  const auto function = Result(*answer);
  if (!function || (!function->starts_with('h') && !function->starts_with('b'))) {
    return Failed("runtime-error", "'" + task.entry_point + "' is not a function");
  }
  ready.handle = *function;
  return {};
}

Outcome RunCall(const CallTest& test, const ResultRule& rule, Ready& ready) {
  std::string request = WireOpen('t', 3) + ToWireText("call");
  request += WireOpen('t', 1 + test.args.size()) + ready.handle;
  for (const Json& arg : test.args) request += ToWire(arg);
  request += ToWire(test.named);
  ready.speaker->Say(request);
  const auto answer = ready.speaker->Hear();
  if (!answer) return FailureOf(ready.speaker->End());
  if (answer->starts_with('x')) return ExceptionOf(*answer);
  const auto result = Result(*answer);
  if (!result) return Failed("wrong-answer", "an answer that is no data");
  for (const Json& expected : test.expected) {
    if (SameResult(*result, expected, rule)) return {};
  }
  return Failed("wrong-answer", Shown(Payload(*answer).substr(0, 200)));
}

}  // namespace

Outcome RunCallTests(const CodeTask& task, const Runnable& program, bool go_on) {
  Outcome all;
  all.total = static_cast<int64_t>(task.calls.size());
  const ResultRule rule{.tolerance = task.float_tolerance.value_or(kResultTolerance),
                        .unordered = task.unordered};
  const Stopwatch watch;
  Ready ready;
  Outcome state = Prepare(task, program, ready);
  for (size_t i = 0; i < task.calls.size(); ++i) {
    Outcome one = state.accepted() ? RunCall(task.calls[i], rule, ready) : state;
    if (one.accepted()) {
      ++all.passed;
      continue;
    }
    Note(all, static_cast<int64_t>(i), one);
    if (IsOurs(one)) return one;
    // What does not load once does not load again.
    if (!go_on || one.reason == "time-limit" || !state.accepted()) break;
    if (one.reason == "wrong-answer") continue;
    // It may have gone, or be in a state that the next test should not see; but all its lives share
    // one time limit.
    if (watch.seconds() > task.limits.run.time_s) break;
    state = Prepare(task, program, ready);
  }
  return all;
}

Outcome RunScripts(const Runnable& program) {
  const auto callee = program.calls();
  const auto loaded = callee->Hear();
  if (!loaded) return FailureOf(callee->End());
  if (!loaded->starts_with('r')) return ExceptionOf(*loaded);

  auto script = program.script();
  Outcome all;
  int64_t calls = 0, tests = 0;
  bool raised = false;  // the last answer
  while (true) {
    const auto frame = script->Hear();
    if (!frame || frame->empty()) break;
    const std::string_view payload = Payload(*frame);
    if (frame->front() == 'c') {
      ++calls;
      callee->Say(payload);
      const auto answer = callee->Hear();
      if (!answer) {
        Outcome gone = FailureOf(callee->End());
        if (IsOurs(gone)) return gone;
        Note(all, tests, gone);
        return all;
      }
      raised = answer->starts_with('x');
      script->Say(*answer);
      continue;
    }
    if (frame->front() == 'd') {
      if (payload == "T" && program.reuse) program.reuse(std::move(script));
      if (all.accepted() && calls == 0) {
        return Failed("bad-tests", "the tests never call the program");
      }
      if (all.accepted() && (all.passed == 0 || all.passed != all.total)) {
        return Failed("bad-tests", StrCat("only ", all.passed, " of ", all.total, " tests ran"));
      }
      return all;
    }
    WireReader value(payload);
    const auto head = value.Next();
    if (frame->front() == 'n' && head) {
      std::from_chars(head->text.data(), head->text.data() + head->text.size(), all.total, 16);
    } else if (frame->front() == 't' && head && head->items == 2) {
      const std::string_view reason = value.Text().value_or("internal-error");
      const Outcome test = Failed(std::string(reason), Shown(value.Text().value_or("")));
      if (test.reason.empty()) {
        ++all.passed;
      } else if (test.reason == "bad-tests") {
        return test;
      } else {
        Note(all, tests, test);
      }
      ++tests;
    }
  }
  // The script's process ended within a test: an assert of C++, or a limit.
  const exec::RunResult result = script->End();
  Outcome end = FailureOf(result);
  end.lost = false;  // not the program's
  if (result.signal == SIGPROF || result.signal == SIGALRM) end.reason = "time-limit";
  if (IsOurs(end)) return end;
  if (calls == 0) return Failed("bad-tests", "the tests failed by themselves: " + end.detail);
  if (end.reason == "runtime-error" && !raised) end.reason = "wrong-answer";
  Note(all, tests, end);
  return all;
}

}  // namespace retort::verifiers
