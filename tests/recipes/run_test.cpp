#include "recipes/run.h"

#include <set>

#include "base/folder.h"
#include "nn/compute.h"
#include "tests/recipes/run_fixture.h"
#include "tests/support/error_of.h"

namespace retort::recipes::run_test {
namespace {

class RunDirectory : public RunFixture {
 protected:
  /// The error of a run that must fail.
  std::string MessageOf(const Json& recipe, const fs::path& out, const How& how) {
    const ChildEnd end = RunChild(recipe, out, how);
    EXPECT_EQ(end.code, 1);
    return end.message;
  }
  static void ExpectHas(const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }

  /// Only the student's stages of the small recipe, on problems of its own.
  static Json ShortRecipe() {
    return ParseJson(R"({
      "name": "short",
      "models": {"m": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"name": "learn", "type": "sft", "steps": 5, "batch_size": 2, "save_steps": 2,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"type": "export", "path": "exported/model"}]})",
                     "short");
  }
};

TEST_F(RunDirectory, HoldsWhatTheDesignSays) {
  const fs::path out = folder_ / "out";
  const Json document = SmallRecipe();
  RunWhole(document, out, {.done = [&](const RunOutcome& outcome) {
             Json stages = Json::array();
             for (const StageResult& stage : outcome.stages) stages.push_back(ToJson(stage));
             WriteFileAtomic(folder_ / "outcome.json", stages.dump());
           }});
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(out)) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"recipe.json", "stages.json", "traces.db",
                                          "metrics.jsonl", "tb", "checkpoint-40", "checkpoint-45",
                                          "final", "final-policy", "retort.json"}));
  const std::set<std::string> model_files = {"config.json",
                                             "model.safetensors",
                                             "tokenizer.json",
                                             "tokenizer_config.json",
                                             "generation_config.json",
                                             "special_tokens_map.json",
                                             "retort.json"};
  for (const std::string folder : {"checkpoint-40", "checkpoint-45", "final", "final-policy"}) {
    std::set<std::string> expected = model_files, found;
    if (!folder.starts_with("final")) {
      expected.insert({"trainer_state.json", "optimizer.safetensors"});
    }
    if (folder == "checkpoint-40") expected.insert("reference");  // beta is not 0
    for (const auto& entry : fs::directory_iterator(out / folder)) {
      found.insert(entry.path().filename());
    }
    EXPECT_EQ(found, expected) << folder;
  }
  EXPECT_EQ(ReadFile(out / "final" / "model.safetensors"),
            ReadFile(out / "checkpoint-45" / "model.safetensors"));
  EXPECT_EQ(ReadFile(out / "final-policy" / "model.safetensors"),
            ReadFile(out / "checkpoint-40" / "model.safetensors"));
  const auto label = [&](const char* folder) {
    const Json marker = ReadMarker(out / folder);
    return StrCat(marker["kind"], " ", marker["model"], " ", marker["stage"], " ", marker["step"]);
  };
  EXPECT_EQ(label("final"), R"("final" "student" "distill" 5)");
  EXPECT_EQ(label("final-policy"), R"("final" "policy" "grpo" 4)");
  EXPECT_EQ(label("checkpoint-45"), R"("checkpoint" "student" "distill" 5)");
  EXPECT_EQ(ParseJson(ReadFile(out / "recipe.json"), "recipe.json"),
            WriteRecipe(ReadRecipe(document, "small")));

  const Json stages = ParseJson(ReadFile(folder_ / "outcome.json"), "outcome");
  EXPECT_EQ(ParseJson(ReadFile(out / "stages.json"), "stages.json")["stages"], stages);
  ASSERT_EQ(stages.size(), 5u);
  for (size_t k = 0; k < 5; ++k) {
    const Json& wanted = document["stages"][k];
    for (const char* key : {"name", "type", "model"}) EXPECT_EQ(stages[k][key], wanted[key]);
    EXPECT_GT(stages[k]["seconds"].get<double>(), 0);
    EXPECT_GT(stages[k]["tokens_per_second"].get<double>(), 0);
  }
  EXPECT_EQ(stages[0]["details"]["steps"],
            36);  // the decay begins at 18, the end is measured at 36
  EXPECT_EQ(stages[1]["details"]["steps"], 4);
  EXPECT_GT(stages[1]["details"]["sampling_operations"].get<double>(), 0);
  EXPECT_EQ(stages[3]["details"]["traces"], 16);
  EXPECT_EQ(stages[3]["details"]["steps"], 5);
  EXPECT_EQ(stages[4]["problems"], 4);
  for (const char* key : {"accuracy", "mean_completion_length"}) {
    EXPECT_TRUE(stages[4].contains(key)) << key;
    EXPECT_TRUE(stages[2].contains(key)) << key;
    EXPECT_FALSE(stages[3].contains(key)) << key;
  }
  EXPECT_EQ(stages[4]["details"]["temperatures"].size(), 2u);
  EXPECT_TRUE(stages[4]["details"]["temperatures"][0]["families"].contains("addition"));

  const Json state =
      ParseJson(ReadFile(out / "checkpoint-45" / "trainer_state.json"), "trainer_state");
  EXPECT_EQ(state["stage"], "distill");
  EXPECT_EQ(state["model"], "student");
  EXPECT_EQ(state["step"], 5);
  EXPECT_EQ(state["global_step"], 45);
  EXPECT_EQ(state["optimizer_steps"], 5);
  EXPECT_EQ(state["recipe_hash"], RecipeHash(ReadRecipe(document, "small")));
}

