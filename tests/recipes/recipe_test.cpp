#include "recipes/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "base/file.h"
#include "distill/supervised.h"
#include "rl/grpo.h"
#include "tests/recipes/run_fixture.h"
#include "tests/support/error_of.h"

namespace retort::recipes::recipe_test {
namespace {

/// The small recipe with one value changed; the error must name all of `parts`.
struct BadCase {
  const char* pointer;  ///< JSON pointer
  const char* value;    ///< JSON
  std::vector<const char*> parts;
};
void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.pointer << "=" << bad.value; }

class BadRecipe : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadRecipe, IsAnErrorThatNamesThePlace) {
  Json recipe = SmallRecipe();
  recipe[Json::json_pointer(GetParam().pointer)] = Json::parse(GetParam().value);
  const std::string message = ErrorOf([&] { ReadRecipe(recipe, "mine.json"); });
  for (const char* part : GetParam().parts) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Unknown, BadRecipe,
    ::testing::Values(
        BadCase{"/sede", "1", {"mine.json: unknown key 'sede'", "'seed'"}},
        BadCase{"/stagse", "[]", {"unknown key 'stagse'", "'stages'"}},
        BadCase{"/models/policy/hiden_size", "1", {"models.policy", "'hidden_size'"}},
        BadCase{"/models/policy/pathh", "\"x\"", {"models.policy", "'path'"}},
        BadCase{"/models/policy/same_start", "\"x\"", {"models.policy", "'same_start_as'"}},
        BadCase{"/models/student/rope_scaling",
                "{\"tipe\": 1}",
                {"models.student.rope_scaling", "'type'"}},
        BadCase{"/stages/1/modle", "\"policy\"", {"stages[1]", "'modle'", "'model'"}},
        BadCase{"/stages/1/rewards", "[]", {"stages[1]", "'reward'"}},
        BadCase{"/stages/1/learning_rat", "1", {"stages[1]", "'learning_rate'"}},
        BadCase{"/stages/0/until/evry", "1", {"stages[0].until", "'every'"}},
        BadCase{"/stages/0/until/problems/generator/cuont",
                "1",
                {"stages[0].until.problems.generator", "'count'"}},
        BadCase{"/stages/1/reward/0/optoins", "{}", {"stages[1].reward[0]", "'options'"}},
        BadCase{"/stages/1/reward/1/verifer", "\"math\"", {"stages[1].reward[1]", "'verifier'"}},
        BadCase{"/stages/1/reward/1/verifier",
                "\"fromat\"",
                {"stages[1].reward[1]", "unknown verifier 'fromat'", "'format'"}},
        BadCase{"/stages/1/reward/0/options",
                "{\"nothing_like_it\": 1}",
                {"stages[1].reward[0].options", "nothing_like_it"}},
        BadCase{"/stages/3/select/corect", "true", {"stages[3].select", "'correct'"}},
        BadCase{"/stages/1/model", "\"polcy\"", {"stages[1].model", "'policy'"}},
        BadCase{"/stages/1/type", "\"grop\"", {"stages[1].type", "'grpo'"}},
        BadCase{"/models/policy/model_type", "\"deepseek\"", {"models.policy", "deepseek_v3"}}));

INSTANTIATE_TEST_SUITE_P(
    WrongType, BadRecipe,
    ::testing::Values(
        BadCase{"/seed", "\"one\"", {"mine.json.seed", "\"one\"", "integer"}},
        BadCase{"/models", "[]", {"mine.json.models", "object"}},
        BadCase{"/models/policy", "3", {"models.policy", "object"}},
        BadCase{"/models/policy/hidden_size", "1.5", {"models.policy.hidden_size", "integer"}},
        BadCase{"/stages", "{}", {"mine.json.stages", "list"}},
        BadCase{"/stages/0", "7", {"stages[0]", "\"type\""}},
        BadCase{"/stages/0/name", "7", {"stages[0].name", "string"}},
        BadCase{"/stages/0/problems", "\"x\"", {"stages[0].problems", "object"}},
        BadCase{"/stages/1/shuffle_advantages", "1", {"stages[1].shuffle_advantages", "true"}},
        BadCase{"/stages/1/epsilon_high", "\"x\"", {"stages[1].epsilon_high", "number"}},
        BadCase{"/stages/1/reward", "{}", {"stages[1].reward", "list"}},
        BadCase{"/stages/1/reward/0", "\"math\"", {"stages[1].reward[0]", "object"}},
        BadCase{"/stages/1/reward/0/options", "3", {"stages[1].reward[0].options", "object"}},
        BadCase{"/stages/4/temperatures", "1", {"stages[4].temperatures", "list"}},
        BadCase{"/stages/4/temperatures/0", "\"hot\"", {"stages[4].temperatures[0]", "number"}}));

