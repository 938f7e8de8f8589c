#pragma once
// One sample of a request while it is being said: draws tokens, keeps what was said, and knows when
// it ends (a stop id, a stop string, the length).

#include <cstdint>
#include <string>
#include <vector>

#include "base/records.h"
#include "model/tokenizer.h"
#include "rollout/request.h"

namespace retort::rollout {

/// A token and the log-probability that it was drawn with.
struct Drawn {
  int32_t token = 0;
  float logprob = 0;
};

/// Different samples may be used by different threads at once.
class Acceptor {
 public:
  /// Borrows the request, and the tokenizer, which only stop strings need. `sample` counts from the
  /// request's first.
  Acceptor(const Request& request, int64_t sample, const model::Tokenizer* tokenizer);

  /// From the logits [V] of what comes next, which become the log-probabilities of softmax(logits /
  /// temperature); the token's is among them, whatever penalties and filters it was drawn with.
  /// Where they are not numbers, nothing is drawn and the result's is not a number either.
  Drawn Draw(float* logits, int64_t vocabulary);
  /// Takes the next token in and tells the request; true when the sample has ended. Throws Error
  /// where its log-probability is not a number.
  bool Take(const Drawn& drawn);

  /// The last token, which the network has not seen.
  const int32_t& last() const { return trajectory_.completion.back(); }
  Trajectory Finish() && { return std::move(trajectory_); }
  /// Ends the sample before its time.
  Trajectory Cancel() && {
    trajectory_.finish = FinishReason::kCancelled;
    return std::move(trajectory_);
  }

 private:
  bool SaysStopString(int32_t token);

  const Request& request_;
  const model::Tokenizer* tokenizer_;
  RandomStream random_;
  Trajectory trajectory_;
  std::string text_;              // bytes so far, kept only for stop strings
  TokenCounts said_;              // kept only for penalties
  std::vector<float> penalized_;  // [V]
};

}  // namespace retort::rollout
