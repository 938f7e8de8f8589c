#pragma once
// One pass of a network over new tokens of many cached sequences, one or more of each: what speaks
// token by token, what reads prompts, and what checks several guessed tokens at once are the same
// call, and give the same bits.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "model/packed_weights.h"
#include "model/workspace.h"

namespace retort::rollout {

/// The next tokens of a sequence; `predictions` of them, the last ones, want to know what follows.
struct NewTokens {
  model::KvCache::Handle cache = 0;
  std::span<const int32_t> tokens;
  int64_t predictions = 1;
};

/// Not thread-safe.
class Decoder {
 public:
  /// Borrows the compute.
  Decoder(std::shared_ptr<const model::PackedWeights> weights, nn::Compute& compute);

  const model::Network& network() const { return weights_->network(); }
  model::KvCache& cache() { return cache_; }

  /// Which prediction it is: of sequences[sequence], after its token `token`.
  struct Place {
    size_t sequence;
    int64_t token;
  };
  /// Appends the tokens to their sequences and calls `take(place, logits [V])` for every
  /// prediction, several at once on different threads. The logits may be changed, and are gone
  /// afterwards.
  void Run(std::span<const NewTokens> sequences,
           const std::function<void(const Place& place, float* logits)>& take);

 private:
  std::shared_ptr<const model::PackedWeights> weights_;
  model::Workspace workspace_;
  model::KvCache cache_;
  nn::Arena logits_;
};

}  // namespace retort::rollout
