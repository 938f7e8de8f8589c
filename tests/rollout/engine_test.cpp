#include "rollout/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "tests/support/tiny_models.h"

namespace retort::rollout::engine_test {
namespace {

using Groups = std::vector<std::vector<Trajectory>>;

model::ModelConfig ByteStudent() {
  model::LlamaConfig config = testing::TinyStudentConfig(model::DenseType::kQwen3);
  config.vocab_size = 264;
  return config;
}

/// A model, its threads and an engine.
struct Rig {
  Executor executor;
  nn::Compute compute;
  std::unique_ptr<model::LanguageModel> model;
  model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  RolloutEngine engine;

  explicit Rig(const model::ModelConfig& config, EngineOptions options = {}, int threads = 1)
      : executor(threads),
        compute(executor),
        model(testing::TinyModel(config)),
        engine(model->Packed(compute), compute, &tokenizer, options) {}
};

Request MakeRequest(int64_t length, int64_t samples = 4) {
  Request request;
  request.prompt = testing::RandomTokens("prompt", length, 19);
  request.samples = samples;
  request.sampling.max_completion_length = 15;
  request.stop_ids = {2};
  request.stream = {.seed = 9, .purpose = "sample", .problem = static_cast<uint64_t>(length)};
  return request;
}

bool Same(const Trajectory& a, const Trajectory& b) {
  return a.prompt == b.prompt && a.completion == b.completion && a.logprobs == b.logprobs &&
         a.finish == b.finish && a.sample == b.sample;
}

void ExpectSame(const Groups& got, const Groups& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t g = 0; g < got.size(); ++g) {
    ASSERT_EQ(got[g].size(), want[g].size());
    for (size_t s = 0; s < got[g].size(); ++s) EXPECT_TRUE(Same(got[g][s], want[g][s])) << g << s;
  }
}

/// The only trajectory of a request on a fresh engine.
Trajectory One(const model::ModelConfig& config, Request request) {
  Rig rig(config);
  request.samples = 1;
  return Generate(rig.engine, {std::move(request)})[0][0];
}

TEST(Engine, AGroupSharesOnePrefillAndItsRows) {
  Rig rig(testing::TinyPolicyConfig());
  Request request = MakeRequest(40, 16);
  request.stop_ids.clear();
  const Groups groups = Generate(rig.engine, {request});
  const EngineStats& stats = rig.engine.stats();
  EXPECT_EQ(stats.prompt_tokens, 40);
  EXPECT_EQ(stats.decoded_tokens, 16 * 15);
  // The last token of a completion is never fed back.
  // Two full pages of the prompt once, and for every sample what lies behind them; the prompt
  // itself holds the page that was copied, until the group has ended.
  EXPECT_EQ(stats.peak_cache_tokens, 48 + 16 * 32);
  for (const Trajectory& t : groups[0]) {
    EXPECT_EQ(t.completion.size(), 15u);
    EXPECT_EQ(t.logprobs.size(), 15u);
    EXPECT_EQ(t.finish, FinishReason::kLength);
    EXPECT_EQ(t.prompt, request.prompt);
  }
  EXPECT_NE(groups[0][0].completion, groups[0][1].completion);
}

TEST(Engine, SixteenSamplesOfALongPromptHoldItOnce) {
  model::DeepseekConfig config = testing::TinyPolicyConfig();
  config.max_position_embeddings = 5000;
  for (const int64_t length : {2, 40}) {
    Rig rig(config, {}, 2);
    Request request = MakeRequest(4096, 16);
    request.stop_ids.clear();
    request.sampling.max_completion_length = length;
    Generate(rig.engine, {request});
    const EngineStats& stats = rig.engine.stats();
    EXPECT_EQ(stats.prompt_tokens, 4096);
    const double own = 16.0 * static_cast<double>(length), prompt = 4096;
    EXPECT_LE(static_cast<double>(stats.peak_cache_bytes),
              (1.1 * prompt + own) * static_cast<double>(stats.cache_bytes_per_token));
  }
}

TEST(Engine, TrajectoriesDependOnNothingButWeightsPromptAndName) {
  for (const model::ModelConfig& config :
       {model::ModelConfig(testing::TinyPolicyConfig()), ByteStudent()}) {
    const std::vector<Request> requests = {MakeRequest(1), MakeRequest(9, 7), MakeRequest(33, 1)};
    Rig reference(config);
    const Groups want = Generate(reference.engine, requests);
    for (const EngineOptions& options : {EngineOptions{1, 1}, {3, 7}, {5, 1024}, {256, 2}}) {
      for (const int threads : {1, 3}) {
        Rig rig(config, options, threads);
        ExpectSame(Generate(rig.engine, requests), want);
        // The same engine again, in another order and beside something else.
        std::vector<Request> other = {requests[2], MakeRequest(20, 3), requests[1], requests[0]};
        Groups got = Generate(rig.engine, other);
        got = {got[3], got[2], got[0]};
        ExpectSame(got, want);
      }
    }
    // One by one under the same names.
    Rig rig(config);
    Request single = requests[1];
    single.samples = 1;
    for (single.first_sample = 0; single.first_sample < 7; ++single.first_sample) {
      const Groups got = Generate(rig.engine, {single});
      EXPECT_TRUE(Same(got[0][0], want[1][static_cast<size_t>(single.first_sample)]));
    }
    Request renamed = requests[1];
    renamed.stream.step = 1;
    EXPECT_NE(Generate(rig.engine, {renamed})[0][0].completion, want[1][0].completion);
  }
}

TEST(Engine, FinishedRowsAreRefilledAtOnce) {
  Rig rig(testing::TinyPolicyConfig(), {.max_rows = 3, .prefill_tokens = 64});
  int64_t unfinished = 0;
  for (const int64_t length : {4, 5}) {
    Request request = MakeRequest(length, 8);
    request.id = length;
    request.stop_ids = {1, 2, 3};  // many lengths
    rig.engine.Submit(request);
    unfinished += 8;
  }
  rig.engine.Step();  // prompts
  bool more = true;
  std::map<size_t, int> lengths;
  while (more) {
    const int64_t before = rig.engine.stats().decoded_tokens;
    const int64_t waiting = unfinished;
    more = rig.engine.Step();
    for (const Finished& done : rig.engine.Poll()) {
      --unfinished;
      ++lengths[done.trajectory.completion.size()];
    }
    if (more) {
      EXPECT_GE(rig.engine.stats().decoded_tokens - before, std::min<int64_t>(3, waiting));
    }
  }
  EXPECT_EQ(unfinished, 0);
  EXPECT_GT(lengths.size(), 3u);
}

TEST(Engine, OptionsBoundWhatOneStepDoes) {
  Rig rig(testing::TinyPolicyConfig(), {.max_rows = 3, .prefill_tokens = 7});
  Request request = MakeRequest(20, 8);
  request.stop_ids.clear();
  rig.engine.Submit(request);
  for (const int64_t computed : {7, 14, 20}) {
    EXPECT_TRUE(rig.engine.Step());
    EXPECT_EQ(rig.engine.stats().prompt_tokens, computed);
    EXPECT_EQ(rig.engine.stats().decoded_tokens, 0);
  }
  EXPECT_TRUE(rig.engine.Step());  // three samples: the first token and the second
  EXPECT_EQ(rig.engine.stats().decoded_tokens, 6);
  EXPECT_TRUE(rig.engine.Step());
  EXPECT_EQ(rig.engine.stats().decoded_tokens, 9);
}

TEST(Engine, AStopIdEndsACompletionAndIsKept) {
  Request request = MakeRequest(6);
  request.stop_ids.clear();
  const Trajectory free = One(testing::TinyPolicyConfig(), request);
  request.stop_ids = {18, free.completion[5]};
  const Trajectory stopped = One(testing::TinyPolicyConfig(), request);
  const auto first = std::find_if(free.completion.begin(), free.completion.end(),
                                  [&](int32_t id) { return id == 18 || id == free.completion[5]; });
  EXPECT_EQ(stopped.completion, std::vector<int32_t>(free.completion.begin(), first + 1));
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_EQ(free.finish, FinishReason::kLength);
}

TEST(Engine, AStopStringEndsACompletionAcrossTokens) {
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  Request request = MakeRequest(6);
  request.stop_ids.clear();
  request.sampling.max_completion_length = 30;
  const Trajectory free = One(ByteStudent(), request);
  for (size_t begin = 0; begin + 3 <= free.completion.size(); begin += 4) {
    const std::string stop =
        tokenizer.Decode(std::span(free.completion).subspan(begin, 3));  // three tokens
    request.sampling.stop = {"never said", stop};
    const Trajectory stopped = One(ByteStudent(), request);
    EXPECT_EQ(stopped.finish, FinishReason::kStopString);
    EXPECT_LE(stopped.completion.size(), begin + 3);
    const std::string text = tokenizer.Decode(stopped.completion);
    EXPECT_NE(text.find(stop), std::string::npos);
    const auto shorter = std::span(stopped.completion).first(stopped.completion.size() - 1);
    EXPECT_EQ(tokenizer.Decode(shorter).find(stop), std::string::npos) << "ended too late";
    EXPECT_TRUE(
        std::equal(stopped.completion.begin(), stopped.completion.end(), free.completion.begin()));
  }
}

TEST(Engine, EverySamplingOptionReachesTheSampler) {
  Request request = MakeRequest(6);
  request.stop_ids.clear();
  const auto config = testing::TinyPolicyConfig();
  const Trajectory plain = One(config, request);
  request.sampling.temperature = 0;
  const Trajectory greedy = One(config, request);
  EXPECT_NE(plain.completion, greedy.completion);
  const auto expect_greedy = [&](const SamplingOptions& options) {
    request.sampling = options;
    request.sampling.max_completion_length = 15;
    EXPECT_EQ(One(config, request).completion, greedy.completion);
    EXPECT_EQ(One(config, request).logprobs, greedy.logprobs);
  };
  expect_greedy({.top_k = 1});
  expect_greedy({.top_p = 1e-6});
  expect_greedy({.min_p = 1});
  for (const SamplingOptions& options :
       {SamplingOptions{.repetition_penalty = 5}, SamplingOptions{.presence_penalty = 5},
        SamplingOptions{.frequency_penalty = 5}}) {
    request.sampling = options;
    request.sampling.max_completion_length = 15;
    EXPECT_NE(One(config, request).completion, plain.completion);
  }
  request.sampling = {.temperature = 0.01, .max_completion_length = 15};
  const Trajectory cold = One(config, request);
  EXPECT_EQ(cold.completion, greedy.completion);
  EXPECT_NE(cold.logprobs, greedy.logprobs) << "log-probabilities are those at the temperature";
}

TEST(Engine, TokensAreSeenAsTheyCome) {
  Rig rig(testing::TinyPolicyConfig());
  std::map<int64_t, std::vector<int32_t>> seen;
  Request request = MakeRequest(6, 3);
  request.on_token = [&](int64_t sample, int32_t token) { seen[sample].push_back(token); };
  rig.engine.Submit(request);
  rig.engine.Step();
  rig.engine.Step();
  EXPECT_EQ(seen.size(), 3u);
  for (const auto& [sample, ids] : seen) EXPECT_EQ(ids.size(), ids[0] == 2 ? 1u : 2u);
  while (rig.engine.Step()) {
  }
  for (const Finished& done : rig.engine.Poll()) {
    EXPECT_EQ(seen[done.trajectory.sample], done.trajectory.completion);
  }
}

TEST(Engine, CancelEndsOneRequestAndNoOther) {
  Rig reference(testing::TinyPolicyConfig());
  const Groups want = Generate(reference.engine, {MakeRequest(4), MakeRequest(5)});
  Rig rig(testing::TinyPolicyConfig(), {.max_rows = 6, .prefill_tokens = 64});
  for (const int64_t id : {4, 5}) {
    Request request = MakeRequest(id);
    request.id = id;
    if (id == 4) request.stop_ids.clear();
    rig.engine.Submit(request);
  }
  std::map<int64_t, std::vector<Trajectory>> finished;
  for (int step = 0; rig.engine.Step(); ++step) {
    if (step == 2) rig.engine.Cancel(4);
    for (Finished& done : rig.engine.Poll()) finished[done.request].push_back(done.trajectory);
  }
  for (Finished& done : rig.engine.Poll()) finished[done.request].push_back(done.trajectory);
  ASSERT_EQ(finished[4].size(), 4u);
  for (const Trajectory& t : finished[4]) {
    EXPECT_EQ(t.finish, FinishReason::kCancelled);
    EXPECT_EQ(t.completion.size(), t.logprobs.size());
    EXPECT_LT(t.completion.size(), 15u);
  }
  ASSERT_EQ(finished[5].size(), 4u);
  for (const Trajectory& t : finished[5]) {
    EXPECT_TRUE(Same(t, want[1][static_cast<size_t>(t.sample)]));
  }
  // Before its prefill, and one that does not exist.
  Request waiting = MakeRequest(7);
  waiting.id = 7;
  rig.engine.Submit(waiting);
  rig.engine.Cancel(7);
  rig.engine.Cancel(1234);
  EXPECT_FALSE(rig.engine.Step());
  EXPECT_TRUE(rig.engine.Poll().empty());
}

TEST(Engine, BadRequestsAreRefusedWithARemedy) {
  model::LlamaConfig config = testing::TinyStudentConfig(model::DenseType::kLlama);
  config.max_position_embeddings = 32;
  Rig rig(config);
  RolloutEngine without_tokenizer(rig.model->Packed(rig.compute), rig.compute, nullptr);
  const auto error = [](RolloutEngine& engine, const Request& request) -> std::string {
    try {
      engine.Submit(request);
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  };
  const auto expect = [&](const Request& request, const std::string& part) {
    const std::string message = error(rig.engine, request);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  EXPECT_EQ(error(rig.engine, MakeRequest(18)), "accepted");  // 18 + 15 - 1 positions fit exactly
  expect(MakeRequest(19), "max_position_embeddings = 32");
  expect(MakeRequest(0), "empty prompt");
  Request request = MakeRequest(4);
  request.prompt[2] = 19;
  expect(request, "token id 19 is outside the vocabulary of 19");
  request.prompt[2] = -1;
  expect(request, "token id -1");
  request = MakeRequest(4);
  request.sampling.stop = {"x", ""};
  expect(request, "empty stop string");
  EXPECT_NE(error(without_tokenizer, request).find("need a tokenizer"), std::string::npos);
  const auto weights = rig.model->Packed(rig.compute);
  EXPECT_THROW(RolloutEngine(weights, rig.compute, nullptr, {.max_rows = 0}), Error);
  EXPECT_THROW(RolloutEngine(weights, rig.compute, nullptr, {.prefill_tokens = 0}), Error);
}

TEST(Generate, TellsOfEveryTrajectoryAndStopsWhenAsked) {
  Rig rig(testing::TinyPolicyConfig());
  std::map<std::pair<size_t, int64_t>, std::vector<int32_t>> seen;
  const GenerateHooks hooks{
      .on_finished =
          [&](size_t request, Trajectory&& t) {
            EXPECT_TRUE(seen.emplace(std::pair(request, t.sample), t.completion).second);
          },
      .stop = {}};
  Request later = MakeRequest(5, 3);
  later.first_sample = 10;
  Generate(rig.engine, {MakeRequest(4, 2), later}, hooks);
  const Groups groups = Generate(rig.engine, {MakeRequest(4, 2), later});
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ((seen[{0, 1}]), groups[0][1].completion);
  EXPECT_EQ((seen[{1, 12}]), groups[1][2].completion);
  int asked = 0;
  EXPECT_THROW(Generate(rig.engine, {MakeRequest(4)},
                        {.on_finished = {}, .stop = [&] { return ++asked > 3; }}),
               Error);
  EXPECT_EQ(asked, 4);
}

TEST(Engine, LogitsThatAreNotFiniteAreAnErrorThatNamesTheRequest) {
  for (const auto& [name, config] : testing::TinyConfigs()) {
    for (const float bad : {NAN, INFINITY}) {
      for (const double temperature : {0.0, 1.0}) {
        Rig rig(config);
        Request request = MakeRequest(4);
        request.id = 7;
        request.stream.step = 12;
        request.stop_ids.clear();
        request.sampling.temperature = temperature;
        if (temperature > 0) request.sampling.top_p = 0.9;
        // The prompt is sound, and whatever is said next is not.
        request.prompt.assign(4, 1);
        nn::ParameterStore& values = rig.model->ChangeValues();
        const nn::Mat table = values.mat(rig.model->network().embedding());
        for (int64_t id = 0; id < table.rows; ++id) {
          if (id != 1) std::fill_n(table.row(id), table.cols, bad);
        }
        RolloutEngine engine(rig.model->Packed(rig.compute), rig.compute, nullptr);
        engine.Submit(request);
        std::string message;
        try {
          while (engine.Step()) {
          }
        } catch (const Error& error) {
          message = error.what();
        }
        for (const char* part : {"not finite", "request 7", "sample, step 12"}) {
          EXPECT_NE(message.find(part), std::string::npos) << name << ": " << message;
        }
        std::fill_n(table.row(1), table.cols, bad);  // and after a prompt
        rig.model->ChangeValues();
        RolloutEngine fresh(rig.model->Packed(rig.compute), rig.compute, nullptr);
        EXPECT_THROW(Generate(fresh, {request}), Error);
      }
    }
  }
}

}  // namespace
}  // namespace retort::rollout::engine_test
