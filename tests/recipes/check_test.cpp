#include "recipes/check.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "base/file.h"
#include "base/folder.h"
#include "base/strings.h"
#include "datasets/trace_store.h"
#include "model/pretrained.h"
#include "recipes/inputs.h"
#include "rl/grpo.h"
#include "tests/support/error_of.h"
#include "tests/support/trace_step.h"
#include "train/stage_eval.h"
#include "train/stage_export.h"

namespace retort::recipes::check_test {
namespace {

class CheckTest : public ::testing::Test {
 protected:
  static Json Base() {
    return ParseJson(R"({
      "name": "mine",
      "models": {
        "policy": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1,
                   "intermediate_size": 24, "max_position_embeddings": 128},
        "student": {"model_type": "qwen3", "hidden_size": 8, "num_hidden_layers": 1,
                    "intermediate_size": 24, "max_position_embeddings": 128}},
      "data": {"sums": {"generator": {"families": ["addition:2"], "count": 40}}},
      "stages": [
        {"name": "learn", "type": "grpo", "model": "policy", "max_completion_length": 32,
         "problems": {"data": "sums"}},
        {"name": "collect", "type": "collect", "model": "policy", "max_completion_length": 32,
         "problems": {"data": "sums"}},
        {"name": "distill", "type": "distill", "model": "student", "select": {"stage": "collect"}},
        {"name": "measure", "type": "eval", "model": "student", "max_completion_length": 32,
         "problems": {"data": "sums"}},
        {"name": "write", "type": "export", "model": "student"}]})",
                     "base");
  }
  static Json With(const std::string& pointer, const Json& value) {
    Json recipe = Base();
    recipe[Json::json_pointer(pointer)] = value;
    return recipe;
  }
  static RecipeCheck Check(const Json& recipe) { return CheckRecipe(ReadRecipe(recipe, "mine")); }
  static std::string Text(const RecipeCheck& check) {
    std::string text;
    for (const auto& [error, place, what] : check.findings) {
      text += StrCat(error ? "error " : "warning ", place, ": ", what, "\n");
    }
    return text;
  }
  static void Expect(const Json& recipe, const std::vector<std::string>& parts) {
    const std::string text = Text(Check(recipe));
    for (const std::string& part : parts) {
      EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
    }
  }
  std::string File(const std::string& name, const std::vector<Json>& rows) const {
    std::string text;
    for (const Json& row : rows) text += ToJsonLine(row) + "\n";
    const auto path = folder_.path() / name;
    WriteFileAtomic(path, text);
    return path.string();
  }
  std::string Questions(int64_t count) const {
    std::vector<Json> rows;
    for (int64_t i = 0; i < count; ++i) {
      rows.push_back({{"prompt", StrCat(i, "+1")}, {"answer", StrCat(i + 1)}});
    }
    return File("questions.jsonl", rows);
  }
  /// A folder with a model and a tokenizer, in which two bytes have changed places if `other`.
  std::string Folder(const std::string& name, int64_t hidden, bool other = false) const {
    model::LlamaConfig config;
    config.hidden_size = hidden;
    config.num_hidden_layers = 1;
    config.intermediate_size = 24;
    const auto model = model::NewModel(config, 1);
    const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
    const std::filesystem::path folder = folder_.path() / name;
    std::filesystem::create_directories(folder);
    model::SavePretrained(*model, tokenizer, model::NewGenerationConfig(tokenizer),
                          model::PromptTemplate::kShort, folder);
    if (other) {
      Json json = ParseJson(ReadFile(folder / "tokenizer.json"), "tokenizer.json");
      std::swap(json["model"]["vocab"]["1"], json["model"]["vocab"]["2"]);
      WriteFileAtomic(folder / "tokenizer.json", json.dump());
    }
    return folder.string();
  }

  TemporaryFolder folder_;
};

