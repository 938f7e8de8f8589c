#pragma once
// The keys of a recipe that belong to no kind of stage: what reading, writing and docs/recipes.md
// are made from. Private to this room.

#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "recipes/recipe.h"
#include "train/stage_eval.h"

namespace retort::recipes {

struct RecipeFields {
  std::string name;
  std::string description;
  int64_t seed = 1;
  model::PromptTemplate prompt_template = model::PromptTemplate::kShort;
  std::string system_prompt;
  std::vector<model::ExampleTurn> examples;
  nn::Dtype dtype = nn::Dtype::kFloat32;
  std::optional<nn::Dtype> cache_dtype;
  template <class V>
  void Visit(V& v) {
    v("name", name, "Name of the recipe and, by default, of its run directory.");
    v("description", description, "What it shows.");
    v("seed", seed, "Seed of every random stream.", Bounds{0, 9e15});
    v("prompt_template", prompt_template,
      "Text around a question; chat: the conversation that the model's own chat template writes.");
    v("system_prompt", system_prompt,
      "What the system message in front of every question says, in rollouts and worked examples "
      "alike; needs the template chat. Empty: no such message, and the chat template may have one "
      "of its own.");
    v("examples", examples,
      "Questions and their answers, said before every question; needs the template chat.");
    v("dtype", dtype,
      "What matrix products multiply, in rollout and training alike; sums, weights and moments "
      "stay "
      "float32. bfloat16 needs AVX-512 BF16.");
    v("cache_dtype", cache_dtype,
      "What keys and values are rounded to, in rollout and training alike; null: as dtype.");
  }
};

struct ModelFields {
  std::string path;
  std::string same_start_as;
  template <class V>
  void Visit(V& v) {
    v("path", path, "Open this Hugging Face folder instead of building a model.");
    v("same_start_as", same_start_as, "Build the same model as this one, with the same weights.");
  }
};

struct StageFields {
  std::string name;
  StageType type{&train::EvalKind()};
  std::string model;
  std::string start_from;
  template <class V>
  void Visit(V& v) {
    v("name", name, "Unique name of the stage; empty: its type.");
    v("type", type, "What the stage does.");
    v("model", model, "Which model it trains, samples or writes; empty: the first.");
    v("start_from", start_from,
      "Give the model the weights that this other model has now; empty: it goes on with its own.");
  }
};

}  // namespace retort::recipes