INSTANTIATE_TEST_SUITE_P(
    OutOfBounds, BadRecipe,
    ::testing::Values(
        BadCase{"/seed", "-1", {"mine.json.seed", "-1"}},
        BadCase{"/models/policy/hidden_size", "0", {"models.policy.hidden_size", "from 1"}},
        BadCase{"/models/policy/num_experts_per_tok", "5", {"num_experts_per_tok", "5"}},
        BadCase{"/stages/0/reasoning_share", "1.5", {"stages[0].reasoning_share", "1"}},
        BadCase{"/stages/1/steps", "-3", {"stages[1].steps", "-3"}},
        BadCase{"/stages/4/temperatures/1", "-1", {"stages[4].temperatures[1]", "-1"}},
        BadCase{"/stages/4/temperatures", "[]", {"stages[4].temperatures", "at least one"}}));

INSTANTIATE_TEST_SUITE_P(
    Senseless, BadRecipe,
    ::testing::Values(
        BadCase{"/name", "\"\"", {"mine.json.name"}},
        BadCase{"/system_prompt", "\"Be brief.\"", {"mine.json.system_prompt", "template chat"}},
        BadCase{"/stages/1/repetition_penalty", "1.1", {"stages[1]", "repetition_penalty"}},
        BadCase{"/models", "{}", {"mine.json.models"}}, BadCase{"/stages", "[]", {".stages"}},
        BadCase{"/stages/1/name", "\"pretrain\"", {"stages[1].name", "'pretrain'"}},
        BadCase{"/stages/1/name", "\"a.b\"", {"stages[1].name", "dot"}},
        BadCase{"/stages/1/top_k", "5", {"stages[1]", "top_k"}},
        BadCase{"/stages/1/top_p", "0.9", {"stages[1]", "top_p"}},
        BadCase{"/stages/1/min_p", "0.1", {"stages[1]", "min_p"}},
        BadCase{"/stages/1/temperature", "0", {"stages[1].temperature"}},
        BadCase{"/stages/1/num_generations", "1", {"stages[1].num_generations"}},
        BadCase{"/stages/1/minibatches", "5", {"stages[1].minibatches", "prompts_per_step"}},
        BadCase{"/stages/0/lr_scheduler_type", "\"cosine\"", {"stages[0]", "decay_steps"}},
        BadCase{"/stages/0/decay_steps", "101", {"stages[0]", "decay_steps", "100"}},
        BadCase{"/models/policy/path", "\"x\"", {"models.policy", "no effect"}},
        BadCase{"/models/a~1b", R"({"model_type": "qwen3"})", {"mine.json.models", "'a/b'"}},
        BadCase{"/models/student",
                R"({"same_start_as": "teacher"})",
                {"models.student.same_start_as", "'teacher'"}},
        BadCase{"/models/student",
                R"({"same_start_as": "policy", "path": "x"})",
                {"models.student", "not both"}}));

TEST(Recipe, NamesWhatIsMissing) {
  for (const char* key : {"name", "models", "stages"}) {
    Json recipe = SmallRecipe();
    recipe.erase(key);
    const std::string message = ErrorOf([&] { ReadRecipe(recipe, "mine.json"); });
    EXPECT_NE(message.find(StrCat("mine.json.", key)), std::string::npos) << message;
  }
  EXPECT_NE(ErrorOf([] { ReadRecipe(Json(3), "mine.json"); }).find("object"), std::string::npos);
}

