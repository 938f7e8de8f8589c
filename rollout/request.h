#pragma once
// What is asked of a rollout.

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "rollout/sampler.h"

namespace retort::rollout {

/// `samples` completions of one prompt.
struct Request {
  int64_t id = 0;               ///< chosen by the caller, unique while in flight
  std::vector<int32_t> prompt;  ///< token ids, at least one
  int64_t samples = 1;
  SamplingOptions sampling;
  std::vector<int32_t> stop_ids;  ///< ids that end a completion; kept as its last id
  /// Sample i draws from the stream of this key with `sample` = first_sample + i.
  StreamKey stream;
  int64_t first_sample = 0;
};

}  // namespace retort::rollout
