// Low-rank adapters beside weights that are held once, packed: against the same weights with the
// adapters' product added to them.

#include <gtest/gtest.h>

#include <cmath>

#include "rollout/engine.h"
#include "tests/support/complex_step.h"
#include "tests/support/mid_models.h"
#include "tests/support/op_testing.h"
#include "train/learner.h"

namespace retort::train::adapter_test {
namespace {

using testing::Floats;

constexpr model::AdapterOptions kAdapters{.rank = 3, .alpha = 6};
constexpr double kScale = 2;

MicroBatch SomeBatch() {
  const auto tokens = [](std::string_view name, int64_t count) {
    return testing::RandomTokens(name, count, 101);
  };
  MicroBatch batch;
  batch.Add({tokens("p0", 6), {tokens("a", 4), tokens("b", 1), tokens("c", 7)}});
  batch.Add({tokens("p1", 2), {tokens("d", 12)}});
  return batch;
}

ScoreGradients SomeLoss(const Scores& scores) {
  ScoreGradients gradients;
  for (const float l : scores.logprob) gradients.logprob.push_back(-1 + 0.1f * std::sin(l));
  for (const float e : scores.entropy) gradients.entropy.push_back(0.1f * std::cos(e));
  return gradients;
}

/// A base, and adapters that are anything but zero.
struct Adapted {
  explicit Adapted(const model::ModelConfig& config, const nn::Precision& held = {})
      : full(testing::TinyModel(config)),
        base(full->Packed(compute, held)),
        adapters(model::NewAdapters(base, kAdapters, 1)) {}

  void Randomise() {
    nn::ParameterStore& values = adapters->ChangeValues();
    RandomStream random({.seed = 4, .purpose = "B"});
    for (const nn::ParameterInfo& p : values.layout().all()) {
      if (!p.name.ends_with(".lora_B.weight")) continue;
      for (float& value : values[p.name]) value = static_cast<float>(0.1 * random.Normal());
    }
  }