TEST(Recipe, DefaultsAreTheTypeTheFirstModelAndThePanel) {
  Json recipe = SmallRecipe();
  recipe["stages"][1].erase("name");
  recipe["stages"][1].erase("model");
  recipe["stages"][1].erase("reward");
  const Stage stage = ReadRecipe(recipe, "mine.json").stages[1];
  EXPECT_EQ(stage.name, "grpo");
  EXPECT_EQ(stage.model, "policy");
  const auto& reward = std::any_cast<const rl::GrpoOptions&>(stage.options).reward;
  ASSERT_EQ(reward.size(), 1u);
  EXPECT_EQ(reward[0].verifier, "math");
}

TEST(Recipe, TheCacheIsRoundedLikeProductsUnlessSaidOtherwise) {
  Json json = SmallRecipe();
  const nn::Precision plain = ReadRecipe(json, "r").precision;
  EXPECT_EQ(plain.products, nn::Dtype::kFloat32);
  EXPECT_EQ(plain.cache, nn::Dtype::kFloat32);
  json["dtype"] = "bfloat16";
  EXPECT_EQ(ReadRecipe(json, "r").precision.products, nn::Dtype::kBFloat16);
  EXPECT_EQ(ReadRecipe(json, "r").precision.cache, nn::Dtype::kBFloat16);
  json["cache_dtype"] = "float32";
  EXPECT_EQ(ReadRecipe(json, "r").precision.products, nn::Dtype::kBFloat16);
  EXPECT_EQ(ReadRecipe(json, "r").precision.cache, nn::Dtype::kFloat32);
}

TEST(Recipe, QuantizedWeightsAreForRolloutsOnly) {
  Json json = SmallRecipe();
  json["stages"][1]["rollout_dtype"] = "q8_0";
  const auto options =
      std::any_cast<const rl::GrpoOptions&>(ReadRecipe(json, "r").stages[1].options);
  EXPECT_EQ(options.rollout_dtype, nn::Dtype::kQ8_0);
  json["cache_dtype"] = "q8_0";
  EXPECT_NE(ErrorOf([&] { ReadRecipe(json, "r"); }).find("r.cache_dtype"), std::string::npos);
  json["dtype"] = "q8_0";
  const std::string message = ErrorOf([&] { ReadRecipe(json, "r"); });
  EXPECT_NE(message.find("r.dtype: got q8_0"), std::string::npos) << message;
  EXPECT_NE(message.find("rollout_dtype"), std::string::npos) << message;
}

TEST(Recipe, PretrainingLearnsThePromptAndFineTuningDoesNot) {
  Json recipe = SmallRecipe();
  recipe["stages"][1] = recipe["stages"][0];
  recipe["stages"][1]["name"] = recipe["stages"][1]["type"] = "sft";
  const Recipe read = ReadRecipe(recipe, "mine.json");
  EXPECT_TRUE(
      std::any_cast<const distill::SupervisedOptions&>(read.stages[0].options).learn_prompt);
  EXPECT_FALSE(
      std::any_cast<const distill::SupervisedOptions&>(read.stages[1].options).learn_prompt);
}

TEST(Recipe, WritingAndReadingIsTheIdentity) {
  std::vector<Json> documents{SmallRecipe()};
  for (const auto& [name, text] : ShippedRecipes()) {
    documents.push_back(ParseJson(text, name, /*comments=*/true));
  }
  Json more = SmallRecipe();
  more["models"]["twin"] = {{"same_start_as", "student"}};
  more["models"]["opened"] = {{"path", "somewhere"}};
  more["stages"][1]["reward"][0]["weight"] = 0.1;
  more["stages"][3]["select"]["correct"] = true;
  more["stages"].push_back({{"type", "export"}, {"model", "twin"}});
  documents.push_back(more);
  for (const Json& document : documents) {
    const Recipe recipe = ReadRecipe(document, "document");
    const Json written = WriteRecipe(recipe);
    const Recipe again = ReadRecipe(ParseJson(written.dump(2), "again"), "again");
    EXPECT_EQ(WriteRecipe(again), written);
    EXPECT_EQ(RecipeHash(again), RecipeHash(recipe));
    for (const auto& [key, value] : document["stages"][0].items()) {
      EXPECT_TRUE(written["stages"][0].contains(key)) << key;
    }
  }
  EXPECT_GE(documents.size(), 3u);
}

