// One or more new tokens per row, and several threads on one set of weights: the same bits.

#include "rollout/decoder.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/options.h"
#include "rollout/engine.h"
#include "tests/support/mid_models.h"
#include "tests/support/op_testing.h"

namespace retort::rollout::decoder_test {
namespace {

using testing::Floats;

struct Case {
  testing::NamedConfig model;
  nn::Precision precision;
};

class DecoderTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().precision.products == nn::Dtype::kBFloat16 && !nn::HasBFloat16()) {
      GTEST_SKIP() << "no AVX-512 BF16 here";
    }
  }
};

// The logits after every token of each sequence, its tokens being taken `widths[s]` at a time.
std::vector<Floats> Logits(const std::shared_ptr<const model::PackedWeights>& weights, int threads,
                           const std::vector<std::vector<int32_t>>& sequences,
                           const std::vector<size_t>& widths) {
  const Executor executor(threads);
  nn::Compute compute(executor);
  Decoder decoder(weights, compute);
  const auto V = static_cast<size_t>(weights->network().vocab_size());
  std::vector<Floats> logits;
  std::vector<model::KvCache::Handle> caches;
  for (const auto& tokens : sequences) {
    caches.push_back(decoder.cache().NewSequence());
    logits.emplace_back(tokens.size() * V);
  }
  for (bool more = true; more;) {
    more = false;
    std::vector<NewTokens> work;
    std::vector<size_t> of, first;
    for (size_t s = 0; s < sequences.size(); ++s) {
      const auto said = static_cast<size_t>(decoder.cache().length(caches[s]));
      const size_t count = std::min(widths[s], sequences[s].size() - said);
      if (count == 0) continue;
      more = true;
      of.push_back(s);
      first.push_back(said);
      work.push_back(
          {caches[s], std::span(sequences[s]).subspan(said, count), static_cast<int64_t>(count)});
    }
    decoder.Run(work, [&](const Decoder::Place& place, float* row) {
      const size_t at = first[place.sequence] + static_cast<size_t>(place.token);
      std::copy_n(row, V, logits[of[place.sequence]].begin() + static_cast<std::ptrdiff_t>(at * V));
    });
  }
  return logits;
}

TEST_P(DecoderTest, SeveralTokensAtATimeSayWhatOneAtATimeSays) {
  const auto model = testing::TinyModel(GetParam().model.config, 1, GetParam().precision);
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto weights = model->Packed(compute);
  std::vector<std::vector<int32_t>> sequences;
  for (const int64_t length : {37, 64, 5, 21}) {
    sequences.push_back(testing::RandomTokens(StrCat("s", length), length, 101));
  }
  const std::vector<Floats> one = Logits(weights, 1, sequences, {1, 1, 1, 1});
  for (const int threads : {1, 3}) {
    for (const std::vector<size_t>& widths :
         {std::vector<size_t>{2, 2, 2, 2}, {3, 3, 3, 3}, {4, 4, 4, 4}, {1, 2, 3, 4}}) {
      const std::vector<Floats> got = Logits(weights, threads, sequences, widths);
      for (size_t s = 0; s < one.size(); ++s) {
        EXPECT_TRUE(testing::SameBits(got[s], one[s])) << "sequence " << s << " by " << widths[s];
      }
    }
  }
}

std::vector<Case> Cases() {
  using enum nn::Dtype;
  std::vector<Case> cases;
  for (const testing::NamedConfig& model : testing::MidConfigs()) {
    for (const nn::Precision precision :
         {nn::Precision{}, nn::Precision{kBFloat16, kBFloat16}, nn::Precision{kQ8_0}}) {
      cases.push_back({model, precision});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Kinds, DecoderTest, ::testing::ValuesIn(Cases()), [](const auto& info) {
  return info.param.model.name + "_" + EnumName(info.param.precision.products);
});

using Groups = std::vector<std::vector<Trajectory>>;

Groups Sample(const std::shared_ptr<const model::PackedWeights>& weights, const Executor& executor,
              int64_t first) {
  nn::Compute compute(executor);
  RolloutEngine engine(weights, compute, nullptr);
  std::vector<Request> requests;
  for (int64_t i = first; i < first + 3; ++i) {
    Request& request = requests.emplace_back();
    request.prompt = testing::RandomTokens("prompt", 3 + 7 * i, 101);
    request.samples = 4;
    request.sampling.max_completion_length = 20;
    request.stream = {.seed = 2, .purpose = "sample", .problem = static_cast<uint64_t>(i)};
  }
  return Generate(engine, std::move(requests));
}

void ExpectSame(const Groups& got, const Groups& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t g = 0; g < got.size(); ++g) {
    for (size_t s = 0; s < got[g].size(); ++s) {
      EXPECT_EQ(got[g][s].completion, want[g][s].completion);
      EXPECT_TRUE(testing::SameBits(got[g][s].logprobs, want[g][s].logprobs));
    }
  }
}

// While the values that they were packed from are trained on.
TEST(SharedWeights, TwoThreadsSampleWhatOneSamples) {
  for (const auto& [name, config] : testing::MidConfigs()) {
    const auto model = testing::TinyModel(config);
    const Executor one(1), two(2);
    nn::Compute compute(one);
    const auto weights = model->Packed(compute);
    const Groups first = Sample(weights, one, 0), second = Sample(weights, one, 3);
    for (const bool share_executor : {false, true}) {
      Groups a, b;
      const Executor own(1);
      std::thread other([&] { b = Sample(weights, share_executor ? two : own, 3); });
      std::thread changes([&] {
        for (float& number : model->ChangeValues().numbers()) number *= 0.5f;
        EXPECT_NE(model->Packed(compute), weights);
      });
      a = Sample(weights, two, 0);
      other.join();
      changes.join();
      ExpectSame(a, first);
      ExpectSame(b, second);
    }
    EXPECT_EQ(weights->version() + 2, model->Packed(compute)->version());
  }
}

}  // namespace
}  // namespace retort::rollout::decoder_test
