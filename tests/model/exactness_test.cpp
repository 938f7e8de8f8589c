// Law 1: what the network says of a token does not depend, to the bit, on the rows beside it, on
// the cache or on the threads.

#include <gtest/gtest.h>

#include "base/options.h"
#include "nn/head.h"
#include "tests/support/mid_models.h"
#include "tests/support/op_testing.h"

namespace retort::model::exactness_test {
namespace {

using testing::Floats;
using testing::NamedConfig;

std::vector<int32_t> Slice(const std::vector<int32_t>& tokens, size_t begin, size_t count) {
  const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(begin);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

/// A model with threads of its own.
struct Engine {
  Executor executor;
  nn::Compute compute;
  std::unique_ptr<LanguageModel> model;
  std::shared_ptr<const PackedWeights> weights;
  Workspace workspace;
  std::vector<std::vector<int64_t>> loads;  // of the last training pass

  Engine(const ModelConfig& config, int threads, nn::Precision precision = {})
      : executor(threads),
        compute(executor),
        model(testing::TinyModel(config, 1, precision)),
        weights(model->Packed(compute)),
        workspace(compute) {}

  int64_t width() const { return model->hidden_size() + 2; }

  /// Per row [hidden | log-probability of a fixed target | entropy]: [T, width].
  Floats Run(const Batch& batch, bool training) {
    const int64_t rows = batch.size(), d = model->hidden_size();
    const auto size = static_cast<size_t>(rows);
    Floats logprob(size), entropy(size);
    Tape tape;
    const nn::Mat hidden =
        model->network().Forward(*weights, workspace, batch, training ? &tape : nullptr);
    if (training) loads = tape.loads;
    std::vector<int32_t> all(size), targets(size);
    std::iota(all.begin(), all.end(), 0);
    for (size_t t = 0; t < size; ++t) targets[t] = (batch.tokens()[t] * 7 + 1) % 101;
    nn::Head(compute, {.hidden = hidden,
                       .w = &weights->head(),
                       .predictions = rows,
                       .rows = all.data(),
                       .targets = targets.data(),
                       .logprob = logprob.data(),
                       .entropy = entropy.data()});
    Floats out;
    for (int64_t t = 0; t < rows; ++t) {
      out.insert(out.end(), hidden.row(t), hidden.row(t) + d);
      out.push_back(logprob[static_cast<size_t>(t)]);
      out.push_back(entropy[static_cast<size_t>(t)]);
    }
    return out;
  }

  Floats Train(const std::vector<std::vector<int32_t>>& sequences) {
    Batch batch;
    for (const auto& tokens : sequences) {
      const std::span<const int32_t> all(tokens);
      batch.AddGroup({}, std::span(&all, 1));
    }
    return Run(batch, true);
  }

  Floats Row(const Floats& out, int64_t row) const {
    return testing::Part(out, row * width(), width());
  }
};

struct Case {
  NamedConfig model;
  nn::Precision precision;
};

class Exact : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Executor executor(1);
    const nn::Compute chooses_the_instruction_set(executor);
    if (GetParam().precision.products == nn::Dtype::kBFloat16 && !nn::HasBFloat16()) {
      GTEST_SKIP() << "no AVX-512 BF16 here";
    }
  }
  Engine NewEngine(int threads) const {
    return Engine(GetParam().model.config, threads, GetParam().precision);
  }
};

TEST_P(Exact, ARowDoesNotKnowHowManyRowsAreBesideIt) {
  const std::vector<int32_t> tokens = testing::RandomTokens("sequence", 5, 101);
  Floats expected;  // of the last token
  bool idle = false, once = false, crowded = false;
  for (const int threads : {1, 2, 3, 8}) {
    Engine engine = NewEngine(threads);
    KvCache cache = engine.weights->NewCache();
    const KvCache::Handle ours = cache.NewSequence(), other = cache.NewSequence();
    Batch prefill(&cache);
    prefill.AddCached(ours, Slice(tokens, 0, 4));
    prefill.AddCached(other, testing::RandomTokens("other prompt", 9, 101));
    engine.Run(prefill, false);
    const std::vector<int32_t> others = testing::RandomTokens("others", 1000, 101);
    for (const size_t M : {1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 65, 129, 1000}) {
      for (const size_t place : {size_t{0}, M / 2, M - 1}) {
        // Decoding: one token of M sequences.
        Batch decode(&cache);
        std::vector<KvCache::Handle> forks;
        for (size_t r = 0; r < M; ++r) {
          forks.push_back(cache.Fork(r == place ? ours : other));
          decode.AddCached(forks.back(), std::span(r == place ? &tokens[4] : &others[r], 1));
        }
        const Floats row = engine.Row(engine.Run(decode, false), static_cast<int64_t>(place));
        for (const KvCache::Handle fork : forks) cache.Drop(fork);
        if (expected.empty()) expected = row;
        EXPECT_TRUE(testing::SameBits(row, expected))
            << "decode, " << M << " rows, " << threads << " threads, at " << place;

        // Training: M rows in all, ours in one sequence between the others.
        if (M < 5) continue;
        const size_t before = std::min(place, M - 5);
        const Floats all =
            engine.Train({Slice(others, 0, before), tokens, Slice(others, before, M - 5 - before)});
        EXPECT_TRUE(testing::SameBits(engine.Row(all, static_cast<int64_t>(before) + 4), expected))
            << "training, " << M << " rows, " << threads << " threads, at " << before;
        for (const auto& layer : engine.loads) {
          for (const int64_t load : layer) {
            idle |= load == 0;
            once |= load == 1;
            crowded |= load > 130;
          }
        }
      }
    }
  }
  if (!std::holds_alternative<LlamaConfig>(GetParam().model.config)) {
    EXPECT_TRUE(idle && once && crowded) << "the loads tried should be of every kind";
  }
}

TEST_P(Exact, ACachedSequenceSaysWhatOneTrainingPassSays) {
  const std::vector<int32_t> tokens = testing::RandomTokens("long", 130, 101);
  const Floats whole = NewEngine(1).Train({tokens});
  for (const int threads : {1, 2, 3, 8}) {
    Engine engine = NewEngine(threads);
    for (const size_t length : {1, 2, 63, 64, 65, 127, 128, 129}) {
      const Floats all = engine.Train({Slice(tokens, 0, length)});
      EXPECT_TRUE(testing::SameBits(all, testing::Part(whole, 0, static_cast<int64_t>(all.size()))))
          << "training on " << length << " tokens, " << threads << " threads";
    }
    for (const size_t chunk : {1, 2, 3, 17, 63, 64, 65, 128, 129}) {
      KvCache cache = engine.weights->NewCache();
      // Rows that were in use before are not zero and lie out of order.
      const KvCache::Handle used = cache.NewSequence();
      Batch filler(&cache);
      filler.AddCached(used, testing::RandomTokens("filler", 70, 101));
      engine.Run(filler, false);
      const KvCache::Handle kept = cache.Fork(used), ours = cache.NewSequence();
      cache.Truncate(kept, 20);
      cache.Drop(used);
      Floats got;
      for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
        Batch batch(&cache);
        batch.AddCached(ours, Slice(tokens, begin, std::min(chunk, tokens.size() - begin)));
        got = testing::Joined(std::move(got), engine.Run(batch, false));
      }
      EXPECT_TRUE(testing::SameBits(got, whole))
          << "chunks of " << chunk << ", " << threads << " threads";
    }
  }
}

