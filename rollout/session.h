#pragma once
// One conversation: its cache stays from answer to answer, so that of a prompt that goes on where
// the last one and its answer ended only the new tokens are computed. The answers are those of a
// fresh RolloutEngine to the same requests, bit by bit.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/records.h"
#include "model/packed_weights.h"
#include "model/tokenizer.h"
#include "rollout/decoder.h"
#include "rollout/request.h"

namespace retort::rollout {

struct SessionAnswer {
  Trajectory trajectory;      ///< kCancelled when it was stopped
  int64_t reused = 0;         ///< tokens of the prompt that were in the cache
  double prompt_seconds = 0;  ///< until the first token was to be drawn
  double answer_seconds = 0;  ///< from there on
};

/// Not thread-safe.
class Session {
 public:
  /// Borrows compute and tokenizer; without stop strings it may be null. Prompts are computed
  /// `prefill_tokens` at a time.
  Session(std::shared_ptr<const model::PackedWeights> weights, nn::Compute& compute,
          const model::Tokenizer* tokenizer, int64_t prefill_tokens = 256);

  /// The request's first sample, of which there must be but one. `stop` is asked before every pass
  /// of the network, and ends the answer when it returns true. Throws Error as CheckRequest does,
  /// and where logits are not finite; the session may be used on.
  SessionAnswer Answer(const Request& request, const std::function<bool()>& stop = {});

  /// Tokens in the cache.
  const std::vector<int32_t>& ids() const { return ids_; }

 private:
  /// Cuts the cache back to what it shares with the prompt, whose last token is always computed.
  void KeepPrefix(const std::vector<int32_t>& prompt);
  /// Appends tokens to the cache; `logits_` is what follows the last of them, if `predict`.
  void Feed(std::span<const int32_t> tokens, bool predict);

  Decoder decoder_;
  const model::Tokenizer* tokenizer_;
  int64_t prefill_tokens_;
  model::KvCache::Handle cache_;
  std::vector<int32_t> ids_;   // whose keys and values the cache holds
  std::vector<float> logits_;  // [V]
};

}  // namespace retort::rollout