TEST(Recipe, EveryKeyReachesTheHash) {
  const Json resolved = WriteRecipe(ReadRecipe(SmallRecipe(), "small"));
  const std::string hash = RecipeHash(ReadRecipe(resolved, "small"));
  int changed = 0;
  const std::function<void(const Json::json_pointer&)> visit = [&](const auto& place) {
    const Json& value = resolved[place];
    if (value.is_structured()) {
      for (const auto& [key, child] : value.items()) {
        visit(value.is_array() ? place / static_cast<size_t>(std::stoul(key)) : place / key);
      }
      return;
    }
    Json other = resolved;
    if (value.is_boolean()) {
      other[place] = !value.get<bool>();
    } else if (value.is_number_float()) {
      other[place] = value.get<double>() / 2 + 0.11;
    } else if (value.is_number()) {
      other[place] = value.get<int64_t>() + 1;
    } else {
      return;  // names and choices
    }
    std::string now;
    try {
      now = RecipeHash(ReadRecipe(other, "changed"));
    } catch (const Error&) {
      return;  // out of bounds, or senseless beside the others
    }
    EXPECT_NE(now, hash) << place.to_string();
    ++changed;
  };
  visit(Json::json_pointer());
  EXPECT_GT(changed, 150);
}

TEST(Recipe, HasAThousandStagesModelsAndDataAtMost) {
  const auto message = [](const std::function<void(Json&)>& change) {
    Json recipe = SmallRecipe();
    change(recipe);
    return ErrorOf([&] { ReadRecipe(recipe, "r"); });
  };
  const auto grow = [](Json& object, const Json& value) {
    for (int i = 0; i < 1000; ++i) object[StrCat("more", i)] = value;
  };
  const std::string stages = message([](Json& recipe) {
    for (int i = 0; i < 1000; ++i) recipe["stages"].push_back({{"type", "eval"}});
  });
  EXPECT_NE(stages.find("r.stages: got 100"), std::string::npos) << stages;
  EXPECT_NE(message([&](Json& recipe) {
              grow(recipe["models"], Json::object());
            }).find("expected at most 1000"),
            std::string::npos);
  EXPECT_NE(message([&](Json& recipe) {
              grow(recipe["data"], {{"file", "x"}});
              recipe["data"]["y"] = {{"file", "y"}};
            }).find("r.data: got 1001"),
            std::string::npos);
}

TEST(Setting, ReachesEveryPlace) {
  Json recipe = SmallRecipe();
  for (const char* setting :
       {"seed=7", "models.student.hidden_size=32", "grpo.learning_rate=1e-4",
        "pretrain.problems.generator.families=[\"chain:2\"]", "pretrain.until.every=3",
        "grpo.epsilon_high=0.3", "measure.problems.file=a=b.jsonl", "description=two words"}) {
    ApplySetting(recipe, setting);
  }
  EXPECT_EQ(recipe["seed"], 7);
  EXPECT_EQ(recipe["models"]["student"]["hidden_size"], 32);
  EXPECT_EQ(recipe["models"]["student"]["model_type"], "qwen3");
  EXPECT_EQ(recipe["stages"][1]["learning_rate"], 1e-4);
  EXPECT_EQ(recipe["stages"][0]["problems"]["generator"]["families"][0], "chain:2");
  EXPECT_EQ(recipe["stages"][0]["problems"]["generator"]["count"], 30);
  EXPECT_EQ(recipe["stages"][0]["until"]["every"], 3);
  EXPECT_EQ(recipe["stages"][4]["problems"]["file"], "a=b.jsonl");
  EXPECT_EQ(recipe["description"], "two words");
}

