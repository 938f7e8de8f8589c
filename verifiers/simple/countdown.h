#pragma once
// Verifier "countdown": an expression of + - * / and parentheses that makes the target from the
// given numbers, each used at most once. Problem::extra holds {"numbers": [3, 5, 7], "target": 26}.
// Division is exact. "EXPRESSION = TARGET" is understood.
//
// Reasons: "equal/RULE", "different/RULE" (RULE as in extract.h), "no-answer", "malformed",
// "other-numbers", "unused-numbers", "division-by-zero", "too-large" (an intermediate value beyond
// 64 bits; wrong); "bad-gold" (unjudged).

#include <memory>

#include "verifiers/text/extract.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

struct CountdownOptions {
  Extraction extraction = Extraction::kAnnounced;
  bool use_all = false;

  template <class V>
  void Visit(V& v) {
    v("extraction", extraction, "Where the expression may stand.");
    v("use_all", use_all, "Demand that every given number is used.");
  }
};

std::unique_ptr<Verifier> MakeCountdownVerifier(const CountdownOptions& options);

}  // namespace retort::verifiers
