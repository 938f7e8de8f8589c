// A conversation that keeps its cache: the same bits as without one.

#include "rollout/session.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "rollout/engine.h"
#include "tests/support/error_of.h"
#include "tests/support/tiny_models.h"

namespace retort::rollout::session_test {
namespace {

struct Rig {
  Executor executor{2};
  nn::Compute compute{executor};
  std::shared_ptr<const model::PackedWeights> weights;
  explicit Rig(const model::ModelConfig& config)
      : weights(testing::TinyModel(config)->Packed(compute)) {}

  Trajectory Fresh(const Request& request) {
    RolloutEngine engine(weights, compute, nullptr);
    return Generate(engine, {request})[0][0];
  }
};

Request MakeRequest(std::vector<int32_t> prompt, uint64_t turn) {
  Request request;
  request.prompt = std::move(prompt);
  request.sampling = {.top_k = 12, .repetition_penalty = 1.2, .max_completion_length = 21};
  request.stop_ids = {2};
  request.stream = {.seed = 3, .purpose = "session", .problem = turn};
  return request;
}

void ExpectSame(const Trajectory& got, const Trajectory& want) {
  EXPECT_EQ(got.prompt, want.prompt);
  EXPECT_EQ(got.completion, want.completion);
  EXPECT_EQ(got.logprobs, want.logprobs);
  EXPECT_EQ(got.finish, want.finish);
}

std::vector<model::ModelConfig> Models() {
  return {testing::TinyPolicyConfig(), testing::TinyStudentConfig(model::DenseType::kQwen3)};
}

TEST(Session, EveryTurnIsThatOfAFreshEngine) {
  for (const model::ModelConfig& config : Models()) {
    for (const int64_t piece : {1, 7, 256}) {
      Rig rig(config);
      Session session(rig.weights, rig.compute, nullptr, piece);
      std::vector<int32_t> ids = testing::RandomTokens("first", 25, 19);
      for (uint64_t turn = 0; turn < 5; ++turn) {
        const Request request = MakeRequest(ids, turn);
        const size_t known = session.ids().size();
        const SessionAnswer answer = session.Answer(request);
        ExpectSame(answer.trajectory, rig.Fresh(request));
        EXPECT_EQ(answer.reused, static_cast<int64_t>(known)) << "all that is cached goes on";
        // The answer and the next question.
        const auto& said = answer.trajectory.completion;
        ids.insert(ids.end(), said.begin(), said.end());
        const auto more = testing::RandomTokens("more", 3 + static_cast<int64_t>(turn), 19);
        ids.insert(ids.end(), more.begin(), more.end());
      }
    }
  }
}

TEST(Session, ACacheThatDiffersIsCutBackToWhatIsShared) {
  for (const model::ModelConfig& config : Models()) {
    Rig rig(config);
    Session session(rig.weights, rig.compute, nullptr);
    const std::vector<int32_t> ids = testing::RandomTokens("long", 60, 19);
    session.Answer(MakeRequest(ids, 0));
    for (const size_t shared : {59u, 40u, 16u, 15u, 1u, 0u}) {
      std::vector<int32_t> other(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(shared));
      other.push_back((ids[shared] + 1) % 19);
      const auto tail = testing::RandomTokens("tail", 9, 19);
      other.insert(other.end(), tail.begin(), tail.end());
      const Request request = MakeRequest(other, shared);
      const SessionAnswer answer = session.Answer(request);
      EXPECT_EQ(answer.reused, static_cast<int64_t>(shared));
      ExpectSame(answer.trajectory, rig.Fresh(request));
      session.Answer(MakeRequest(ids, 0));  // and back
    }
    // The same once more: the last token is computed again, for what follows it.
    const SessionAnswer again = session.Answer(MakeRequest(ids, 7));
    EXPECT_EQ(again.reused, 59);
    ExpectSame(again.trajectory, rig.Fresh(MakeRequest(ids, 7)));
    const Request beginning = MakeRequest({ids.begin(), ids.begin() + 20}, 8);
    EXPECT_EQ(session.Answer(beginning).reused, 19);
  }
}

TEST(Session, StoppingKeepsWhatWasSaidAndTheCache) {
  Rig rig(testing::TinyPolicyConfig());
  Session session(rig.weights, rig.compute, nullptr, 8);
  Request request = MakeRequest(testing::RandomTokens("prompt", 20, 19), 1);
  request.stop_ids.clear();
  std::vector<int32_t> seen;
  request.on_token = [&](int64_t sample, int32_t token) {
    EXPECT_EQ(sample, 0);
    seen.push_back(token);
  };
  const SessionAnswer answer = session.Answer(request, [&] { return seen.size() == 5; });
  EXPECT_EQ(answer.trajectory.finish, FinishReason::kCancelled);
  EXPECT_EQ(answer.trajectory.completion, seen);
  EXPECT_EQ(seen.size(), 5u);
  seen.clear();
  ExpectSame(session.Answer(request).trajectory, rig.Fresh(request));
  // Before the prompt is computed.
  int asked = 0;
  const Request other = MakeRequest(testing::RandomTokens("other", 30, 19), 2);
  const SessionAnswer none = session.Answer(other, [&] { return ++asked == 3; });
  EXPECT_EQ(none.trajectory.finish, FinishReason::kCancelled);
  EXPECT_TRUE(none.trajectory.completion.empty());
  EXPECT_EQ(session.ids().size(), 16u);
  ExpectSame(session.Answer(other).trajectory, rig.Fresh(other));
}

TEST(Session, RefusesWhatTheEngineRefuses) {
  Rig rig(testing::TinyPolicyConfig());
  Session session(rig.weights, rig.compute, nullptr);
  EXPECT_NE(ErrorOf([&] { session.Answer(MakeRequest({}, 0)); }).find("empty prompt"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { session.Answer(MakeRequest({99}, 0)); }).find("token id 99"),
            std::string::npos);
  Request two = MakeRequest({1}, 0);
  two.samples = 2;
  EXPECT_NE(ErrorOf([&] { session.Answer(two); }).find("2 samples"), std::string::npos);
  Request endless = MakeRequest({1}, 0);
  endless.sampling.max_completion_length = 1 << 20;
  EXPECT_NE(ErrorOf([&] { session.Answer(endless); }).find("max_position_embeddings"),
            std::string::npos);
}

}  // namespace
}  // namespace retort::rollout::session_test
