// pretrain and sft on files of rows.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "distill/supervised.h"
#include "distill/text_data.h"
#include "tests/distill/tokenizers.h"
#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"

namespace retort::distill::text_stage_test {
namespace {

using testing::StageRun;
using testing::StageSetup;

constexpr const char* kChat =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}";

class TextStage : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  /// Documents, completions and conversations.
  std::string Rows(const std::string& name, int from, int to) const {
    std::string text;
    for (int i = from; i < to; ++i) {
      const std::string n = std::to_string(i);
      Json row = {{"text", "once " + n + " is " + n}, {"story", "never " + n}};
      if (i % 3 == 1) row = {{"prompt", n + "+1="}, {"completion", std::to_string(i + 1)}};
      if (i % 3 == 2) {
        row = {{"messages",
                {{{"role", "user"}, {"content", n}},
                 {{"role", "assistant"}, {"content", "yes " + n}},
                 {{"role", "user"}, {"content", "no"}},
                 {{"role", "assistant"}, {"content", "no"}}}}};
      }
      text += ToJsonLine(row) + "\n";
    }
    return File(name, text);
  }
  SupervisedOptions Base() const {
    SupervisedOptions o;
    o.text.train_files = {Rows("a.jsonl", 0, 12), Rows("b.jsonl", 100, 103)};
    o.text.weights = {1, 1};
    o.text.packing = true;
    o.text.max_length = 40;
    o.text.eval_file = File("e.txt", "How well is this predicted?");
    o.text.eval_steps = 3;
    o.training.steps = 4;
    o.training.batch_size = 3;
    o.training.logging_steps = 1;
    o.training.save_steps = 2;
    o.training.optimizer = {.learning_rate = 0.01};
    return o;
  }
  static StageSetup Chatting() {
    StageSetup setup{.config = Config(), .answering = false};
    setup.tokenizer = Edited({.added = {kFim[0], kFim[1], kFim[2]}, .chat_template = kChat});
    setup.prompt_template = model::PromptTemplate::kChat;
    return setup;
  }
  static model::LlamaConfig Config() {
    model::LlamaConfig config = testing::StageStudentConfig();
    config.vocab_size = 267;
    return config;
  }
  static StageRun Learn(const SupervisedOptions& options, const StageSetup& setup = Chatting()) {
    return testing::RunStage(
        setup, [&](const train::StageContext& context) { return RunSupervised(context, options); });
  }
  static SupervisedOptions With(SupervisedOptions options, const Json& changes) {
    ReadOptions(changes, "options", options);
    return options;
  }

  const TemporaryFolder folder_;
};

TEST_F(TextStage, EveryOptionHasAnEffect) {
  const std::string base = Learn(Base()).Everything();
  EXPECT_EQ(Learn(Base()).Everything(), base);
  const std::map<std::string, Json> changes = {
      {"train_files", {Rows("a.jsonl", 0, 12), Rows("c.jsonl", 200, 203)}},
      {"weights", {1, 9}},
      {"dataset_text_field", "story"},
      {"max_length", 38},
      {"packing", false},
      {"packing_strategy", "wrapped"},
      {"document_mask", false},
      {"completion_only_loss", false},
      {"assistant_only_loss", false},
      {"fim_rate", 0.5},
      {"eval_file", File("f.txt", "And this?")},
      {"eval_steps", 2}};
  const Json all = WriteOptions(TextOptions());
  for (const auto& [key, value] : all.items()) {
    ASSERT_TRUE(changes.contains(key)) << "a new option needs a row here: " << key;
    EXPECT_NE(Learn(With(Base(), {{key, changes.at(key)}})).Everything(), base) << key;
  }
}

TEST_F(TextStage, TheLossIsThatOfTheLearnedTokensAndOfNoOthers) {
  const std::string file = File(
      "a.jsonl",
      "{\"prompt\": \"ab\", \"completion\": \"cd\"}\n{\"text\": \"xyz\"}\n"
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})"
      "\n");
  for (const Json& packing : std::vector<Json>{{{"packing", false}},
                                               {{"packing", true}},
                                               {{"packing", true}, {"document_mask", false}}}) {
    SupervisedOptions options;
    options.text.train_files = {file};
    options = With(options, packing);
    options.training.steps = 1;
    options.training.batch_size = packing["packing"] == true ? 1 : 3;  // the whole epoch
    options.training.logging_steps = 1;
    const StageRun run = Learn(options);
    const bool one_text = packing.contains("document_mask");

    const Executor executor(1);
    nn::Compute compute(executor);
    const auto model = model::NewModel(Config(), 1);
    testing::SetWeights(run.before, *model);
    model::Workspace workspace(compute);
    const model::Tokenizer tokenizer = Chatting().tokenizer;
    struct Part {
      std::string given, learned;
    };
    // In the order of a pack: the longest first.
    std::vector<Part> parts{
        {"user: q<|end|>assistant: ", "a<|end|>"}, {"ab", "cd<|end|>"}, {"", "xyz<|end|>"}};
    std::ranges::stable_sort(parts, std::greater(), [&](const Part& part) {
      return tokenizer.Encode(part.given + part.learned, model::AddedTokens::kMatch).size();
    });
    double loss = 0, count = 0;
    std::vector<int32_t> ids;
    std::vector<bool> learned;
    const auto score = [&] {
      train::MicroBatch batch;
      batch.Add({{ids[0]}, {{ids.begin() + 1, ids.end()}}});
      const auto scores = train::ScoreWith(*model->Packed(compute), workspace, batch);
      for (size_t i = 1; i < ids.size(); ++i) {
        if (!learned[i]) continue;
        loss -= scores.logprob[i - 1];
        ++count;
      }
      ids.clear();
      learned.clear();
    };
    for (const Part& part : parts) {
      for (const bool learn : {false, true}) {
        const auto more =
            tokenizer.Encode(learn ? part.learned : part.given, model::AddedTokens::kMatch);
        ids.insert(ids.end(), more.begin(), more.end());
        learned.insert(learned.end(), more.size(), learn);
      }
      if (!one_text) score();
    }
    if (one_text) score();
    EXPECT_NEAR(run.Metric(0, "loss"), loss / count, 1e-5) << packing;
  }
}

