#pragma once
// A recipe: the document that names models and composes stages. JSON, comments allowed.
//
//   { "name": "quickstart", "seed": 1,
//     "models": { "policy": {"model_type": "deepseek_v3", …}, "student": {"model_type": "qwen3", …}
//     }, "stages": [ {"name": "warm-up", "type": "pretrain", "model": "policy", …}, … ] }
//
// What several stages read stands once, under "data": {"NAME": {"file": …, "split_shares": …}}, and
// stages name it as "problems": {"data": "NAME"}; reading puts it in their place.
//
// Every key is checked when the recipe is read: unknown ones, wrong types and values out of bounds
// are errors that name the place.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "model/config.h"
#include "model/template.h"
#include "nn/dtype.h"
#include "recipes/stages.h"

namespace retort::recipes {

/// A model of the recipe: built from options, or opened from a Hugging Face folder.
struct ModelSpec {
  std::string name;
  std::string path;           ///< folder to open; then `config` is not used
  std::string same_start_as;  ///< another model of the recipe whose weights it starts from
  model::ModelConfig config;
};

struct Stage {
  std::string name;  ///< unique; the key of `--set NAME.key=value`
  StageType type;
  std::string model;       ///< the model it trains, samples or writes
  std::string start_from;  ///< a model whose weights it takes first, or empty
  train::StageOptions options;

  train::StageNeeds Needs() const { return type->needs(options); }
};

struct Recipe {
  std::string name;
  std::string description;
  int64_t seed = 1;
  model::PromptFormat prompt_template = {};
  nn::Precision precision;
  std::vector<ModelSpec> models;
  std::vector<Stage> stages;
};

/// Throws Error "`where`.stages[2].learning_rate: …".
Recipe ReadRecipe(const Json& json, const std::string& where);
/// The resolved recipe: every key with its value. ReadRecipe of it gives the same recipe.
Json WriteRecipe(const Recipe& recipe);
/// Names the resolved recipe (16 hex digits).
std::string RecipeHash(const Recipe& recipe);

/// Applies "KEY=VALUE" to the document before it is read. KEY is a dotted path; its first part is a
/// key of the document, the name of a stage, or "models.NAME". VALUE is JSON, or a bare string.
void ApplySetting(Json& document, const std::string& setting);

/// A recipe file, or the name of a shipped recipe ("quickstart").
Json LoadRecipeDocument(const std::string& path_or_name);
/// Names of the recipes embedded in the program, and their texts.
const std::vector<std::pair<std::string, std::string>>& ShippedRecipes();

/// docs/recipes.md, generated from the options of every stage and model.
std::string RecipeReference();

}  // namespace retort::recipes