TEST_P(Exact, SamplesOfOneSharedPromptSayWhatTheyWouldAlone) {
  for (const size_t length : {1, 63, 64, 65, 129}) {
    const std::vector<int32_t> prompt =
        testing::RandomTokens("prompt", static_cast<int64_t>(length), 101);
    const std::vector<std::vector<int32_t>> samples = {testing::RandomTokens("x", 5, 101),
                                                       {},
                                                       testing::RandomTokens("y", 1, 101),
                                                       testing::RandomTokens("z", 70, 101)};
    for (const int threads : {1, 3}) {
      Engine engine = NewEngine(threads);
      Batch batch;
      const std::vector<std::span<const int32_t>> spans(samples.begin(), samples.end());
      const std::vector<int64_t> first = batch.AddGroup(prompt, spans);
      EXPECT_EQ(batch.size(), static_cast<int64_t>(length) + 76);
      const Floats group = engine.Run(batch, true);
      std::vector<std::vector<int64_t>> loads, group_loads = engine.loads;
      for (size_t s = 0; s < samples.size(); ++s) {
        const Floats alone = engine.Train({testing::Joined(prompt, samples[s])});
        const int64_t split = static_cast<int64_t>(length) * engine.width();
        EXPECT_TRUE(
            testing::SameBits(testing::Part(alone, 0, split), testing::Part(group, 0, split)));
        const auto own = static_cast<int64_t>(alone.size()) - split;
        EXPECT_TRUE(testing::SameBits(testing::Part(alone, split, own),
                                      testing::Part(group, first[s] * engine.width(), own)))
            << "prompt of " << length << ", sample " << s;
        loads.resize(engine.loads.size());
        for (size_t l = 0; l < loads.size(); ++l) {
          loads[l].resize(engine.loads[l].size());
          for (size_t e = 0; e < loads[l].size(); ++e) loads[l][e] += engine.loads[l][e];
        }
      }
      EXPECT_EQ(group_loads, loads);
    }
  }
}

std::vector<Case> Cases() {
  using enum nn::Dtype;
  std::vector<Case> cases;
  for (const NamedConfig& model : testing::MidConfigs()) {
    for (const nn::Precision precision :
         {nn::Precision{}, nn::Precision{kBFloat16, kBFloat16}, nn::Precision{kFloat32, kBFloat16},
          nn::Precision{kFloat8E4M3}, nn::Precision{kQ8_0}}) {
      cases.push_back({model, precision});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Exact, ::testing::ValuesIn(Cases()), [](const auto& info) {
  const nn::Precision& precision = info.param.precision;
  return info.param.model.name + "_" + EnumName(precision.products) + "_cache_" +
         EnumName(precision.cache);
});

TEST(ExactWide, DecodingWith256ExpertsSaysWhatTrainingSays) {
  DeepseekConfig config = testing::WidePolicyConfig();
  config.vocab_size = 101;
  const std::vector<int32_t> tokens = testing::RandomTokens("wide", 20, 101);
  Engine engine(config, 2);
  const Floats whole = engine.Train({tokens});
  KvCache cache = engine.weights->NewCache();
  const KvCache::Handle sequence = cache.NewSequence();
  Floats got;
  for (const int32_t token : tokens) {
    Batch batch(&cache);
    batch.AddCached(sequence, std::span(&token, 1));
    got = testing::Joined(std::move(got), engine.Run(batch, false));
  }
  EXPECT_TRUE(testing::SameBits(got, whole));
}

}  // namespace
}  // namespace retort::model::exactness_test
