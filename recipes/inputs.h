#pragma once
// What a recipe reads from outside the run directory: files of problems, trace databases, model
// folders.

#include <filesystem>
#include <functional>
#include <string>

#include "base/json.h"
#include "recipes/recipe.h"

namespace retort::recipes {

/// Calls `visit` with every path in a recipe's document, the index of the stage that reads it (-1
/// for `models` and `data`) and where it stands ("models.policy.path"). Paths left empty do not
/// count.
void ForEachInput(
    Json& document,
    const std::function<void(Json& path, int64_t stage, const std::string& place)>& visit);

/// Makes relative paths absolute, as seen from `folder`.
void ResolvePaths(Json& document, const std::filesystem::path& folder);

/// The recipe that a user names: a file, a shipped recipe, or a run directory (its recipe.json).
/// Paths in a file are relative to it, those of settings and shipped recipes to the current folder.
Recipe OpenRecipe(const std::string& source, const std::vector<std::string>& settings);

/// Names the bytes that stage `k` (-1: the models) of a resolved recipe reads from this path: a
/// file's content, a model folder's configuration, tokenizer and weights, of a database what the
/// stage selects. Throws Error when they cannot be read, or once `stop` (may be empty) says true
/// while a database is.
std::string HashOfInput(const Recipe& recipe, int64_t k, const std::string& path,
                        const std::function<bool()>& stop);

}  // namespace retort::recipes
