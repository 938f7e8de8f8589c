#include "rollout/acceptor.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "nn/head.h"

namespace retort::rollout {
namespace {

StreamKey StreamOf(const Request& request, int64_t sample) {
  StreamKey key = request.stream;
  key.sample = static_cast<uint64_t>(sample);
  return key;
}

}  // namespace

Acceptor::Acceptor(const Request& request, int64_t sample, const model::Tokenizer* tokenizer)
    : request_(request), tokenizer_(tokenizer), random_(StreamOf(request, sample)) {
  trajectory_.prompt = request.prompt;
  trajectory_.sample = sample;
  if (!request.sampling.Penalizes()) return;
  for (const int32_t id : request.prompt) said_[id] = 0;
}

Drawn Acceptor::Draw(float* logits, int64_t vocabulary) {
  const SamplingOptions& sampling = request_.sampling;
  const float temperature = LogprobTemperature(sampling);
  const float* drawn_from = logits;
  if (sampling.Penalizes()) {
    penalized_.assign(logits, logits + vocabulary);
    Penalize(said_, sampling, penalized_.data());
    nn::LogSoftmaxRow(penalized_.data(), vocabulary, temperature);
    drawn_from = penalized_.data();
  }
  nn::LogSoftmaxRow(logits, vocabulary, temperature);
  // One logit that is NaN or +infinity makes its row's normaliser NaN, and that every
  // log-probability: looking at one of them is enough.
  if (std::isnan(logits[0])) return {0, logits[0]};
  const int32_t token = SampleToken(drawn_from, vocabulary, sampling, random_);
  return {token, logits[token]};
}

bool Acceptor::Take(const Drawn& drawn) {
  Trajectory& t = trajectory_;
  RETORT_CHECK(!std::isnan(drawn.logprob), "rollout: the logits after ", t.completion.size(),
               " tokens of a completion of request ", request_.id, " (", request_.stream.purpose,
               ", step ", request_.stream.step, ", problem ", request_.stream.problem,
               ") are not finite. The weights have grown too large or hold NaN: go back to an "
               "earlier checkpoint and train with a lower learning_rate");
  t.completion.push_back(drawn.token);
  t.logprobs.push_back(drawn.logprob);
  if (request_.sampling.Penalizes()) ++said_[drawn.token];
  if (request_.on_token) request_.on_token(t.sample, drawn.token);
  if (std::ranges::find(request_.stop_ids, drawn.token) != request_.stop_ids.end()) {
    t.finish = FinishReason::kStop;
    return true;
  }
  if (SaysStopString(drawn.token)) {
    t.finish = FinishReason::kStopString;
    return true;
  }
  t.finish = FinishReason::kLength;
  return std::ssize(t.completion) >= request_.sampling.max_completion_length;
}

bool Acceptor::SaysStopString(int32_t token) {
  if (request_.sampling.stop.empty()) return false;
  const size_t before = text_.size();
  text_ += tokenizer_->TokenBytes(token);
  return std::ranges::any_of(request_.sampling.stop, [&](const std::string& stop) {
    // A match must end inside the new bytes.
    const size_t from = before >= stop.size() ? before - stop.size() + 1 : 0;
    return text_.find(stop, from) != std::string::npos;
  });
}

}  // namespace retort::rollout
