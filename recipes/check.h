#pragma once
// What is wrong with a recipe, found before its first step and without opening any weights.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "recipes/recipe.h"

namespace retort::recipes {

struct Finding {
  bool error = true;  ///< false: a warning, the recipe runs all the same
  std::string place;  ///< "learn.problems.file": the stage (or "models.NAME") and its key
  std::string text;
};

/// A problem as the model will see it.
struct PreviewProblem {
  std::string id;
  std::string prompt;  ///< rendered, special tokens spelled out
  int64_t tokens = 0;  ///< of the prompt
  std::string gold;  ///< the gold answer; "" when there is none (code tasks carry tests); of a row
                     ///< what is learned, and `prompt` is what stands before it
};

/// What a stage draws from; several stages that read the same share one.
struct DataPreview {
  std::vector<std::string> places;    ///< "learn.problems", …
  std::string noun = "problem";       ///< or "row"
  int64_t problems = 0;               ///< that are used
  int64_t overlong = 0;               ///< that are skipped
  std::vector<PreviewProblem> first;  ///< three
};

struct RecipeCheck {
  std::vector<Finding> findings;  ///< in the order of the recipe
  std::vector<DataPreview> previews;
  bool sound() const;  ///< no errors
};

/// Looks at every model and at the stages from `first_stage` on: files and databases, columns and
/// rows, families, lengths, judges, shapes of weights, tokenizers, names of stages. Never throws on
/// what is wrong with the recipe: all of it is in the findings. What an earlier stage will write is
/// taken for granted.
/// Once `stop` (may be empty) says true, databases are read no further and that is a finding.
RecipeCheck CheckRecipe(const Recipe& recipe, size_t first_stage = 0,
                        std::function<bool()> stop = {});

/// What the stage of that name makes of its files of rows. Refers to the recipe. Throws Error on an
/// unknown stage, and on one that has no train_files.
train::RowsLook FindRows(const Recipe& recipe, const std::string& stage);

/// Gives the warnings to `note` and throws one Error with all errors, if there are any.
void RequireSound(const RecipeCheck& check, const std::function<void(const std::string&)>& note);

}  // namespace retort::recipes
