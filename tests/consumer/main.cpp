#include <iostream>

#include "base/json.h"
#include "base/options.h"
#include "verifiers/verifier.h"

int main() {
  retort::Problem problem;
  problem.answer = "42";
  const auto math = retort::verifiers::MakeVerifier("math", retort::Json::object(), "consumer");
  const retort::Verdict verdict =
      math->Judge({.text = "Six times seven is \\boxed{42}.", .problem = problem});
  std::cout << retort::EnumName(verdict.status) << ": " << verdict.reason << '\n';
  return verdict.status == retort::VerdictStatus::kRight ? 0 : 1;
}
