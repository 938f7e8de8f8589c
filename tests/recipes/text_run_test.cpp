// Runs that learn from files of rows: resumed, on any number of threads, and checked before.

#include <sys/stat.h>

#include <fstream>

#include "recipes/check.h"
#include "recipes/inputs.h"
#include "tests/recipes/run_fixture.h"
#include "tests/support/error_of.h"

namespace retort::recipes::text_run_test {
namespace {

class TextRun : public RunFixture {
 protected:
  std::string File(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  /// The files beside it: documents, completions, conversations, a text.
  Json Recipe() const {
    std::string documents, pairs, talks;
    for (int i = 0; i < 20; ++i) {
      const std::string n = std::to_string(i), next = std::to_string(i + 1);
      documents += ToJsonLine({{"text", "After " + n + " comes " + next + "."}}) + "\n";
      pairs += ToJsonLine({{"prompt", n + "+1="}, {"completion", next}}) + "\n";
      const Json user = {{"role", "user"}, {"content", n + "+1?"}};
      const Json assistant = {{"role", "assistant"}, {"content", next}};
      talks += ToJsonLine({{"messages", {user, assistant, user, assistant}}}) + "\n";
    }
    File("documents.jsonl", documents);
    File("pairs.jsonl", pairs);
    File("talks.jsonl", talks + "{broken\n");
    File("held-out.txt", "After 20 comes 21.");
    const Json recipe = ParseJson(R"({
      "name": "texts",
      "models": {"m": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1,
                       "max_position_embeddings": 64}},
      "stages": [
        {"name": "pretrain", "type": "pretrain", "train_files": ["documents.jsonl", "held-out.txt"],
         "weights": [0.9, 0.1], "packing": true, "packing_strategy": "wrapped",
         "document_mask": false, "eval_file": "held-out.txt", "eval_steps": 3, "steps": 7,
         "batch_size": 2, "warmup_steps": 0, "logging_steps": 2, "save_steps": 2},
        {"name": "sft", "type": "sft", "train_files": ["pairs.jsonl", "talks.jsonl"],
         "num_train_epochs": 0.5, "batch_size": 4, "warmup_steps": 0, "logging_steps": 2,
         "eval_file": "talks.jsonl", "save_steps": 2}]})",
                                  "texts");
    return recipe;
  }
  /// As if the recipe lay beside its files.
  Json Resolved(Json recipe) const {
    ResolvePaths(recipe, folder_);
    return recipe;
  }
  std::string Findings(const Json& recipe) const {
    std::string text;
    for (const auto& [error, place, what] :
         CheckRecipe(ReadRecipe(Resolved(recipe), "texts")).findings) {
      text += StrCat(error ? "error " : "warning ", place, ": ", what, "\n");
    }
    return text;
  }
};

TEST_F(TextRun, ResumesToTheSameBitsAfterAnyStepAndOnAnyNumberOfThreads) {
  const Json recipe = Resolved(Recipe());
  const fs::path whole = folder_ / "whole";
  RunWhole(recipe, whole, {});
  const Json stages = ParseJson(ReadFile(whole / "stages.json"), "stages.json")["stages"];
  EXPECT_EQ(stages[0]["details"]["steps"], 7);
  EXPECT_EQ(stages[1]["details"]["steps"], 5);  // half of 40 sequences, 4 at a time
  EXPECT_EQ(stages[1]["details"]["train_files"][1]["bad"], 1);
  for (const Json& stage : stages) EXPECT_TRUE(stage["details"]["eval_loss"].is_number());
  const fs::path threads = folder_ / "threads";
  RunWhole(recipe, threads, {.threads = 3});
  ExpectSame(threads, whole, "three threads");
  for (const std::string stage : {"pretrain", "sft"}) {
    for (const int64_t done : {1, 5}) {
      const fs::path out = folder_ / StrCat(stage, "-", done);
      const auto stop = [&](RunEvents& events) {
        auto current = std::make_shared<std::string>();
        auto now = std::make_shared<bool>(false);
        events.stage_started = [=](size_t, size_t, const Stage& s) { *current = s.name; };
        events.progress = [=](int64_t d, int64_t, const train::Metrics&) {
          *now = *now || (*current == stage && d >= done);
        };
        events.stop_requested = [=] { return *now; };
      };
      RunChild(recipe, out, {.watch = stop});
      const ChildEnd end = GoOn(recipe, out, {.threads = 2});
      EXPECT_EQ(end.code, 0) << end.message;
      // The interrupted run may have saved where the other did not.
      const auto weights = [](const fs::path& run) {
        return ReadFile(run / "final/model.safetensors");
      };
      EXPECT_EQ(weights(out), weights(whole)) << stage << " " << done;
      EXPECT_EQ(Contents(out)["metrics.jsonl"], Contents(whole)["metrics.jsonl"]);
      EXPECT_EQ(Contents(out)["stages.json"], Contents(whole)["stages.json"]);
    }
  }
}

