#pragma once
// What a code problem asks for, read from its columns as they are published:
//
//   tests: [{"stdin", "stdout"}, …]           also "input"/"output", as texts or as
//   test:  '[{"input": {"stdin"}, …}]'        {"stdin"} and {"stdout"}; also as JSON text
//   {"inputs": […], "outputs": […]}           APPS (column input_output, too); with "fn_name",
//                                             calls with the inputs as arguments
//   tests: [{"args", "expected", "kwargs"?}]  calls of `entry_point`
//   public_test_cases, private_test_cases     LiveCodeBench: lists of {"input", "output",
//                                             "testtype"}; "functional" ones call metadata's
//                                             func_name or starter_code's method
//   tests: ["assert …", …] or a text          assert script; also MBPP's test_list with
//   test:  "def check(candidate): …"          test_setup_code, HumanEval's test with prompt and
//                                             entry_point, MultiPL-E's C++ tests ("}\nint main…")
//
// "stdout" may be a list, of which any will do; in place of "expected", "any_of" is such a list.
// "checker" (or "generated_checker") is a program that tells which of many outputs are right
// (checker.h). Optional columns: language, float_tolerance, limits, unordered (a list of results
// may come in any order, or as a set), in_place (what a call does to its arguments is a result,
// too; also where the prompt says "in place"). `tests` goes before `test`, `test_list` and
// `input_output`.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/records.h"
#include "verifiers/code/code.h"

namespace retort::verifiers {

struct StdioTest {
  std::string input;
  std::vector<std::string> expected;  ///< any of them
};

struct CallTest {
  Json args = Json::array();
  Json named = Json::object();
  std::vector<Json> expected;  ///< any of them
};

/// Exactly one of `stdio`, `calls` and `scripts` is not empty.
struct CodeTask {
  Language language = Language::kAuto;
  std::string prompt;       ///< "" when unknown; may be prose
  std::string entry_point;  ///< "" when the tests name none
  std::vector<StdioTest> stdio;
  std::string checker;  ///< judges what the program prints, "" without one
  std::vector<CallTest> calls;
  std::string setup;  ///< runs before the scripts
  std::vector<std::string> scripts;
  std::optional<double> float_tolerance;
  bool unordered = false;
  bool in_place = false;
  CodeLimits limits;
};

/// Thrown for a problem that cannot be judged: `reason` is "no-tests", "bad-tests" or
/// "unknown-language", what() the place and the remedy.
class TaskError : public Error {
 public:
  TaskError(std::string reason, const std::string& message)
      : Error(message), reason(std::move(reason)) {}
  std::string reason;
};

/// Throws TaskError.
CodeTask ReadCodeTask(const Problem& problem, const CodeOptions& options);

/// "python", "py3", "c++" … as in a column or the mark of a fence; nothing for others.
std::optional<Language> LanguageOfName(std::string_view name);

/// A Python literal of a list of texts, `['a', "b\n"]`; nothing when it is not one.
std::optional<std::vector<std::string>> ReadPythonTexts(std::string_view text);

}  // namespace retort::verifiers
