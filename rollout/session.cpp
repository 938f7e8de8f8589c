#include "rollout/session.h"

#include <algorithm>

#include "base/error.h"
#include "base/stopwatch.h"
#include "rollout/acceptor.h"

namespace retort::rollout {

Session::Session(std::shared_ptr<const model::PackedWeights> weights, nn::Compute& compute,
                 const model::Tokenizer* tokenizer, int64_t prefill_tokens)
    : decoder_(std::move(weights), compute),
      tokenizer_(tokenizer),
      prefill_tokens_(prefill_tokens),
      cache_(decoder_.cache().NewSequence()) {
  RETORT_CHECK(prefill_tokens >= 1, "session: prefill_tokens ", prefill_tokens,
               " must be at least 1");
}

SessionAnswer Session::Answer(const Request& request, const std::function<bool()>& stop) {
  CheckRequest(request, decoder_.network(), tokenizer_);
  RETORT_CHECK(request.samples == 1, "session: request ", request.id, " asks for ", request.samples,
               " samples, expected 1");
  const int64_t V = decoder_.network().vocab_size();
  const auto stopped = [&] { return stop && stop(); };
  Acceptor sample(request, request.first_sample, tokenizer_);
  SessionAnswer answer;
  const Stopwatch prompt_watch;
  KeepPrefix(request.prompt);
  answer.reused = std::ssize(ids_);
  while (ids_.size() < request.prompt.size()) {
    if (stopped()) {
      answer.trajectory = std::move(sample).Cancel();
      return answer;
    }
    const auto left = std::span<const int32_t>(request.prompt).subspan(ids_.size());
    const int64_t count = std::min(std::ssize(left), prefill_tokens_);
    Feed(left.first(static_cast<size_t>(count)), count == std::ssize(left));
  }
  answer.prompt_seconds = prompt_watch.seconds();
  const Stopwatch answer_watch;
  bool ended = sample.Take(sample.Draw(logits_.data(), V));
  while (!ended && !stopped()) {
    Feed(std::span(&sample.last(), 1), true);
    ended = sample.Take(sample.Draw(logits_.data(), V));
  }
  answer.trajectory = ended ? std::move(sample).Finish() : std::move(sample).Cancel();
  answer.answer_seconds = answer_watch.seconds();
  return answer;
}

void Session::KeepPrefix(const std::vector<int32_t>& prompt) {
  const auto most = static_cast<std::ptrdiff_t>(std::min(ids_.size(), prompt.size() - 1));
  const auto differ = std::mismatch(ids_.begin(), ids_.begin() + most, prompt.begin()).first;
  ids_.erase(differ, ids_.end());
  decoder_.cache().Truncate(cache_, std::ssize(ids_));
}

void Session::Feed(std::span<const int32_t> tokens, bool predict) {
  const NewTokens work{cache_, tokens, predict ? 1 : 0};
  decoder_.Run({&work, 1}, [&](const Decoder::Place&, float* logits) {
    logits_.assign(logits, logits + decoder_.network().vocab_size());
  });
  ids_.insert(ids_.end(), tokens.begin(), tokens.end());
}

}  // namespace retort::rollout
