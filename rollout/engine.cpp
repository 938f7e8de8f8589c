#include "rollout/engine.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace retort::rollout {

RolloutEngine::RolloutEngine(std::shared_ptr<const model::PackedWeights> weights,
                             nn::Compute& compute, const model::Tokenizer* tokenizer,
                             EngineOptions options)
    : tokenizer_(tokenizer),
      decoder_(std::move(weights), compute),
      scheduler_(decoder_.cache(), tokenizer, options) {
  RETORT_CHECK(options.max_rows >= 1 && options.prefill_tokens >= 1, "rollout: max_rows ",
               options.max_rows, " and prefill_tokens ", options.prefill_tokens,
               " must both be at least 1");
  stats_.cache_bytes_per_token = decoder_.cache().bytes_per_token();
}

void RolloutEngine::Submit(Request request) {
  CheckRequest(request, network(), tokenizer_);
  scheduler_.Add(std::move(request));
}

void RolloutEngine::Take(Row& row, const Drawn& drawn) {
  bool ended = false;
  try {
    ended = row.sample.Take(drawn);
  } catch (const Error&) {  // it cannot go on
    scheduler_.End(row);
    throw;
  }
  ++stats_.decoded_tokens;
  if (!ended) return;
  finished_.push_back({row.group->request.id, std::move(row.sample).Finish()});
  scheduler_.End(row);
}

bool RolloutEngine::Step() {
  const int64_t V = network().vocab_size();
  while (Row* row = scheduler_.Start()) {
    std::vector<float> logits = row->group->logits;
    Take(*row, row->sample.Draw(logits.data(), V));
  }
  scheduler_.Retire();

  // One token of every row, and what fits of the waiting prompts.
  std::vector<NewTokens> work;
  std::vector<Row*> rows;
  for (Row& row : scheduler_.rows()) {
    rows.push_back(&row);
    work.push_back({row.cache, std::span(&row.sample.last(), 1)});
  }
  const std::vector<Scheduler::Piece> prompts = scheduler_.NextPrompts();
  for (const Scheduler::Piece& piece : prompts) {
    work.push_back({piece.group->cache, piece.tokens, piece.complete ? 1 : 0});
    stats_.prompt_tokens += std::ssize(piece.tokens);
  }
  if (work.empty()) return false;
  ++stats_.steps;

  std::vector<Drawn> drawn(rows.size());
  decoder_.Run(work, [&](const Decoder::Place& place, float* logits) {
    if (place.sequence < rows.size()) {
      drawn[place.sequence] = rows[place.sequence]->sample.Draw(logits, V);
    } else {
      prompts[place.sequence - rows.size()].group->logits.assign(logits, logits + V);
    }
  });
  stats_.peak_cache_tokens = decoder_.cache().peak_tokens();
  stats_.peak_cache_bytes = std::max(stats_.peak_cache_bytes, decoder_.cache().bytes());
  for (size_t r = 0; r < rows.size(); ++r) Take(*rows[r], drawn[r]);
  return true;
}

std::vector<Finished> RolloutEngine::Poll() { return std::exchange(finished_, {}); }

void RolloutEngine::Cancel(int64_t request) {
  scheduler_.Cancel(request, [&](Row& row) {
    finished_.push_back({request, std::move(row.sample).Cancel()});
    scheduler_.End(row);
  });
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
