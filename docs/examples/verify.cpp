#include <iostream>

#include "base/options.h"
#include "verifiers/math/math.h"

int main() {
  // Options as in `retort score --option`.
  retort::verifiers::MathOptions options;
  options.extraction = retort::verifiers::Extraction::kAnnounced;
  options.decimals = 4;
  const auto math = retort::verifiers::MakeMathVerifier(options);

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
