#pragma once
// Verifier "math": the final answer of a response against the gold answer, exactly.
//
// Extraction (extract.h) -> normal form (normal_form.h) -> decision. The gold answer goes the same
// way, so a worked solution that ends "#### 18" or "A: 18" serves as gold. Reasons:
// "equal/KIND/RULE", "different/KIND/RULE" and "unreduced/number/RULE" with the kind of the gold
// answer (number, list, text) and the extraction rule; "no-answer" is wrong; "bad-gold" and
// "too-large" are unjudged.

#include <memory>

#include "verifiers/extract.h"
#include "verifiers/verifier.h"

namespace retort::verifiers {

struct MathOptions {
  Extraction extraction = Extraction::kAny;
  bool last_number = false;
  bool percent_as_number = false;
  bool literal_fractions = false;

  template <class V>
  void Visit(V& v) {
    v("extraction", extraction, "Where the final answer may stand.");
    v("last_number", last_number,
      "When nothing announces an answer, judge the last number of the text.");
    v("percent_as_number", percent_as_number, "Take 28% for 28 as well as for 0.28.");
    v("literal_fractions", literal_fractions,
      "Refuse a fraction not written like the gold answer (12/3 for 4), so that repeating the "
      "question is no answer.");
  }
};

std::unique_ptr<Verifier> MakeMathVerifier(const MathOptions& options);

}  // namespace retort::verifiers