TEST_F(CheckTest, ASoundRecipeHasAPreviewAndNothingToSay) {
  const RecipeCheck check = Check(Base());
  EXPECT_EQ(Text(check), "");
  EXPECT_TRUE(check.sound());
  ASSERT_EQ(check.previews.size(), 2u);  // the training side and the held-out side
  const DataPreview& train = check.previews[0];
  EXPECT_EQ(train.places, (std::vector<std::string>{"learn.problems", "collect.problems"}));
  EXPECT_EQ(train.problems, 40);
  ASSERT_EQ(train.first.size(), 3u);
  for (const PreviewProblem& problem : train.first) {
    EXPECT_EQ(problem.prompt.find("User: "), 0u);
    EXPECT_TRUE(problem.prompt.ends_with("\nAssistant: ")) << problem.prompt;
    EXPECT_EQ(problem.tokens, 1 + 5 + 1);  // the frame is a token on each side
    EXPECT_FALSE(problem.gold.empty());
  }
}

TEST_F(CheckTest, ReportsAllThatIsWrongAtOnceAndNamesThePlaces) {
  Json recipe = Base();
  recipe["stages"][0]["problems"] = {{"file", "/nowhere/q.jsonl"}};
  recipe["stages"][1]["problems"] = {{"generator", {{"families", {"additoin:2"}}}}};
  recipe["stages"][2]["select"]["stage"] = "colect";
  recipe["stages"][3]["problems"] = {{"generator", {{"families", {"addition:99"}}}}};
  recipe["stages"][4]["path"] = "final";
  const RecipeCheck check = Check(recipe);
  EXPECT_FALSE(check.sound());
  Expect(recipe, {"error learn.problems.file: /nowhere/q.jsonl: no such file",
                  "error collect.problems.generator: unknown problem family 'additoin'",
                  "Did you mean 'addition'?", "error distill.select.stage: 'colect'",
                  "Did you mean 'collect'?", "error measure.problems.generator", "difficulty 99",
                  "error write.path: 'final'"});
  std::vector<std::string> notes;
  const std::string all = ErrorOf(
      [&] { RequireSound(check, [&](const std::string& note) { notes.push_back(note); }); });
  for (const char* place : {"learn.problems.file", "collect.problems", "distill.select.stage"}) {
    EXPECT_NE(all.find(place), std::string::npos) << all;
  }
  RequireSound(Check(Base()), {});
  EXPECT_TRUE(CheckRecipe(ReadRecipe(recipe, "mine"), 5).sound());  // finished stages are past
}

TEST_F(CheckTest, TooFewProblems) {
  Json recipe = Base();
  recipe["data"]["sums"]["generator"] = {{"families", {"multiplication:2"}}, {"count", 1000}};
  Expect(recipe, {"error measure.problems.generator", "asked for 1000 distinct held_out"});
  recipe["data"]["sums"]["generator"].erase("count");
  EXPECT_TRUE(Check(recipe).sound());
  Expect(With("/data/sums/generator/count", 20), {"warning learn.prompts_per_step: is 32", "20"});
}

TEST_F(CheckTest, RowsAreNamedByFileAndLine) {
  const std::string file = File("bad.jsonl", {{{"prompt", "1+1"}, {"answer", "2"}},
                                              {{"promt", "1+2"}, {"answer", "3"}},
                                              {{"prompt", "1+3"}, {"answer", {4}}}});
  const Json recipe = With("/stages/0/problems", {{"file", file}});
  Expect(recipe, {"error learn.problems.file: " + file + ":2: no prompt column",
                  "error learn.problems.file: " + file + ":3: column 'answer'"});
  Expect(With("/stages/0/problems", {{"file", file}, {"columns", {{"prompt_column", "text"}}}}),
         {file + ":1: no prompt column: expected 'text'"});
}

// Nobody may ever write into it, and what came is gone when its stage wants it.
TEST_F(CheckTest, DataIsNoPipe) {
  const std::string pipe = (folder_.path() / "pipe.jsonl").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Expect(With("/data/sums", {{"file", pipe}}), {"error learn.problems.file: ", "no regular file"});
}

