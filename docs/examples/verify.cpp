#include <iostream>

#include "base/json.h"
#include "base/options.h"
#include "verifiers/verifier.h"

int main() {
  // Options as in `retort score --option`; unknown ones throw retort::Error. The last argument is
  // where they come from, for that error's message.
  const retort::Json options{{"extraction", "announced"}, {"decimals", 4}};
  const auto math = retort::verifiers::MakeVerifier("math", options, "verify.cpp");

  retort::Problem problem;
  problem.answer = "\\frac{3}{4}";
  bool right = true;
  for (const char* text : {"One in four fails, so it is \\boxed{75\\%}.", "The answer is 0.75."}) {
    const retort::Verdict verdict = math->Judge({.text = text, .problem = problem});
    std::cout << retort::EnumName(verdict.status) << ' ' << verdict.score << ' ' << verdict.reason
              << ": " << verdict.normal_form << " for " << verdict.gold_normal_form << '\n';
    right = right && verdict.status == retort::VerdictStatus::kRight;
  }
  return right ? 0 : 1;
}