  Executor executor{2};
  nn::Compute compute{executor};
  std::unique_ptr<model::LanguageModel> full;
  std::shared_ptr<const model::PackedWeights> base;
  std::unique_ptr<model::LanguageModel> adapters;
};

class Adapters : public ::testing::TestWithParam<testing::NamedConfig> {};

TEST_P(Adapters, ChangeNothingAtFirst) {
  Adapted a(GetParam().config);
  model::Workspace workspace(a.compute);
  const MicroBatch batch = SomeBatch();
  const Scores without = ScoreWith(*a.base, workspace, batch);
  const Scores with = ScoreWith(*a.adapters->Packed(a.compute), workspace, batch);
  EXPECT_EQ(with.logprob, without.logprob);
  a.Randomise();
  EXPECT_NE(ScoreWith(*a.adapters->Packed(a.compute), workspace, batch).logprob, without.logprob);
  EXPECT_LT(a.adapters->Packed(a.compute)->bytes(), a.base->bytes());
}

TEST_P(Adapters, LearnWhatTheirProductAddedToTheWeightsLearns) {
  Adapted a(GetParam().config);
  a.Randomise();
  const nn::ParameterStore& adapters = std::as_const(*a.adapters).values();
  std::vector<std::string> names;  // of the matrices that have an adapter
  for (const nn::ParameterInfo& p : adapters.layout().all()) {
    if (p.name.ends_with(".lora_A.weight")) names.push_back(p.name.substr(0, p.name.size() - 14));
  }
  EXPECT_EQ(
      std::ranges::count_if(names, [](const std::string& n) { return n.ends_with("o_proj"); }),
      a.full->network().layers());
  const auto of = [&](const std::string& name, const char* part) {
    return adapters.mat(adapters.layout().IdOf(name + part));
  };
  nn::ParameterStore& values = a.full->ChangeValues();
  for (const std::string& name : names) {
    const nn::Mat w = values.mat(values.layout().IdOf(name + ".weight"));
    const nn::ConstMat A = of(name, ".lora_A.weight"), B = of(name, ".lora_B.weight");
    for (int64_t i = 0; i < w.rows; ++i) {
      for (int64_t j = 0; j < w.cols; ++j) {
        double sum = 0;
        for (int64_t r = 0; r < kAdapters.rank; ++r) sum += double{B(i, r)} * A(r, j);
        w(i, j) += static_cast<float>(kScale * sum);
      }
    }
  }
  const MicroBatch batch = SomeBatch();
  Learner one(*a.adapters, a.compute), whole(*a.full, a.compute);
  Floats got, want;
  one.Accumulate(batch, 0.9f, 1, [&](const Scores& s) { return got = s.logprob, SomeLoss(s); });
  whole.Accumulate(batch, 0.9f, 1, [&](const Scores& s) { return want = s.logprob, SomeLoss(s); });
  EXPECT_LT(testing::RelativeDifference(got, want), 1e-5);
  for (const std::string& name : names) {
    const nn::ConstMat dw =
        whole.gradients().mat(whole.gradients().layout().IdOf(name + ".weight"));
    const nn::ConstMat A = of(name, ".lora_A.weight"), B = of(name, ".lora_B.weight");
    std::vector<double> da(static_cast<size_t>(A.rows * A.cols)),
        db(static_cast<size_t>(B.rows * B.cols));
    for (int64_t i = 0; i < dw.rows; ++i) {
      for (int64_t j = 0; j < dw.cols; ++j) {
        for (int64_t r = 0; r < kAdapters.rank; ++r) {
          da[static_cast<size_t>(r * A.cols + j)] += kScale * B(i, r) * dw(i, j);
          db[static_cast<size_t>(i * B.cols + r)] += kScale * A(r, j) * dw(i, j);
        }
      }
    }
    const auto gradient = [&](const char* part) {
      const std::span<const float> numbers = one.gradients()[name + part];
      return Floats(numbers.begin(), numbers.end());
    };
    EXPECT_LT(testing::RelativeDifference(gradient(".lora_A.weight"), da), 1e-4) << name;
    EXPECT_LT(testing::RelativeDifference(gradient(".lora_B.weight"), db), 1e-4) << name;
  }
}

TEST_P(Adapters, LearnTheSameBitsOnAnyNumberOfThreads) {
  testing::ExpectSameOnAllThreads([&](nn::Compute& compute) {
    Adapted a(GetParam().config);
    a.Randomise();
    Learner learner(*a.adapters, compute);
    learner.Accumulate(SomeBatch(), 1, 1, SomeLoss);
    return testing::Numbers(learner.gradients());
  });
}

// In whatever form the base is held: bfloat16 aside, which not every machine has.
TEST_P(Adapters, TrainWhatTheySampleBesideABaseThatIsHeldOnce) {
  for (const nn::Dtype held : {nn::Dtype::kFloat32, nn::Dtype::kQ8_0, nn::Dtype::kFloat8E4M3}) {
    Adapted a(GetParam().config, {held});
    a.full.reset();  // nothing but the packed form is left
    a.Randomise();
    Learner learner(*a.adapters, a.compute, {.optimizer = {.learning_rate = 0.02}});
    double first = 0, last = 0;
    for (int step = 0; step < 12; ++step) {
      learner.Accumulate(SomeBatch(), 1, 1, [&](const Scores& scores) {
        last = 0;
        for (const float l : scores.logprob) last -= l;
        if (step == 0) first = last;
        return ScoreGradients{Floats(scores.logprob.size(), -0.1f), {}};
      });
      learner.Step(0.02);
      learner.BalanceRouters();
    }
    EXPECT_LT(last, 0.8 * first) << EnumName(held);

    rollout::RolloutEngine engine(a.adapters->Packed(a.compute), a.compute, nullptr);
    rollout::Request request;
    request.prompt = testing::RandomTokens("prompt", 9, 101);
    request.samples = 3;
    request.sampling.max_completion_length = 15;
    request.stream = {.seed = 3, .purpose = "sample"};
    const auto groups = rollout::Generate(engine, {request});
    for (const Trajectory& t : groups[0]) {
      MicroBatch batch;
      batch.Add({t.prompt, {t.completion}});
      EXPECT_TRUE(testing::SameBits(learner.Score(batch).logprob, t.logprobs)) << EnumName(held);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Adapters, ::testing::ValuesIn(testing::MidConfigs()),
                         [](const auto& info) { return info.param.name; });

TEST(AdapterErrors, NeedTheirBase) {
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto network = model::Network::Make(testing::MidStudentConfig(), kAdapters);
  model::LanguageModel alone(network);
  EXPECT_THROW(alone.Packed(compute), Error);
  model::LanguageModel other(network, {},
                             testing::TinyModel(testing::MidPolicyConfig())->Packed(compute));
  EXPECT_THROW(other.Packed(compute), Error);
  EXPECT_THROW(model::Network::Make(testing::MidStudentConfig(), {.rank = -1}), Error);
}

}  // namespace
}  // namespace retort::train::adapter_test
