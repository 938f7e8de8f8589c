// Law 1 between rooms: the log-probability that was sampled is the one that is trained on.

#include <gtest/gtest.h>

#include <cmath>

#include "rollout/engine.h"
#include "tests/support/mid_models.h"
#include "tests/support/op_testing.h"
#include "train/learner.h"

namespace retort::train::exactness_test {
namespace {

using rollout::Request;
using testing::Floats;

struct Arrangement {
  int threads = 1;
  int64_t max_rows = 256;
  int64_t prefill_tokens = 1024;
  int64_t micro_batch_tokens = 1 << 20;
};

std::vector<Request> Requests(double temperature) {
  std::vector<Request> requests;
  for (const int64_t length : {1, 5, 63, 64, 65, 129}) {
    Request request;
    request.prompt = testing::RandomTokens("prompt", length, 101);
    request.samples = 5;
    request.sampling.temperature = temperature;
    request.sampling.max_completion_length = 12;
    request.stop_ids = {3, 4};
    request.stream = {.seed = 5, .purpose = "sample", .problem = static_cast<uint64_t>(length)};
    requests.push_back(request);
  }
  return requests;
}

using Groups = std::vector<std::vector<Trajectory>>;

Groups Sample(const model::ModelConfig& config, double temperature, const Arrangement& how) {
  const Executor executor(how.threads);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(config);
  rollout::RolloutEngine engine(model->Packed(compute), compute, nullptr,
                                {how.max_rows, how.prefill_tokens});
  return rollout::Generate(engine, Requests(temperature));
}

/// Largest |sampled - scored| over everything; 0 means the same bits.
double LargestDifference(const model::ModelConfig& config, double temperature, const Groups& groups,
                         const Arrangement& how) {
  const Executor executor(how.threads);
  nn::Compute compute(executor);
  const auto model = testing::TinyModel(config);
  std::vector<LearnGroup> learn;
  for (const auto& group : groups) {
    LearnGroup& g = learn.emplace_back();
    g.prompt = group.front().prompt;
    for (const Trajectory& t : group) g.completions.push_back(t.completion);
  }
  Learner learner(*model, compute);
  double largest = 0;
  for (const auto& cut : CutIntoMicroBatches(learn, how.micro_batch_tokens)) {
    MicroBatch batch;
    for (const GroupPiece& piece : cut) batch.Add(learn, piece);
    Scores trained;  // what a loss sees in the training pass is what Score says
    learner.Accumulate(batch, static_cast<float>(temperature), 1, [&](const Scores& scores) {
      trained = scores;
      return ScoreGradients{Floats(scores.logprob.size()), {}};
    });
    const Scores scores = learner.Score(batch, static_cast<float>(temperature));
    EXPECT_TRUE(testing::SameBits(scores.logprob, trained.logprob));
    EXPECT_TRUE(testing::SameBits(scores.entropy, trained.entropy));
    int64_t s = 0;
    for (const GroupPiece& piece : cut) {
      for (int64_t i = piece.first; i < piece.first + piece.count; ++i, ++s) {
        const Trajectory& t = groups[static_cast<size_t>(piece.group)][static_cast<size_t>(i)];
        EXPECT_EQ(batch.length(s), static_cast<int64_t>(t.logprobs.size()));
        for (size_t j = 0; j < t.logprobs.size(); ++j) {
          const float scored = scores.logprob[static_cast<size_t>(batch.begin(s)) + j];
          largest = std::max(largest, std::abs(double{scored} - t.logprobs[j]));
        }
      }
    }
    EXPECT_EQ(s, batch.sequences());
  }
  return largest;
}

class ExactRollout : public ::testing::TestWithParam<testing::NamedConfig> {};

TEST_P(ExactRollout, SampledLogProbabilitiesAreTheTrainedOnes) {
  const std::vector<Arrangement> setups = {
      {1, 1, 1, 1}, {1, 256, 1024, 1 << 20}, {2, 3, 7, 200}, {3, 8, 64, 90}, {8, 16, 65, 300}};
  for (const double temperature : {1.0, 0.7}) {
    for (size_t i = 0; i < setups.size(); ++i) {
      const Groups groups = Sample(GetParam().config, temperature, setups[i]);
      EXPECT_EQ(LargestDifference(GetParam().config, temperature, groups,
                                  setups[(i + 2) % setups.size()]),
                0)
          << "temperature " << temperature << ", setup " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ExactRollout, ::testing::ValuesIn(testing::MidConfigs()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace retort::train::exactness_test
