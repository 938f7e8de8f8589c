#pragma once
// Verifier "math": the final answer of a response against the gold answer.
//
// Extraction (extract.h) -> expression tree (parse.h) -> decision (equal.h). The gold answer goes
// the same way, so a worked solution that ends "#### 18" or "A: 18" serves as gold. Every step of
// reading and comparing draws from a budget (Tree::Spend), never from a clock: the verdict is the
// same on every machine.
//
// Reasons: "equal/KIND/RULE" (proved), "agrees/KIND/RULE" (at every point tried, to high
// precision), "different/KIND/RULE" and "unreduced/KIND/RULE" with the kind of the gold answer (see
// KindOf) and the extraction rule; "echo/KIND/RULE" what only repeats the problem. Wrong as well is
// what the response does not say: "no-answer", "too-large" (an answer beyond the bounds) and
// "no-value" (the two cannot be told apart, and the response alone is undefined or beyond the
// budget). Unjudged are "bad-gold" (no gold answer, or one beyond the bounds) and "too-complex":
// the gold answer is undefined or larger than any number here, or the response has a value and the
// budget did not do for the two.

#include <memory>

#include "verifiers/text/extract.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

struct MathOptions {
  Extraction extraction = Extraction::kAny;
  int64_t decimals = 6;
  bool percent_as_number = false;
  bool relation_for_set = true;
  bool rename_variables = false;
  bool literal_fractions = false;
  bool echo = false;

  template <class V>
  void Visit(V& v) {
    v("extraction", extraction, "Where the final answer may stand.");
    v("decimals", decimals,
      "Where one side is written with a decimal point, both are rounded to so many places.");
    v("percent_as_number", percent_as_number, "Take 28% for 28 as well as for 0.28.");
    v("relation_for_set", relation_for_set,
      "Accept 1 < x < 2 where the gold answer is the interval (1, 2), which may be a point, too.");
    v("rename_variables", rename_variables,
      "Accept other names of variables, in the order of the gold answer's.");
    v("literal_fractions", literal_fractions,
      "Refuse a fraction not written like the gold answer (12/3 for 4), so that repeating the "
      "question is no answer.");
    v("echo", echo,
      "Refuse a formula of the problem itself where the gold answer is its value or another form "
      "of "
      "it: 2^{10} for 1024 where 2^{10} is asked for.");
  }
};

/// Throws Error unless 0 <= decimals <= 100.
std::unique_ptr<Verifier> MakeMathVerifier(const MathOptions& options);

}  // namespace retort::verifiers
