#include "verifiers/code/internal/checker.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/strings.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

// The last word that was printed.
std::optional<bool> Said(std::string_view out) {
  out = Trim(out);
  const std::string word = Lowered(out.substr(out.find_last_of(" \t\r\n") + 1));
  for (const char* yes : {"true", "yes", "ok", "accepted", "ac", "correct"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"false", "no", "wrong", "rejected", "wa", "incorrect"}) {
    if (word == no) return false;
  }
  char* end = nullptr;
  const double points = std::strtod(word.c_str(), &end);
  if (word.empty() || *end != '\0' || !(points >= 0)) return std::nullopt;
  return points >= 1;
}

}  // namespace

exec::Limits CheckerLimits(const exec::Limits& program) {
  const exec::Limits least{.time_s = 10, .memory_mib = 1024, .file_size_mib = 64};
  return {.time_s = std::max(program.time_s, least.time_s),
          .memory_mib = std::max(program.memory_mib, least.memory_mib),
          .output_kib = least.output_kib,
          .file_size_mib = std::max(program.file_size_mib, least.file_size_mib)};
}

Language LanguageOfChecker(std::string_view source) {
  return ("\n" + std::string(source)).find("\n#include") != std::string::npos ? Language::kCpp
                                                                              : Language::kPython;
}

std::optional<bool> CheckerVerdict(const exec::RunResult& result, Language language) {
  if (result.ending != exec::Ending::kExited) return std::nullopt;
  if (language == Language::kPython) return result.Success() ? Said(result.out) : std::nullopt;
  if (result.exit_code == 0) return true;
  for (const int wrong : {1, 2, 4, 7, 8}) {
    if (result.exit_code == wrong) return false;
  }
  return std::nullopt;
}

OutputJudge JudgeByChecker(Language language, RunChecker run) {
  return [language, run = std::move(run)](const StdioTest& test, std::string_view output) {
    const auto ours = [](const exec::RunResult& result) {
      return result.ending == exec::Ending::kInternalError;
    };
    const exec::RunResult result = run(test, output);
    if (ours(result)) return FailureOf(result);
    if (CheckerVerdict(result, language) == true) return Outcome{};
    const exec::RunResult known = run(test, test.expected.front());
    if (ours(known)) return FailureOf(known);
    Outcome outcome;
    if (CheckerVerdict(known, language) == true) {
      outcome.reason = "wrong-answer";
      outcome.detail = "by the checker: " + LastWords(result);
    } else {
      outcome.reason = "bad-tests";
      outcome.detail = "the checker does not find the expected output right: " + LastWords(known);
    }
    return outcome;
  };
}

}  // namespace retort::verifiers