TEST(Setting, FindsAStageWithoutANameByItsType) {
  Json recipe = ParseJson(R"({"stages": [{"type": "eval"}]})", "x");
  ApplySetting(recipe, "eval.samples=4");
  EXPECT_EQ(recipe["stages"][0]["samples"], 4);
}

TEST(Setting, SaysWhatIsWrong) {
  const auto message = [](const char* setting, Json recipe = SmallRecipe()) {
    return ErrorOf([&] { ApplySetting(recipe, setting); });
  };
  EXPECT_NE(message("seed").find("KEY=VALUE"), std::string::npos);
  EXPECT_NE(message("=3").find("KEY=VALUE"), std::string::npos);
  EXPECT_NE(message("gpro.steps=3").find("'grpo'"), std::string::npos);
  EXPECT_NE(message("name.x=3").find("not inside an object"), std::string::npos);
  EXPECT_NE(message("name.x.y=3").find("not inside an object"), std::string::npos);
  EXPECT_NE(message("stages.0.steps=3").find("not inside an object"), std::string::npos);
  EXPECT_NE(message("a.b=3", Json(3)).find("not an object"), std::string::npos);
  std::string deep = "seed";
  for (int i = 0; i < kMaxJsonDepth; ++i) deep += ".a";
  EXPECT_NE(message((deep + "=3").c_str()).find("deeper than 512"), std::string::npos);
  EXPECT_NE(message("a.b=3", Json::object()).find("'a'"), std::string::npos);
  EXPECT_NE(message("a.b=3", {{"stages", {1, {{"name", 2}}}}}).find("'a'"), std::string::npos);
  Json typo = SmallRecipe();  // a misspelt key is left for reading to complain about
  ApplySetting(typo, "grpo.step=3");
  EXPECT_NE(ErrorOf([&] { ReadRecipe(typo, "r"); }).find("'steps'"), std::string::npos);
}

TEST(Document, IsAShippedNameOrAFile) {
  ASSERT_FALSE(ShippedRecipes().empty());
  for (const auto& [name, text] : ShippedRecipes()) {
    EXPECT_NO_THROW(ReadRecipe(LoadRecipeDocument(name), name)) << name;
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "{\"a\": 1}", 8), 8);
  ::close(ends[1]);  // what <(command) gives
  EXPECT_EQ(LoadRecipeDocument(StrCat("/dev/fd/", ends[0])), Json({{"a", 1}}));
  ::close(ends[0]);
  EXPECT_NE(ErrorOf([] { LoadRecipeDocument("/dev/zero"); }).find("is not a regular file"),
            std::string::npos);
  const std::string message = ErrorOf([] { LoadRecipeDocument("quickstrat"); });
  EXPECT_NE(message.find("'quickstart'"), std::string::npos) << message;
}

TEST(Reference, IsWhatTheDocumentationSays) {
  EXPECT_TRUE(ReadFile(RETORT_SOURCE_DIR "/docs/recipes.md") == RecipeReference())
      << "regenerate it: retort recipe reference > docs/recipes.md";
}

TEST(Reference, HasEveryKeyOfARecipe) {
  const std::string text = RecipeReference();
  const Json resolved = WriteRecipe(ReadRecipe(SmallRecipe(), "small"));
  const std::function<void(const Json&, const std::string&)> visit = [&](const Json& json,
                                                                         const std::string& at) {
    for (const auto& [key, value] : json.items()) {
      if (value.is_object() && key != "options") {
        visit(value, at + key + ".");
      } else {
        EXPECT_NE(text.find("`" + at + key + "`"), std::string::npos) << at << key;
      }
    }
  };
  for (const Json& stage : resolved["stages"]) visit(stage, "");
  for (const Json& model : resolved["models"]) visit(model, "");
}

}  // namespace
}  // namespace retort::recipes::recipe_test
