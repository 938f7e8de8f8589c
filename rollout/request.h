#pragma once
// What is asked of a rollout.

#include <cstdint>
#include <functional>
#include <vector>

#include "base/random.h"
#include "model/network.h"
#include "model/tokenizer.h"
#include "rollout/sampler.h"

namespace retort::rollout {

/// `samples` completions of one prompt.
struct Request {
  int64_t id = 0;                    ///< chosen by the caller, unique while in flight
  std::vector<int32_t> prompt = {};  ///< token ids, at least one
  int64_t samples = 1;
  SamplingOptions sampling = {};
  std::vector<int32_t> stop_ids = {};  ///< ids that end a completion; kept as its last id
  /// Sample i draws from the stream of this key with `sample` = first_sample + i.
  StreamKey stream = {};
  int64_t first_sample = 0;
  /// Sees every token as it comes, on the thread that asked for it.
  std::function<void(int64_t sample, int32_t token)> on_token = {};
};

/// Throws Error on an empty prompt or stop string, ids out of range, more tokens than the model has
/// positions, and stop strings without a tokenizer (null).
void CheckRequest(const Request& request, const model::Network& network,
                  const model::Tokenizer* tokenizer);

}  // namespace retort::rollout
