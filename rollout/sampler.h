#pragma once
// Choosing a token from a row of log-probabilities.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/random.h"

namespace retort::rollout {

/// Names and defaults follow TRL's GRPOConfig, of the last two penalties vLLM. In the order of
/// transformers: penalties, temperature, top_k, top_p, min_p.
struct SamplingOptions {
  double temperature = 1.0;
  int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  int64_t max_completion_length = 256;
  std::vector<std::string> stop = {};

  bool Truncates() const { return top_k > 0 || top_p < 1 || min_p > 0; }
  bool Penalizes() const {
    return repetition_penalty != 1 || presence_penalty != 0 || frequency_penalty != 0;
  }
  template <class V>
  void Visit(V& v) {
    v("temperature", temperature, "Divides the logits; 0 takes the most probable token.",
      Bounds{0, 100});
    v("top_k", top_k, "Keep this many most probable tokens; 0 keeps all.", Bounds{0, 1e7});
    v("top_p", top_p, "Keep the smallest set of tokens with this probability.", Bounds{0, 1});
    v("min_p", min_p, "Keep tokens this probable relative to the most probable.", Bounds{0, 1});
    v("repetition_penalty", repetition_penalty,
      "What the positive logits of tokens that prompt or completion hold are divided by, and the "
      "negative ones multiplied with; 1 is off.",
      Bounds{0.01, 100});
    v("presence_penalty", presence_penalty,
      "What the logits of tokens that the completion holds are lowered by.", Bounds{-100, 100});
    v("frequency_penalty", frequency_penalty,
      "What a logit is lowered by for each time that the completion holds the token.",
      Bounds{-100, 100});
    v("max_completion_length", max_completion_length, "Longest completion in tokens.",
      Bounds{1, 1e7});
    v("stop", stop, "Texts that end a completion when they appear in it.");
  }
};

/// The temperature that log-probabilities are taken at: 1 for greedy decoding.
inline float LogprobTemperature(const SamplingOptions& options) {
  return options.temperature > 0 ? static_cast<float>(options.temperature) : 1.0f;
}

/// Tokens that were said, and how often by the completion: those of the prompt alone have a 0.
using TokenCounts = std::map<int32_t, int64_t>;

/// Applies the penalties to the logits [V] of these tokens: repetition as transformers does, then
/// frequency and presence as vLLM does.
void Penalize(const TokenCounts& said, const SamplingOptions& options, float* logits);

/// Draws from `logprobs` [V], those of softmax(logits / temperature), by one uniform number of
/// `random`. Ties and cumulative sums go by ascending token id, so the draw is the same everywhere.
int32_t SampleToken(const float* logprobs, int64_t vocabulary, const SamplingOptions& options,
                    RandomStream& random);

}  // namespace retort::rollout
