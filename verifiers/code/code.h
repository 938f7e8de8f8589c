#pragma once
// Verifier "code": a program against the tests of its problem (task.h says which formats).
//
// The program runs in a sandbox (exec/sandbox.h), in a process that never holds an expected value;
// its answers are compared outside. All tests of a program share one verdict:
//
//   right     accepted
//   wrong     wrong-answer, runtime-error, time-limit, memory-limit, output-limit, process-limit,
//             denied, compile-error, no-program
//   unjudged  no-tests, bad-tests, unknown-language, no-sandbox, no-python, no-compiler,
//             internal-error, each with a message: "bad-tests: tests[2]: …"
//
// A program whose sandbox fails is judged again, alone: another one may have done that. One whose
// sandbox is lost each time while it runs, and nothing else, has denied its own verdict: "denied".
//
// The reason of a wrong verdict ends with the first failing test ("wrong-answer/3", from 0) where
// there is one. Verdict::extracted is the program that ran; Verdict::normal_form says which part of
// the response it is and how the run ended.
//
// Python needs python3 (3.8 or later), C++ needs g++ 10 or later.

#include <array>
#include <memory>
#include <optional>

#include "exec/sandbox.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

enum class Language { kAuto, kPython, kCpp };
constexpr auto EnumNames(Language) {
  return std::array{std::pair{Language::kAuto, "auto"}, std::pair{Language::kPython, "python"},
                    std::pair{Language::kCpp, "cpp"}};
}

enum class CodeScore { kAllOrNothing, kFraction };
constexpr auto EnumNames(CodeScore) {
  return std::array{std::pair{CodeScore::kAllOrNothing, "all_or_nothing"},
                    std::pair{CodeScore::kFraction, "fraction"}};
}

/// How what a program printed is compared with what it should have.
enum class OutputRule {
  kText,    ///< line by line, without space at the ends of lines and empty lines at the end
  kTokens,  ///< what stands between white space, in order
  kJson,    ///< both are JSON of the same structure
};
constexpr auto EnumNames(OutputRule) {
  return std::array{std::pair{OutputRule::kText, "text"}, std::pair{OutputRule::kTokens, "tokens"},
                    std::pair{OutputRule::kJson, "json"}};
}

/// Also the members of a row's column `limits`. They hold for one process: one input of a program
/// that reads standard input, else all calls of one program together.
struct CodeLimits {
  exec::Limits run{.output_kib = 8192};
  double compile_time_s = 30;
  int64_t compile_memory_mib = 2048;

  template <class V>
  void Visit(V& v) {
    run.Visit(v);
    v("compile_time_s", compile_time_s, "Seconds for the compiler.", Bounds{0.01, 3600});
    v("compile_memory_mib", compile_memory_mib, "Memory for the compiler.", Bounds{16, 1 << 20});
  }
};

struct CodeOptions {
  Language language = Language::kAuto;
  CodeScore score = CodeScore::kAllOrNothing;
  OutputRule output = OutputRule::kText;
  std::optional<double> float_tolerance;
  bool challenge_tests = false;
  CodeLimits limits;
  exec::SandboxOptions sandbox;

  template <class V>
  void Visit(V& v) {
    v("language", language,
      "Language of every program; auto: the column 'language', else the mark of the fence, else "
      "Python.");
    v("score", score, "1 when all tests pass, or the fraction that does.");
    v("output", output, "How standard output is compared with the expected one.");
    v("float_tolerance", float_tolerance,
      "Numbers a and b are the same when |a - b| <= float_tolerance * max(1, |b|). null: results "
      "of calls agree to 1e-9, output as text. A row's column of this name goes first.",
      Bounds{0, 1});
    v("challenge_tests", challenge_tests, "Run MBPP's challenge_test_list as well.");
    limits.Visit(v);
    v("sandbox", sandbox, "Which layers may be used.");
  }
};

/// Throws Error only when the system has no descriptors or memory left: where nothing holds a
/// program, or there is no Python, verdicts say so.
std::unique_ptr<Verifier> MakeCodeVerifier(const CodeOptions& options);

}  // namespace retort::verifiers