TEST_F(CheckTest, LengthsThatDoNotFitTheContext) {
  Expect(With("/stages/0/max_completion_length", 500),
         {"error learn.max_completion_length: got 500", "max_position_embeddings = 128"});
  const std::string file =
      File("long.jsonl", {{{"prompt", "1+1"}, {"answer", "2"}},
                          {{"prompt", std::string(200, '1') + "+1"}, {"answer", "2"}}});
  Json recipe = With("/stages/0/problems", {{"file", file}});
  Expect(recipe, {"error learn.problems.max_prompt_length: 1 of 2 problems are too long: "
                  "'long.jsonl:2' with 204 tokens; at most 97 fit. Set problems.overlong to "
                  "\"skip\", or lower max_completion_length"});
  recipe["stages"][0]["problems"]["overlong"] = "skip";
  EXPECT_TRUE(Check(recipe).sound());
  Expect(recipe, {"warning learn.problems.max_prompt_length", "they are skipped"});
  EXPECT_EQ(Check(recipe).previews[0].overlong, 1);
}

TEST_F(CheckTest, JudgesThatCannotJudgeTheData) {
  Json recipe = Base();
  recipe["stages"][0]["reward"] = {{{"verifier", "code"}}};
  Expect(recipe, {"error learn.reward[0]: judge 'code' can judge none of 40 problems", "no-tests"});
  // Some rows: a warning with their number and the first.
  const std::string file = File("gold.jsonl", {{{"prompt", "1+1"}, {"answer", "2"}},
                                               {{"prompt", "1+2"}, {"answer", ""}},
                                               {{"prompt", "1+3"}, {"answer", ""}}});
  recipe = With("/stages/0/problems", {{"file", file}});
  EXPECT_TRUE(Check(recipe).sound());
  Expect(recipe, {"warning learn.reward[0]: judge 'math' can judge not all of 3 problems: 2 stay",
                  "'gold.jsonl:2': it has no gold answer"});
  // Nothing to learn from, for a stage that learns the answers.
  recipe["stages"][0] = {{"name", "learn"}, {"type", "sft"}, {"problems", {{"file", file}}}};
  Expect(recipe, {"error learn.problems: 2 of 3 problems have no answer", "'gold.jsonl:2'"});
}

TEST_F(CheckTest, OneFaultDoesNotHideAnother) {
  Json recipe = With("/stages/0/max_completion_length", 500);
  recipe["models"]["student"] = {{"path", "/nowhere"}};
  recipe["stages"][0]["reward"] = {{{"verifier", "code"}}};
  recipe["stages"][3]["reward"] = {{{"verifier", "countdown"}}};
  Expect(recipe,
         {"error models.student.path", "error learn.max_completion_length",
          "error learn.reward[0]: judge 'code'", "error measure.reward[0]: judge 'countdown'"});
}

TEST_F(CheckTest, ProblemsThatNoJudgeTakes) {
  Json recipe = Base();
  recipe["stages"][0]["reward"] = {{{"verifier", "math"}, {"values", {"gcd"}}}};
  Expect(recipe, {"warning learn.reward[0].values: judge 'math' takes none of the 40",
                  "error learn.reward: no judge takes 40 of 40 problems"});
  recipe["data"]["sums"]["generator"]["families"] = {"addition:2", "gcd"};
  EXPECT_TRUE(Check(recipe).sound());
  Expect(recipe, {"warning learn.reward: no judge takes 20 of 40"});
}

TEST_F(CheckTest, WeightsOfAnotherShape) {
  Expect(With("/stages/0/start_from", "student"), {"error learn.start_from", "other shapes"});
  const std::string folder = Folder("model", 16);
  Json recipe = Base();
  recipe["models"]["policy"] = {{"path", folder}};
  EXPECT_TRUE(Check(recipe).sound()) << Text(Check(recipe));
  Json config = ParseJson(ReadFile(folder + "/config.json"), "config.json");
  config["intermediate_size"] = 25;
  WriteFileAtomic(folder + "/config.json", config.dump());
  Expect(recipe, {"error models.policy.path", "gate_proj", "has shape [24, 16]"});
  recipe["models"]["policy"] = {{"path", "/nowhere"}};
  Expect(recipe, {"error models.policy.path: there is no folder /nowhere", "--set models.policy"});
}