TEST_F(RunDirectory, IsNeitherOverwrittenNorMixed) {
  const fs::path out = folder_ / "out";
  RunWhole(ShortRecipe(), out, {});
  EXPECT_TRUE(fs::exists(out / "exported" / "model" / "model.safetensors"));
  const auto before = Contents(out);
  ExpectHas(MessageOf(ShortRecipe(), out, {}), "--resume");
  Json other = ShortRecipe();
  other["stages"][0]["learning_rate"] = 1e-4;
  const std::string message = MessageOf(other, out, {.resume = true});
  ExpectHas(message, "another recipe");
  ExpectHas(message, "learn.learning_rate: 0.002, now 0.0001");
  ExpectHas(MessageOf(ShortRecipe(), folder_ / "none", {.resume = true}), "nothing to resume");
  EXPECT_FALSE(fs::exists(folder_ / "none"));
  WriteFileAtomic(folder_ / "file", "x");
  ExpectHas(MessageOf(ShortRecipe(), folder_ / "file", {}), "file");
  ExpectHas(MessageOf(ShortRecipe(), folder_ / "file" / "under", {}), "under");
  EXPECT_EQ(Contents(out), before);
  RunWhole(ShortRecipe(), out, {.resume = true});  // a finished run stays as it is
  EXPECT_EQ(Contents(out), before);
}

