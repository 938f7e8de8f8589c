#include "rollout/engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "nn/embedding.h"
#include "nn/gemm.h"
#include "nn/head.h"

namespace retort::rollout {
namespace {
constexpr int64_t kSampleTile = 4;

// One logit that is NaN or +infinity makes its row's normaliser NaN, and that every
// log-probability: looking at one of them is enough.
void RequireFinite(float logprob, const Request& request, size_t tokens) {
  RETORT_CHECK(!std::isnan(logprob), "rollout: the logits after ", tokens,
               " tokens of a completion of request ", request.id, " (", request.stream.purpose,
               ", step ", request.stream.step, ", problem ", request.stream.problem,
               ") are not finite. The weights have grown too large or hold NaN: go back to an "
               "earlier checkpoint and train with a lower learning_rate");
}

}  // namespace

RolloutEngine::RolloutEngine(std::shared_ptr<const model::PackedWeights> weights,
                             nn::Compute& compute, const model::Tokenizer* tokenizer,
                             EngineOptions options)
    : weights_(std::move(weights)),
      compute_(compute),
      workspace_(compute),
      tokenizer_(tokenizer),
      options_(options),
      cache_(weights_->NewCache()) {
  RETORT_CHECK(options.max_rows >= 1 && options.prefill_tokens >= 1, "rollout: max_rows ",
               options.max_rows, " and prefill_tokens ", options.prefill_tokens,
               " must both be at least 1");
  stats_.cache_bytes_per_token = cache_.bytes_per_token();
}

void RolloutEngine::Submit(Request request) {
  RETORT_CHECK(!request.prompt.empty(), "rollout: request ", request.id,
               " has an empty prompt; give at least one token");
  for (const int32_t id : request.prompt) {
    RETORT_CHECK(id >= 0 && id < network().vocab_size(), "rollout: request ", request.id,
                 ": token id ", id, " is outside the vocabulary of ", network().vocab_size());
  }
  const int64_t limit = network().max_positions();
  // The last sampled token is never fed back, so it needs no position.
  const int64_t needed =
      static_cast<int64_t>(request.prompt.size()) + request.sampling.max_completion_length - 1;
  RETORT_CHECK(needed <= limit, "rollout: request ", request.id, " needs ", needed,
               " positions (prompt ", request.prompt.size(), " + max_completion_length ",
               request.sampling.max_completion_length,
               " - 1), but the model has max_position_embeddings = ", limit);
  RETORT_CHECK(request.sampling.stop.empty() || tokenizer_,
               "rollout: stop strings need a tokenizer");
  RETORT_CHECK(std::ranges::find(request.sampling.stop, "") == request.sampling.stop.end(),
               "rollout: request ", request.id,
               " has an empty stop string, which every text contains; remove it");
  Group& group = groups_.emplace_back();
  group.request = std::move(request);
  group.cache = cache_.NewSequence();
}

bool RolloutEngine::Extend(Row& row, int32_t token, float logprob) {
  const Request& request = row.group->request;
  Trajectory& t = row.trajectory;
  t.completion.push_back(token);
  t.logprobs.push_back(logprob);
  ++stats_.decoded_tokens;
  if (std::ranges::find(request.stop_ids, token) != request.stop_ids.end()) {
    t.finish = FinishReason::kStop;
    return true;
  }
  if (!request.sampling.stop.empty()) {
    const size_t before = row.text.size();
    row.text += tokenizer_->TokenBytes(token);
    for (const std::string& stop : request.sampling.stop) {
      // A match must end inside the new bytes.
      const size_t from = before >= stop.size() ? before - stop.size() + 1 : 0;
      if (row.text.find(stop, from) != std::string::npos) {
        t.finish = FinishReason::kStopString;
        return true;
      }
    }
  }
  t.finish = FinishReason::kLength;
  return static_cast<int64_t>(t.completion.size()) >= request.sampling.max_completion_length;
}

void RolloutEngine::Finish(Row& row) {
  cache_.Drop(row.cache);
  finished_.push_back({row.group->request.id, std::move(row.trajectory)});
}

void RolloutEngine::StartSamples() {
  for (Group& group : groups_) {
    if (group.logprobs.empty()) continue;
    RequireFinite(group.logprobs[0], group.request, 0);
    while (group.started < group.request.samples &&
           static_cast<int64_t>(rows_.size()) < options_.max_rows) {
      StreamKey key = group.request.stream;
      const int64_t sample = group.request.first_sample + group.started++;
      key.sample = static_cast<uint64_t>(sample);
      Row row{&group, cache_.Fork(group.cache), RandomStream(key), {}, {}};
      row.trajectory.prompt = group.request.prompt;
      row.trajectory.sample = sample;
      const int32_t token = SampleToken(group.logprobs.data(), network().vocab_size(),
                                        group.request.sampling, row.random);
      if (Extend(row, token, group.logprobs[static_cast<size_t>(token)])) {
        Finish(row);
      } else {
        rows_.push_back(std::move(row));
      }
    }
  }
}

void RolloutEngine::RetireGroups() {
  std::erase_if(groups_, [&](const Group& group) {
    const auto of_group = [&](const Row& row) { return row.group == &group; };
    if (group.started < group.request.samples || std::ranges::any_of(rows_, of_group)) return false;
    cache_.Drop(group.cache);
    return true;
  });
}

bool RolloutEngine::Step() {
  StartSamples();
  RetireGroups();

  // One token of every row, and as much of the waiting prompts as fits. Prompts run ahead so far
  // that even if every row ended now, all would be refilled at once.
  model::Batch batch(&cache_);
  std::vector<int32_t> last_rows;  // batch row whose hidden state predicts the next token
  for (const Row& row : rows_) {
    last_rows.push_back(static_cast<int32_t>(
        batch.AddCached(row.cache, std::span(&row.trajectory.completion.back(), 1))));
  }
  std::vector<Group*> ready;
  int64_t budget = options_.prefill_tokens;
  int64_t ahead = 0;  // samples that can start as soon as there is a free row
  for (Group& group : groups_) {
    if (group.started == group.request.samples) continue;
    if (budget <= 0 || ahead >= options_.max_rows) break;
    ahead += group.request.samples - group.started;
    const int64_t left = static_cast<int64_t>(group.request.prompt.size()) - group.prefilled;
    if (left == 0) continue;
    const int64_t count = std::min(left, budget);
    const int64_t first = batch.AddCached(
        group.cache,
        std::span(group.request.prompt)
            .subspan(static_cast<size_t>(group.prefilled), static_cast<size_t>(count)));
    group.prefilled += count;
    budget -= count;
    stats_.prompt_tokens += count;
    if (count == left) {
      ready.push_back(&group);
      last_rows.push_back(static_cast<int32_t>(first + count - 1));
    }
  }
  if (batch.size() == 0) return false;
  ++stats_.steps;
  stats_.peak_cache_tokens = cache_.peak_tokens();
  stats_.peak_cache_bytes = std::max(stats_.peak_cache_bytes, cache_.bytes());

  const nn::ArenaScope scope(arena_);
  const int64_t V = network().vocab_size(), d = network().hidden_size();
  const nn::Mat hidden = network().Forward(*weights_, workspace_, batch);

  // Logits live one chunk at a time; only the prompts' rows are kept.
  const int64_t decoding = static_cast<int64_t>(rows_.size());
  const int64_t wanted = static_cast<int64_t>(last_rows.size()), chunk = nn::HeadChunk(V);
  std::vector<uint8_t> ended(rows_.size());
  std::vector<int32_t> tokens(rows_.size());
  std::vector<float> token_logprobs(rows_.size());
  for (Group* group : ready) group->logprobs.resize(static_cast<size_t>(V));
  for (int64_t first = 0; first < wanted; first += chunk) {
    const nn::ArenaScope chunk_scope(arena_);
    const int64_t count = std::min(chunk, wanted - first);
    const nn::Mat x = arena_.NewMat(count, d), logits = arena_.NewMat(count, V);
    nn::Embed(compute_, hidden, last_rows.data() + first, x);
    nn::Gemm(compute_, nn::GemmJob{x, &weights_->head(), logits});
    compute_.ForRows("sample", count, kSampleTile, [&](int64_t begin, int64_t end, nn::Arena&) {
      for (int64_t i = begin; i < end; ++i) {
        float* row_logits = logits.row(i);
        if (first + i >= decoding) {
          Group& group = *ready[static_cast<size_t>(first + i - decoding)];
          nn::LogSoftmaxRow(row_logits, V, LogprobTemperature(group.request.sampling));
          std::copy_n(row_logits, V, group.logprobs.begin());
          continue;
        }
        const auto r = static_cast<size_t>(first + i);
        const SamplingOptions& sampling = rows_[r].group->request.sampling;
        nn::LogSoftmaxRow(row_logits, V, LogprobTemperature(sampling));
        token_logprobs[r] = row_logits[0];
        if (std::isnan(row_logits[0])) continue;  // an error, below
        tokens[r] = SampleToken(row_logits, V, sampling, rows_[r].random);
        token_logprobs[r] = row_logits[tokens[r]];
      }
    });
  }

  for (size_t r = 0; r < rows_.size(); ++r) {
    RequireFinite(token_logprobs[r], rows_[r].group->request,
                  rows_[r].trajectory.completion.size());
    ended[r] = Extend(rows_[r], tokens[r], token_logprobs[r]);
    if (ended[r]) Finish(rows_[r]);
  }
  size_t kept = 0;
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (ended[r]) continue;
    if (kept != r) rows_[kept] = std::move(rows_[r]);
    ++kept;
  }
  rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(kept), rows_.end());
  return true;
}

