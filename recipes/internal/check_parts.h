#pragma once
// What the parts of the check share. Private to this room.

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/tokenizer.h"
#include "recipes/check.h"

namespace retort::recipes {

/// What is known of a model without its weights.
struct ModelFacts {
  const ModelSpec* origin = nullptr;  ///< that it is built or opened as
  model::ModelConfig config;
  model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  bool known = false;  ///< false: an error was found, nothing more can be said
};

/// The model that `spec` starts as: itself, or the one that same_start_as leads to.
const ModelSpec& OriginOf(const Recipe& recipe, const ModelSpec& spec);
/// Fills in what a Hugging Face folder says, and returns what there is to note about its weights.
/// Throws Error where it cannot be opened.
std::vector<std::string> OpenFolder(const ModelSpec& spec, ModelFacts& facts);
/// Throws Error on a pipe: data is read more than once, by the check, its stage, and a resume.
void RequireRereadable(const std::string& file);

struct Findings {
  std::vector<Finding> all;

  /// Once, however often it is found.
  void Add(bool error, const std::string& place, const std::string& text) {
    const auto same = [&](const Finding& f) { return f.place == place && f.text == text; };
    if (std::ranges::none_of(all, same)) all.push_back({error, place, text});
  }
  /// Runs `look`; what it throws is an error at `place`. False then.
  template <class Look>
  bool Try(const std::string& place, const Look& look) {
    try {
      look();
      return true;
    } catch (const std::exception& error) {
      Add(true, place, error.what());
      return false;
    }
  }
};

/// Stage `k` learns from stored traces.
struct TracesCheck {
  const Recipe& recipe;
  size_t k = 0;
  const std::map<std::string, ModelFacts>& models;
  const train::TracesNeeded& traces;
  const std::function<bool()>& stop;
};
/// The database and the names of the selection, and whether tokens mean the same to the student.
void CheckTraces(const TracesCheck& check, Findings& findings);

/// A stage learns from rows.
struct RowsCheck {
  const Recipe& recipe;
  const Stage& stage;
  const ModelFacts& model;
  const train::RowsNeeded& rows;
  const std::function<bool()>& stop;
};
/// Reads them all; nothing when none is learned from.
std::optional<DataPreview> CheckRows(const RowsCheck& check, Findings& findings);

}  // namespace retort::recipes