TEST_F(TextStage, ReportsItsRowsAndWarnsOfWhatIsLeftOut) {
  SupervisedOptions options = Base();
  options.text.train_files = {
      File("a.jsonl", "{\"text\": \"" + std::string(60, 'a') + "\"}\n{\n{\"text\": \"b\"}\n")};
  options.text.weights = {};
  const StageRun run = Learn(options);
  const Json rows = run.report.details["train_files"];
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["rows"], 3);
  EXPECT_EQ(rows[0]["bad"], 1);
  EXPECT_EQ(rows[0]["too_long"], 1);
  ASSERT_EQ(run.warnings.size(), 2u);
  EXPECT_NE(run.warnings[0].find("stage 'stage': "), std::string::npos);
  EXPECT_NE(run.warnings[0].find("1 of 3 rows are bad"), std::string::npos) << run.warnings[0];
  EXPECT_NE(run.warnings[1].find("longer than max_length = 40"), std::string::npos);
}

TEST_F(TextStage, EpochsCountTheSequences) {
  SupervisedOptions options = Base();
  options.text.packing = false;
  options.text.weights = {};
  options.training.num_train_epochs = 2;  // of 15 sequences, 3 at a time
  EXPECT_EQ(Learn(options).report.steps, 10);
  options.text.packing = true;
  EXPECT_LT(Learn(options).report.steps, 8);
}

TEST_F(TextStage, MeasuresAFileOnTheWayAndAtTheEnd) {
  const StageRun run = Learn(Base());
  for (size_t step = 0; step < 4; ++step) {
    EXPECT_EQ(run.HasMetric(step, "eval_loss"), step == 2 || step == 3) << step;
  }
  EXPECT_EQ(run.report.details["eval_loss"].get<double>(), run.Metric(3, "eval_loss"));
  EXPECT_NEAR(run.Metric(3, "eval_perplexity"), std::exp(run.Metric(3, "eval_loss")), 1e-6);
  EXPECT_NEAR(run.Metric(3, "eval_bits_per_byte"), run.Metric(3, "eval_loss") / std::log(2.0),
              1e-6);
  EXPECT_NE(run.Metric(2, "eval_loss"), run.Metric(3, "eval_loss"));
  const StageRun at_end = Learn(With(Base(), {{"eval_steps", 0}}));
  EXPECT_FALSE(at_end.HasMetric(2, "eval_loss"));
  EXPECT_EQ(at_end.Metric(3, "eval_loss"), run.Metric(3, "eval_loss"));  // it changes nothing
  EXPECT_EQ(at_end.after, run.after);
  // Problems are learned from all the same.
  SupervisedOptions problems = Base();
  problems.problems = testing::StageProblems(10);
  problems.text = {};
  problems.text.eval_file = Base().text.eval_file;
  EXPECT_TRUE(Learn(problems).HasMetric(3, "eval_bits_per_byte"));
}

TEST_F(TextStage, TheSameOnAnyNumberOfThreads) {
  const StageRun one = Learn(Base());
  StageSetup setup = Chatting();
  setup.threads = 3;
  EXPECT_EQ(Learn(Base(), setup).Everything(), one.Everything());
}

TEST_F(TextStage, TheLookKnowsWhatAStepWillLearn) {
  const SupervisedOptions options = With(Base(), {{"eval_file", ""}, {"eval_steps", 0}});
  const StageSetup setup = Chatting();
  const train::StageNeeds needs = options.Needs();
  EXPECT_TRUE(needs.problems.empty());
  ASSERT_TRUE(needs.rows);
  const train::RowsLook look = needs.rows->look({.tokenizer = setup.tokenizer,
                                                 .prompt_template = setup.prompt_template.frame,
                                                 .positions = Config().max_position_embeddings,
                                                 .seed = setup.seed,
                                                 .name = setup.name});
  EXPECT_EQ(look.rows, 15);
  ASSERT_EQ(look.first.size(), 3u);
  const StageRun run = Learn(options);
  int64_t tokens = 0;
  for (int64_t step = 3; step >= 0; --step) {
    for (const train::LearnGroup& group : look.batch(step)) tokens += group.Tokens();
  }
  EXPECT_EQ(static_cast<double>(tokens), run.Metric(3, "num_tokens"));
}

TEST_F(TextStage, RefusesProblemsBesideFiles) {
  SupervisedOptions options = Base();
  options.problems = testing::StageProblems(10);
  EXPECT_NE(ErrorOf([&] { options.Validate("stage"); }).find("got both"), std::string::npos);
  options = Base();
  options.reasoning_share = 0.5;
  EXPECT_NE(ErrorOf([&] { options.Validate("stage"); }).find("reasoning_share"), std::string::npos);
}

}  // namespace
}  // namespace retort::distill::text_stage_test
