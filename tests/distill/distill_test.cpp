#include "distill/distill.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"
#include "tests/support/trace_step.h"

namespace retort::distill::distill_test {
namespace {

using testing::StageRun;
using testing::StageSetup;

/// Eight traces of a stage "collect": trace i has completion length 2 + i, step i / 4, is right
/// when i is even, finished when i < 6.
TraceStep Traces(int64_t run, int64_t step) {
  TraceStep record{{run, 0, step}, "collect", {}, {}};
  for (int64_t i = 4 * step; i < 4 * step + 4; ++i) {
    Trace trace;
    trace.problem.id = trace.problem.prompt = trace.problem.canonical = StrCat("p", i / 2);
    trace.problem.family = "test";
    trace.trajectory.prompt = {65, 66, static_cast<int32_t>(67 + i / 2)};
    trace.trajectory.completion.assign(static_cast<size_t>(2 + i), static_cast<int32_t>(80 + i));
    trace.trajectory.logprobs.assign(static_cast<size_t>(2 + i), -1);
    trace.trajectory.finish = i < 6 ? FinishReason::kStop : FinishReason::kLength;
    trace.trajectory.sample = i % 2;
    trace.reward = static_cast<double>(i);
    const auto status = i % 2 == 0 ? VerdictStatus::kRight : VerdictStatus::kWrong;
    trace.verdicts = {{"math", {status, i % 2 == 0 ? 1.0 : 0.0, "", ""}},
                      {"format", {VerdictStatus::kRight, 1, "", ""}}};
    record.traces.push_back(trace);
  }
  return record;
}

void StoreTraces(datasets::TraceStore& store, int64_t run) {
  store.AppendStep(Traces(run, 0));
  store.AppendStep(Traces(run, 1));
}

DistillOptions BaseOptions() {
  DistillOptions o;
  o.training.steps = 3;
  o.training.batch_size = 2;
  o.training.logging_steps = 1;
  o.training.optimizer = {.learning_rate = 0.01};
  return o;
}

StageRun Learn(const DistillOptions& options) {
  return testing::RunStage(
      {.config = testing::StageStudentConfig(), .answering = false, .prepare = StoreTraces},
      [&](const train::StageContext& c) { return RunDistill(c, options); });
}

DistillOptions With(const Json& changes) {
  DistillOptions options = BaseOptions();
  ReadOptions(changes, "options", options);
  return options;
}

TEST(Distill, TheFilterChoosesTheTraces) {
  const std::string base = Learn(BaseOptions()).Everything();
  EXPECT_EQ(Learn(BaseOptions()).Everything(), base);
  EXPECT_EQ(Learn(BaseOptions()).report.details["traces"], 8);
  for (const auto& [select, count] : std::vector<std::pair<Json, int>>{
           {{{"correct", true}}, 4},
           {{{"correct", false}}, 4},
           {{{"correct", true}, {"min_step", 1}}, 2},
           {{{"verifier", "format"}, {"correct", true}, {"finished", false}}, 2},
           {{{"finished", true}}, 6},
           {{{"min_length", 5}}, 5},
           {{{"max_length", 5}}, 4},
           {{{"min_step", 1}}, 4},
           {{{"max_step", 0}}, 4},
           {{{"min_reward", 2.5}}, 5},
           {{{"per_problem", 1}}, 4},
           {{{"limit", 3}}, 3}}) {
    const StageRun run = Learn(With({{"select", select}}));
    EXPECT_EQ(run.report.details["traces"], count) << select;
    EXPECT_NE(run.Everything(), base) << select;
    ASSERT_EQ(run.selections.size(), 1u);
    EXPECT_EQ(run.selections[0].ids.size(), static_cast<size_t>(count));
    EXPECT_EQ(run.report.details["selection"], run.selections[0].hash);
  }
  EXPECT_EQ(
      Learn(With({{"select", {{"run", "test"}, {"stage", "collect"}}}})).report.details["traces"],
      8);
  for (const Json& none : std::vector<Json>{{{"stage", "other"}}, {{"run", "other"}}}) {
    EXPECT_THROW(Learn(With({{"select", none}})), Error);
  }
}

TEST(Distill, LearnsTheCompletionOnly) {
  // One trace: its loss is that of its completion given its prompt, and falls.
  DistillOptions options = With({{"select", {{"limit", 1}}}});
  options.training.steps = 30;
  const StageRun run = Learn(options);
  const Executor executor(1);
  nn::Compute compute(executor);
  const auto model = model::NewModel(testing::StageStudentConfig(), 1);
  testing::SetWeights(run.before, *model);
  model::Workspace workspace(compute);
  train::MicroBatch batch;
  batch.Add({{65, 66, 67}, {{80, 80}}});
  const train::Scores scores = train::ScoreWith(*model->Packed(compute), workspace, batch);
  EXPECT_NEAR(run.Metric(0, "loss"), -(scores.logprob[0] + scores.logprob[1]) / 2, 1e-5);
  EXPECT_LT(run.Metric(29, "loss"), 0.1 * run.Metric(0, "loss"));
  EXPECT_EQ(run.Metric(0, "num_tokens"), 2 * 4);
}

TEST(Distill, ASecondTurnTeachesItsAnswerOrTheConversation) {
  // "?A" was answered by "x", then by "yz"; its user says "n" to the first and "ok" to the second.
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  const std::vector<int32_t> question{'?', 'A'}, first{'x'}, second{'y', 'z'};
  const auto turn = [&](const std::vector<int32_t>& completion, const char* message) {
    return model::RenderNextTurn(tokenizer, model::PromptTemplate::kShort, completion, message);
  };
  const auto join = [](std::vector<std::vector<int32_t>> parts) {
    std::vector<int32_t> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  Trace trace;
  trace.stage = "collect/revision";
  trace.feedback = "ok";
  const std::vector<int32_t> reply = turn(first, "n");
  trace.trajectory.prompt = question;
  trace.trajectory.completion = join({first, reply, second});
  trace.trajectory.said.assign(first.size() + reply.size() + second.size(), 1);
  std::fill_n(trace.trajectory.said.begin() + 1, reply.size(), 0);
  trace.text = "yz";
  const auto loss = [&](const char* turns, const Trace& stored, const train::LearnGroup& expected) {
    DistillOptions options = With({{"turns", turns}});
    options.training.steps = options.training.batch_size = 1;
    const StageRun run =
        testing::RunStage({.config = testing::StageStudentConfig(),
                           .answering = false,
                           .prepare =
                               [&](datasets::TraceStore& store, int64_t id) {
                                 store.AppendStep(TraceStep{{id, 0, 0}, "collect", {}, {stored}});
                               }},
                          [&](const train::StageContext& c) { return RunDistill(c, options); });
    const Executor executor(1);
    nn::Compute compute(executor);
    const auto model = model::NewModel(testing::StageStudentConfig(), 1);
    testing::SetWeights(run.before, *model);
    model::Workspace workspace(compute);
    train::MicroBatch batch;
    batch.Add(expected);
    double sum = 0;
    const train::Scores scores = train::ScoreWith(*model->Packed(compute), workspace, batch);
    for (const float logprob : scores.logprob) sum -= logprob;
    EXPECT_NEAR(run.Metric(0, "loss"), sum / static_cast<double>(scores.logprob.size()), 1e-5);
  };
  loss("last", trace, {join({question, first, reply}), {second}});
  loss("all", trace, {question, {join({first, turn(first, "n"), second, turn(second, "ok")})}});
  Trace ordinary = trace;  // of one turn
  ordinary.trajectory.completion = second;
  ordinary.trajectory.said.clear();
  loss("all", ordinary, {question, {second}});
}

TEST(Distill, LearnsFromAnotherDatabase) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "teacher.db";
  {
    datasets::TraceStore store(file, datasets::TraceStore::Mode::kWrite);
    StoreTraces(store, store.CreateRun("teacher", Json::object()));
  }
  const std::string before = ReadFile(file);
  const StageRun other =
      testing::RunStage({.config = testing::StageStudentConfig(), .answering = false},
                        [&](const train::StageContext& c) {
                          return RunDistill(c, With({{"database", file.string()}}));
                        });
  EXPECT_EQ(other.report.details["traces"], 8);
  EXPECT_EQ(other.after, Learn(BaseOptions()).after);
  EXPECT_TRUE(other.selections.empty());
  EXPECT_EQ(ReadFile(file), before) << "the teacher's database is only read";
  EXPECT_THROW(Learn(With({{"database", (folder.path() / "none.db").string()}})), Error);
}

TEST(Distill, RefusesTokensThatMeanAnotherText) {
  const auto run = [](const char* text) {
    return testing::RunStage(
        {.config = testing::StageStudentConfig(),
         .answering = false,
         .prepare =
             [&](datasets::TraceStore& store, int64_t id) {
               TraceStep record = Traces(id, 0);
               record.traces[2].text = text;  // of the ids 82, 82, 82, 82
               store.AppendStep(record);
             }},
        [&](const train::StageContext& c) { return RunDistill(c, BaseOptions()); });
  };
  EXPECT_EQ(run("RRRR").report.details["traces"], 4);
  const std::string message = ErrorOf([&] { run("SSSS"); });
  EXPECT_NE(message.find("trace 3"), std::string::npos) << message;
  EXPECT_NE(message.find("share a tokenizer"), std::string::npos) << message;
}

TEST(Distill, LeavesOutWhatIsLongerThanTheStudentsContext) {
  model::LlamaConfig config = testing::StageStudentConfig();
  config.max_position_embeddings = 8;  // traces have 3 + 2 … 3 + 9 tokens, the last needs no place
  const StageRun run =
      testing::RunStage({.config = config, .answering = false, .prepare = StoreTraces},
                        [&](const train::StageContext& c) { return RunDistill(c, BaseOptions()); });
  EXPECT_EQ(run.report.details["traces"], 5);
  EXPECT_EQ(run.report.details["too_long"], 3);
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("3 of 8 traces"), std::string::npos) << run.warnings[0];
}

TEST(Distill, RefusesAnotherVocabulary) {
  model::LlamaConfig config = testing::StageStudentConfig();
  config.vocab_size = 82;  // the traces' ids reach 87
  try {
    testing::RunStage({.config = config, .answering = false, .prepare = StoreTraces},
                      [&](const train::StageContext& c) { return RunDistill(c, BaseOptions()); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("tokenizer"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace retort::distill::distill_test