TEST_F(TextRun, AFileThatHasChangedIsNoticed) {
  const Json recipe = Resolved(Recipe());
  const fs::path out = folder_ / "out";
  const auto stop = [](RunEvents& events) {
    auto now = std::make_shared<bool>(false);
    events.progress = [=](int64_t done, int64_t, const train::Metrics&) { *now = done >= 3; };
    events.stop_requested = [=] { return *now; };
  };
  EXPECT_EQ(RunChild(recipe, out, {.watch = stop}).code, 3);
  File("documents.jsonl", "{\"text\": \"another\"}\n");
  const ChildEnd end = RunChild(recipe, out, {.resume = true});
  EXPECT_EQ(end.code, 1);
  EXPECT_NE(end.message.find("documents.jsonl"), std::string::npos) << end.message;
}

TEST_F(TextRun, TheCheckReadsEveryRowBeforeTheFirstStep) {
  EXPECT_EQ(("\n" + Findings(Recipe())).find("\nerror "), std::string::npos) << Findings(Recipe());
  const RecipeCheck check = CheckRecipe(ReadRecipe(Resolved(Recipe()), "texts"));
  ASSERT_EQ(check.previews.size(), 2u);
  EXPECT_EQ(check.previews[1].places, (std::vector<std::string>{"sft.train_files"}));
  EXPECT_EQ(check.previews[1].noun, "row");
  EXPECT_EQ(check.previews[1].problems, 40);
  const PreviewProblem& first = check.previews[1].first.at(0);
  EXPECT_EQ(first.prompt + "|" + first.gold, "0+1=|1<|end|>");
  EXPECT_NE(Findings(Recipe()).find("warning sft.train_files: " +
                                    (folder_ / "talks.jsonl").string() + ": 1 of 21 rows are bad"),
            std::string::npos)
      << Findings(Recipe());
  const auto with = [&](const std::string& pointer, const Json& value) {
    Json recipe = Recipe();
    recipe[Json::json_pointer(pointer)] = value;
    return Findings(recipe);
  };
  const auto expect = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
  };
  expect(with("/stages/1/train_files", {"nowhere.jsonl"}), "error sft.train_files: ");
  expect(with("/stages/1/eval_file", "nowhere.jsonl"), "error sft.train_files: ");
  expect(with("/stages/1/max_length", 65), "max_position_embeddings = 64");
  expect(with("/stages/0/fim_rate", 0.5), "error pretrain.train_files: fim_rate");
  expect(with("/prompt_template", "chat"), "without a chat template");
  expect(Findings(Recipe()), "talks.jsonl: is learned from, too");
  File("bad.jsonl", "{\"x\": 1}\n");
  expect(with("/stages/1/train_files", {"bad.jsonl"}), "bad.jsonl: there is nothing to learn. ");
  ::mkfifo((folder_ / "pipe.jsonl").c_str(), 0600);
  expect(with("/stages/1/train_files", {"pipe.jsonl"}), "is no regular file");
  Json other = Recipe();
  other["stages"][1] = {{"type", "sft"},
                        {"eval_file", "held-out.txt"},
                        {"problems", {{"generator", {{"families", {"addition:1"}}}}}}};
  EXPECT_EQ(("\n" + Findings(other)).find("\nerror "), std::string::npos) << Findings(other);
  const std::string both = ErrorOf([&] {
    Json recipe = Recipe();
    recipe["stages"][0]["problems"]["file"] = "problems.jsonl";
    ReadRecipe(recipe, "texts");
  });
  expect(both, "stages[0]: learns from problems or from train_files");
}

TEST_F(TextRun, BatchesOfAStageFollowFromTheRecipe) {
  const retort::recipes::Recipe recipe = ReadRecipe(Resolved(Recipe()), "texts");
  const train::RowsLook look = FindRows(recipe, "sft");
  EXPECT_EQ(look.batch(0).size(), 4u);
  EXPECT_NE(look.batch(0)[0].completions, look.batch(1)[0].completions);
  EXPECT_EQ(look.batch(1)[0].completions, FindRows(recipe, "sft").batch(1)[0].completions);
  EXPECT_NE(ErrorOf([&] { FindRows(recipe, "stf"); }).find("Did you mean 'sft'?"),
            std::string::npos);
  Json problems = Recipe();
  problems["stages"][1] = {{"name", "sft"}, {"type", "sft"}};
  const retort::recipes::Recipe other = ReadRecipe(Resolved(problems), "texts");
  EXPECT_NE(ErrorOf([&] { FindRows(other, "sft"); }).find("no train_files"), std::string::npos);
}

}  // namespace
}  // namespace retort::recipes::text_run_test
