#include "verifiers/simple/countdown.h"

#include <algorithm>
#include <vector>

#include "base/options.h"
#include "base/strings.h"
#include "verifiers/simple/internal/expression.h"
#include "verifiers/text/clean.h"

namespace retort::verifiers {

namespace {

struct Puzzle {
  std::vector<int64_t> numbers;
  int64_t target = 0;
};

std::optional<Puzzle> ReadPuzzle(const Json& extra) {
  if (!extra.is_object()) return std::nullopt;
  const auto numbers = extra.find("numbers");
  const auto target = extra.find("target");
  if (numbers == extra.end() || target == extra.end()) return std::nullopt;
  if (!numbers->is_array() || !target->is_number_integer()) return std::nullopt;
  Puzzle puzzle;
  for (const Json& number : *numbers) {
    if (!number.is_number_integer()) return std::nullopt;
    puzzle.numbers.push_back(number.get<int64_t>());
  }
  puzzle.target = target->get<int64_t>();
  return puzzle;
}

// Each used number takes one of the given ones away.
bool UsesOnly(std::vector<int64_t> given, std::vector<int64_t> used) {
  std::ranges::sort(given);
  std::ranges::sort(used);
  return std::ranges::includes(given, used);
}

class CountdownVerifier final : public Verifier {
 public:
  explicit CountdownVerifier(const CountdownOptions& options) : options_(options) {}

  std::string CannotJudge(const Problem& problem) const override {
    return ReadPuzzle(problem.extra)
               ? ""
               : "it has no column 'numbers' with a list of integers and 'target' with an integer";
  }

  Verdict Judge(const Response& response) const override {
    const auto puzzle = ReadPuzzle(response.problem.extra);
    if (!puzzle) return {VerdictStatus::kUnjudged, 0, "bad-gold", ""};
    const auto answer = ExtractAnswer(response.text, options_.extraction);
    if (!answer) return {VerdictStatus::kWrong, 0, "no-answer", ""};
    const std::string_view shown = std::string_view(answer->text).substr(0, kMaxAnswerBytes);
    Verdict verdict{VerdictStatus::kWrong, 0, "malformed", ToValidUtf8(shown)};
    if (answer->text.size() > kMaxAnswerBytes) return verdict;

    const std::string cleaned = CleanAnswer(answer->text);
    const std::vector<std::string> sides = Split(cleaned, '=');
    const ExpressionReading left = EvaluateExpression(sides[0]);
    const bool claims_target =
        sides.size() == 1 ||
        (sides.size() == 2 && Trim(sides[1]) == std::to_string(puzzle->target));
    if (left.status == ExpressionStatus::kMalformed || sides.size() > 2) return verdict;
    if (!UsesOnly(puzzle->numbers, left.numbers)) {
      verdict.reason = "other-numbers";
    } else if (options_.use_all && left.numbers.size() < puzzle->numbers.size()) {
      verdict.reason = "unused-numbers";
    } else if (left.status != ExpressionStatus::kValue) {
      verdict.reason = EnumName(left.status);
    } else {
      const bool right = claims_target && left.value == Fraction{puzzle->target, 1};
      if (right) verdict.status = VerdictStatus::kRight;
      verdict.score = right ? 1 : 0;
      verdict.reason = StrCat(right ? "equal/" : "different/", EnumName(answer->rule));
    }
    return verdict;
  }

 private:
  CountdownOptions options_;
};

}  // namespace

std::unique_ptr<Verifier> MakeCountdownVerifier(const CountdownOptions& options) {
  return std::make_unique<CountdownVerifier>(options);
}

}  // namespace retort::verifiers