TEST_F(RunDirectory, AMissingModelLeavesNoRunBehind) {
  Json recipe = ShortRecipe();
  recipe["models"]["m"] = {{"path", (folder_ / "nowhere").string()}};
  const std::string message = MessageOf(recipe, folder_ / "out", {});
  ExpectHas(message, "models.m.path");
  ExpectHas(message, "nowhere");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(RunDirectory, AnotherEnvironmentNeedsAFlag) {
  const std::string other = Isas().back();
  if (Isas().size() == 1) GTEST_SKIP() << "this machine has one instruction set";
  const fs::path out = folder_ / "out";
  // In the middle of a rollout's step: its traces wait to be reproduced.
  EXPECT_TRUE(
      RunChild(SmallRecipe(), out,
               {.environment = {{"RETORT_ISA", other}, {"RETORT_KILL_AT", "checkpoint-write:4"}}})
          .killed);
  const std::string message = MessageOf(SmallRecipe(), out, {.resume = true});
  ExpectHas(message, other);
  ExpectHas(message, "--allow-environment-change");
  RunWhole(SmallRecipe(), out, {.resume = true, .allow_environment_change = true});
}

TEST_F(RunDirectory, ADamagedCheckpointIsNamed) {
  const fs::path out = folder_ / "out";
  const auto stop = [](RunEvents& events) { events.stop_requested = [] { return true; }; };
  ASSERT_EQ(RunChild(ShortRecipe(), out, {.watch = stop}).code, 3);
  const fs::path checkpoint = out / "checkpoint-1";
  const std::string state = ReadFile(checkpoint / "trainer_state.json");
  WriteFileAtomic(checkpoint / "trainer_state.json", "{}");
  ExpectHas(MessageOf(ShortRecipe(), out, {.resume = true}), "trainer_state.json");
  WriteFileAtomic(checkpoint / "trainer_state.json", state);
  fs::resize_file(checkpoint / "optimizer.safetensors", 5000);
  ExpectHas(MessageOf(ShortRecipe(), out, {.resume = true}), "optimizer.safetensors");
  fs::remove(checkpoint / "optimizer.safetensors");
  ExpectHas(MessageOf(ShortRecipe(), out, {.resume = true}), "optimizer.safetensors");
}

TEST_F(RunDirectory, StagesWithoutAStepKeepTheCheckpointsOfOthers) {
  Json recipe = ShortRecipe();
  recipe["models"]["second"] = {{"same_start_as", "m"}};
  recipe["stages"][1] = recipe["stages"][0];
  recipe["stages"][1]["name"] = "idle";
  recipe["stages"][1]["model"] = "second";
  recipe["stages"][1]["steps"] = 0;
  recipe["stages"][2] = recipe["stages"][0];
  recipe["stages"][2]["name"] = "again";
  const fs::path out = folder_ / "out", whole = folder_ / "whole";
  RunWhole(recipe, whole, {});
  EXPECT_TRUE(
      RunChild(recipe, out, {.environment = {{"RETORT_KILL_AT", "checkpoint-write:4"}}}).killed);
  RunWhole(recipe, out, {.resume = true});
  ExpectSame(out, whole, "after a stage without a step");
}

TEST_F(RunDirectory, ModelsStartFromFoldersAndFromEachOther) {
  const fs::path first = folder_ / "first";
  RunWhole(ShortRecipe(), first, {});
  Json recipe = ShortRecipe();
  recipe["models"] = {{"m", {{"path", (first / "final").string()}}},
                      {"twin", {{"same_start_as", "m"}}},
                      {"third", {{"same_start_as", "twin"}}}};
  recipe["stages"] = Json::array();
  for (const char* name : {"m", "twin", "third"}) {
    recipe["stages"].push_back(
        {{"type", "export"}, {"name", name}, {"model", name}, {"path", name}});
  }
  const fs::path out = folder_ / "out";
  RunWhole(recipe, out, {});
  for (const char* name : {"m", "twin", "third"}) {
    EXPECT_EQ(ReadFile(out / name / "model.safetensors"),
              ReadFile(first / "final" / "model.safetensors"));
  }
  recipe["models"]["m"]["path"] = (folder_ / "nowhere").string();
  ExpectHas(MessageOf(recipe, folder_ / "other", {}), "nowhere");
}

TEST_F(RunDirectory, AStageReachesTheOtherModelsAndTheStore) {
  Json json = ShortRecipe();
  json["models"]["teacher"] = {{"same_start_as", "m"}};
  Recipe recipe = ReadRecipe(json, "short");
  train::StageKind curious = *recipe.stages[1].type.kind;
  curious.run = [](const train::StageContext& context, const train::StageOptions&) {
    const train::StageModel teacher = context.find_model("teacher");
    EXPECT_NE(&teacher.model, &context.model);
    EXPECT_EQ(&context.find_model("m").model, &context.model);
    EXPECT_TRUE(teacher.tokenizer == context.tokenizer);
    ExpectHas(ErrorOf([&] { context.find_model("techer"); }), "Did you mean 'teacher'?");
    EXPECT_EQ(context.store.Metric(context.run, "loss").size(), 1u);  // of the stage before
    EXPECT_TRUE(fs::exists(context.folder / "traces.db"));
    return train::StageReport{.details = {{"asked", true}}};
  };
  recipe.stages[1].type = {&curious};
  const RunOutcome outcome = recipes::Run(recipe, {.out = folder_ / "out"});
  EXPECT_EQ(outcome.stages.at(1).details["asked"], true);
}

// What the frame asks of a row; what its stage does is tested beside it.
TEST(StageKinds, AreWholeRows) {
  std::set<std::string> types;
  for (const train::StageKind* kind : StageKinds()) {
    EXPECT_TRUE(types.insert(kind->type).second) << kind->type;
    EXPECT_TRUE(kind->help.ends_with(".")) << kind->type;
    train::StageOptions options = kind->defaults;
    const Json written = WriteFields(kind->fields(options));
    for (const train::ProblemsNeeded& needed : kind->needs(options).problems) {
      const auto key = Json::json_pointer("/" + ReplaceAll(needed.key, ".", "/"));
      EXPECT_TRUE(written.contains(key)) << kind->type << ": " << needed.key;
    }
    kind->validate(options, kind->type);
    EXPECT_EQ(EnumName(StageType{kind}), kind->type);
  }
}

TEST_F(RunDirectory, AVocabularyTooSmallIsRefused) {
  Json recipe = ShortRecipe();
  recipe["models"]["m"]["vocab_size"] = 100;
  ExpectHas(MessageOf(recipe, folder_ / "out", {}), "vocab_size 100");
}

TEST_F(RunDirectory, EventsTellTheStory) {
  const fs::path told = folder_ / "told";
  RunWhole(ShortRecipe(), folder_ / "out", {.watch = [told](RunEvents& events) {
             const auto tell = [told](const std::string& line) { AppendFile(told).Write(line); };
             events.stage_started = [tell](size_t index, size_t count, const Stage& stage) {
               tell(StrCat("start ", index, "/", count, " ", stage.name, "\n"));
             };
             events.progress = [tell](int64_t done, int64_t total, const train::Metrics&) {
               tell(StrCat(done, "/", total, "\n"));
             };
             events.stage_finished = [tell](const StageResult& stage) {
               tell(StrCat("end ", stage.name, "\n"));
             };
           }});
  EXPECT_EQ(ReadFile(told),
            "start 0/2 learn\n1/5\n2/5\n3/5\n4/5\n5/5\nend learn\nstart 1/2 export\nend export\n");
}

TEST(StageResult, JsonLeavesOutWhatDoesNotApply) {
  StageResult result;
  result.name = "a";
  EXPECT_EQ(ToJson(result).dump(),
            R"({"name":"a","type":"","model":"","seconds":0.0,"details":{}})");
  result.tokens_per_second = 2;
  result.accuracy = 0.5;
  result.problems = 3;
  result.mean_completion_length = 4.5;
  const Json json = ToJson(result);
  EXPECT_EQ(json["tokens_per_second"], 2);
  EXPECT_EQ(json["accuracy"], 0.5);
  EXPECT_EQ(json["problems"], 3);
  EXPECT_EQ(json["mean_completion_length"], 4.5);
}

}  // namespace
}  // namespace retort::recipes::run_test