std::vector<Finished> RolloutEngine::Poll() { return std::exchange(finished_, {}); }

void RolloutEngine::Cancel(int64_t request) {
  for (Row& row : rows_) {
    if (row.group->request.id != request) continue;
    row.trajectory.finish = FinishReason::kCancelled;
    Finish(row);
  }
  std::erase_if(rows_, [&](const Row& row) { return row.group->request.id == request; });
  for (Group& group : groups_) {
    if (group.request.id == request) group.request.samples = group.started;
  }
}

std::vector<std::vector<Trajectory>> Generate(RolloutEngine& engine, std::vector<Request> requests,
                                              const GenerateHooks& hooks) {
  std::vector<std::vector<Trajectory>> results(requests.size());
  std::vector<int64_t> first_sample;
  for (size_t i = 0; i < requests.size(); ++i) {
    results[i].resize(static_cast<size_t>(requests[i].samples));
    first_sample.push_back(requests[i].first_sample);
    requests[i].id = static_cast<int64_t>(i);
    engine.Submit(std::move(requests[i]));
  }
  bool more = true;
  while (more) {
    if (hooks.stop && hooks.stop()) Fail("interrupted");
    more = engine.Step();
    for (Finished& done : engine.Poll()) {
      const auto i = static_cast<size_t>(done.request);
      if (hooks.on_finished) {
        hooks.on_finished(i, std::move(done.trajectory));
        continue;
      }
      const auto sample = static_cast<size_t>(done.trajectory.sample - first_sample[i]);
      results[i][sample] = std::move(done.trajectory);
    }
  }
  return results;
}

}  // namespace retort::rollout