TEST_F(CheckTest, AStudentWithAnotherTokenizerOfTheSameSize) {
  Json recipe = Base();
  recipe["models"]["student"] = {{"path", Folder("other", 16, /*other=*/true)}};
  Expect(recipe,
         {"error distill.model: the student 'student' has another tokenizer than 'policy'"});
  // A foreign database says by its texts what its tokens meant.
  const auto path = folder_.path() / "traces.db";
  {
    datasets::TraceStore store(path, datasets::TraceStore::Mode::kWrite);
    const int64_t run = store.CreateRun("theirs", Json::object());
    Trace trace;
    trace.problem.prompt = "1+1";
    trace.trajectory.prompt = {49, 43, 49};
    trace.trajectory.completion = {49, 50};
    trace.text = "12";
    store.AppendStep(TraceStep{{run, 0, 0}, "gather", {}, {trace}});
  }
  recipe["stages"][2] = {
      {"name", "distill"}, {"type", "distill"}, {"model", "student"}, {"database", path.string()}};
  Expect(recipe, {"error distill.model: the tokens in " + path.string()});
  recipe["models"]["student"] = {{"path", Folder("same", 16)}};
  EXPECT_TRUE(Check(recipe).sound()) << Text(Check(recipe));
  recipe["stages"][2]["select"] = {{"stage", "gathr"}};
  Expect(recipe, {"error distill.select.stage: 'gathr'", "Did you mean 'gather'?"});
  recipe["stages"][2]["select"] = {{"run", "other"}};
  Expect(recipe, {"error distill.select.run: 'other'", "theirs"});
  recipe["stages"][2]["select"] = {{"correct", true}};
  Expect(recipe, {"error distill.select: no trace in"});
  recipe["stages"][2]["select"] = {{"verifier", "maths"}};
  Expect(recipe, {"error distill.database: ", "there is no verifier 'maths'"});
  recipe["stages"][2].erase("select");
  // A run directory will do for its traces, and for its model.
  recipe["stages"][2]["database"] = folder_.path().string();
  Folder("final", 16);
  recipe["models"]["student"] = {{"path", folder_.path().string()}};
  EXPECT_TRUE(Check(recipe).sound()) << Text(Check(recipe));
  recipe["stages"][2]["database"] = "/nowhere.db";
  Expect(recipe, {"error distill.database: ", "/nowhere.db"});
}

// A stranger's database may keep a reader busy for long; a signal need not wait for it.
TEST_F(CheckTest, ReadingTheDatabaseOfOthersStopsWhenItIsAskedTo) {
  const auto path = folder_.path() / "traces.db";
  {
    datasets::TraceStore store(path, datasets::TraceStore::Mode::kWrite);
    TraceStep record{{store.CreateRun("theirs", Json::object()), 0, 0}, "s", {}, {}};
    record.traces.resize(1000);
    store.AppendStep(record);
  }
  Json document = Base();
  document["stages"] = {{{"name", "distill"},
                         {"type", "distill"},
                         {"model", "student"},
                         {"database", path.string()}}};
  const Recipe recipe = ReadRecipe(document, "mine");
  EXPECT_EQ(Text(CheckRecipe(recipe, 0, [] { return true; })),
            StrCat("error distill.database: ", path.string(), ": interrupted\n"));
  EXPECT_THROW(HashOfInput(recipe, 0, path.string(), [] { return true; }), datasets::Stopped);
  EXPECT_EQ(HashOfInput(recipe, 0, path.string(), {}),
            HashOfInput(recipe, 0, path.string(), [] { return false; }));
}

