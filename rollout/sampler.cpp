#include "rollout/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/head.h"

namespace retort::rollout {
namespace {

// Candidates left by top-k, top-p and min-p, in ascending id.
std::vector<int32_t> Candidates(const float* logprobs, int64_t vocabulary,
                                const SamplingOptions& options) {
  std::vector<int32_t> ids(static_cast<size_t>(vocabulary));
  std::iota(ids.begin(), ids.end(), 0);
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return logprobs[a] != logprobs[b] ? logprobs[a] > logprobs[b] : a < b;
  });
  if (options.top_k > 0 && options.top_k < vocabulary) {
    ids.resize(static_cast<size_t>(options.top_k));
  }
  if (options.top_p < 1) {
    // Probabilities are renormalised over what top-k left; the token that crosses p is kept.
    double total = 0, sum = 0;
    for (const int32_t id : ids) total += std::exp(static_cast<double>(logprobs[id]));
    size_t keep = 0;
    while (keep < ids.size() && (keep == 0 || sum < options.top_p * total)) {
      sum += std::exp(static_cast<double>(logprobs[ids[keep++]]));
    }
    ids.resize(keep);
  }
  if (options.min_p > 0) {
    const double floor = logprobs[ids.front()] + std::log(options.min_p);
    std::erase_if(ids, [&](int32_t id) { return logprobs[id] < floor; });
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

void Penalize(const TokenCounts& said, const SamplingOptions& options, float* logits) {
  const auto repetition = static_cast<float>(options.repetition_penalty);
  const auto frequency = static_cast<float>(options.frequency_penalty);
  const auto presence = static_cast<float>(options.presence_penalty);
  for (const auto& [id, times] : said) {
    float& logit = logits[id];
    logit = logit < 0 ? logit * repetition : logit / repetition;
    if (times > 0) logit -= frequency * static_cast<float>(times) + presence;
  }
}

int32_t SampleToken(const float* logprobs, int64_t vocabulary, const SamplingOptions& options,
                    RandomStream& random) {
  if (options.temperature == 0) {
    return static_cast<int32_t>(std::max_element(logprobs, logprobs + vocabulary) - logprobs);
  }
  const double uniform = random.Uniform();
  if (!options.Truncates()) {
    return static_cast<int32_t>(nn::DrawFrom(logprobs, vocabulary, uniform));
  }
  const std::vector<int32_t> ids = Candidates(logprobs, vocabulary, options);
  double total = 0, sum = 0;
  for (const int32_t id : ids) total += std::exp(static_cast<double>(logprobs[id]));
  for (const int32_t id : ids) {
    sum += std::exp(static_cast<double>(logprobs[id]));
    if (uniform * total < sum) return id;
  }
  return ids.back();
}

}  // namespace retort::rollout
