#pragma once
// The contract of every judge: text in, verdict out.
//
// Verifiers know no tensors. They are created once, are immutable afterwards, and Judge() may be
// called from any number of threads at once. Judge() never throws on what a model said and never
// hangs: work is bounded by a budget, not by a clock. tests/verifiers/contract_test.cpp holds every
// registered verifier to this.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/records.h"

namespace retort::verifiers {

/// What a verifier may look at. References live for the duration of the call.
struct Response {
  std::string_view text;  ///< the completion only, special tokens spelled out; never the prompt
  const Problem& problem;
  int64_t tokens = 0;  ///< completion tokens, the stop token included; 0 when unknown
  FinishReason finish = FinishReason::kStop;
};

class Verifier {
 public:
  virtual ~Verifier() = default;
  /// Unjudged only for what is not the response's fault (the problem, the place, a pair that cannot
  /// be decided): what cannot be read, is undefined or costs too much by itself is wrong, so that
  /// no response chooses to be unjudged.
  virtual Verdict Judge(const Response& response) const = 0;
  /// Why no answer to this problem can be judged (no tests, an unreadable gold answer), in words
  /// that end a sentence; "" when one can. Runs nothing: a whole file is asked before a run.
  virtual std::string CannotJudge(const Problem& problem) const;
  /// What to tell the model about a verdict of this verifier, so that it can do better: one or two
  /// sentences, "" about an unjudged one. A function of its arguments alone, as they are stored.
  virtual std::string Feedback(const Problem& problem, const Verdict& verdict) const;
  /// What makes a verdict checkable, in words, for people: the point that separates two functions
  /// with both values, or what was not understood and where. "" where the reason says it all. As
  /// dear as Judge().
  virtual std::string Evidence(const Response& response) const;
};

}  // namespace retort::verifiers