TEST_F(CheckTest, ASelectionNamesAJudgeThatThereIs) {
  Expect(With("/stages/2/select/verifier", "maths"),
         {"error distill.select.verifier: no judge there is named 'maths'. Did you mean 'math'?"});
  EXPECT_TRUE(Check(With("/stages/2/select/verifier", "math")).sound());
}

TEST_F(CheckTest, EvaluatingOnTrainingRowsIsAWarning) {
  Json recipe = Base();
  recipe["data"]["sums"] = {{"file", Questions(200)}};
  EXPECT_TRUE(Check(recipe).sound());
  Expect(recipe, {"warning measure.problems: 200 of 200 problems are also learned from in stage "
                  "'learn'",
                  "split_shares"});
  recipe["data"]["sums"]["split_shares"] = {0.8, 0.1, 0.1};
  EXPECT_EQ(Text(Check(recipe)), "");
}

TEST_F(CheckTest, TheExamplesOfTheReferenceAreSound) {
  const std::string text = RecipeReference();
  const auto block = [&](size_t from) {
    const size_t begin = text.find("```\n", from) + 4;
    return text.substr(begin, text.find("\n```", begin) - begin);
  };
  const Json example = ParseJson(block(0), "first example");
  EXPECT_EQ(Text(Check(example)), "");
  int settings = 0;
  for (size_t at = text.find("`--set"); (at = text.find("(`", at)) != std::string::npos;) {
    const size_t end = text.find(')', at);
    for (const std::string& part : Split(text.substr(at + 1, end - at - 1), '`')) {
      if (part.find('=') == std::string::npos || part.find(' ') != std::string::npos) continue;
      Json changed = example;
      ApplySetting(changed, part);
      EXPECT_EQ(Text(Check(changed)), "") << part;
      ++settings;
    }
    break;  // that sentence only
  }
  EXPECT_GE(settings, 2);
  // The other block is two members of a recipe.
  Json data = ParseJson("{" + block(text.find("\"data\"") - 5) + "}", "second example");
  data["name"] = "mine";
  data["models"] = example["models"];
  EXPECT_EQ(ReadRecipe(data, "second example").stages.size(), 2u);
}

TEST_F(CheckTest, DataStandsOnceAndStagesNameIt) {
  Json recipe = Base();
  recipe["data"]["sums"] = {{"file", "a.jsonl"}, {"columns", {{"limit", 5}, {"id_column", "n"}}}};
  recipe["stages"][3]["problems"] = {{"data", "sums"}, {"columns", {{"limit", 3}}}};
  const Recipe read = ReadRecipe(recipe, "mine");
  const auto& learn = std::any_cast<const rl::GrpoOptions&>(read.stages[0].options).problems;
  const auto& measure = std::any_cast<const train::EvalOptions&>(read.stages[3].options).problems;
  EXPECT_EQ(learn.file, "a.jsonl");
  EXPECT_EQ(learn.columns.limit, 5);
  EXPECT_EQ(learn.split, datasets::Split::kTrain);
  EXPECT_EQ(measure.file, "a.jsonl");
  EXPECT_EQ(measure.columns.limit, 3);  // keys of the stage win
  EXPECT_EQ(measure.columns.id_column, "n");
  EXPECT_EQ(measure.split, datasets::Split::kHeldOut);
  EXPECT_EQ(RecipeHash(ReadRecipe(WriteRecipe(read), "again")), RecipeHash(read));
  const auto error = [](const Json& json) { return ErrorOf([&] { ReadRecipe(json, "mine"); }); };
  const std::string unknown = error(With("/stages/0/problems/data", "sum"));
  for (const char* part : {"stages[0].problems.data", "\"sum\"", "'sums'"}) {
    EXPECT_NE(unknown.find(part), std::string::npos) << unknown;
  }
  EXPECT_NE(error(With("/data/sums/fil", "x")).find("mine.data.sums: unknown key 'fil'"),
            std::string::npos);
  EXPECT_NE(error(With("/data/sums/split", "train")).find("data.sums.split"), std::string::npos);
}

}  // namespace
}  // namespace retort::recipes::check_test
