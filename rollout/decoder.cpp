#include "rollout/decoder.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "nn/embedding.h"
#include "nn/gemm.h"
#include "nn/head.h"

namespace retort::rollout {
namespace {
constexpr int64_t kSampleTile = 4;
}

Decoder::Decoder(std::shared_ptr<const model::PackedWeights> weights, nn::Compute& compute)
    : weights_(std::move(weights)), workspace_(compute), cache_(weights_->NewCache()) {}

void Decoder::Run(std::span<const NewTokens> sequences,
                  const std::function<void(const Place&, float*)>& take) {
  model::Batch batch(&cache_);
  std::vector<Place> places;
  std::vector<int32_t> rows;  // of the batch, whose hidden states predict
  for (size_t s = 0; s < sequences.size(); ++s) {
    const auto count = std::ssize(sequences[s].tokens);
    RETORT_CHECK(sequences[s].predictions >= 0 && sequences[s].predictions <= count,
                 "decode: ", sequences[s].predictions, " predictions of ", count, " tokens");
    const int64_t first = batch.AddCached(sequences[s].cache, sequences[s].tokens);
    for (int64_t t = count - sequences[s].predictions; t < count; ++t) {
      places.push_back({s, t});
      rows.push_back(static_cast<int32_t>(first + t));
    }
  }
  nn::Compute& compute = workspace_.compute;
  const nn::Mat hidden = network().Forward(*weights_, workspace_, batch);

  // Logits live one chunk at a time.
  const int64_t V = network().vocab_size(), wanted = std::ssize(rows), chunk = nn::HeadChunk(V);
  for (int64_t first = 0; first < wanted; first += chunk) {
    const nn::ArenaScope scope(logits_);
    const int64_t count = std::min(chunk, wanted - first);
    const nn::Mat x = logits_.NewMat(count, hidden.cols), logits = logits_.NewMat(count, V);
    nn::Embed(compute, hidden, rows.data() + first, x);
    nn::Gemm(compute, nn::GemmJob{x, &weights_->head(), logits});
    compute.ForRows("sample", count, kSampleTile, [&](int64_t begin, int64_t end, nn::Arena&) {
      for (int64_t i = begin; i < end; ++i) {
        take(places[static_cast<size_t>(first + i)], logits.row(i));
      }
    });
  }
}

}  // namespace retort::rollout
