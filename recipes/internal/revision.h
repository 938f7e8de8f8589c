#pragma once
// What may change in the recipe of a run that has begun: whatever finished stages did not depend
// on.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace retort::recipes {

/// How far the run is that goes on with another recipe.
struct Begun {
  size_t finished = 0;   ///< stages that are done
  bool current = false;  ///< the stage after them has stored something
};

struct Revision {
  /// "learn.learning_rate: 0.001, now 0.01", in the order of the recipe; empty: nothing differs.
  std::vector<std::string> changes;
  /// Those that finished stages depended on: the run cannot go on so.
  std::vector<std::string> refused;
  /// The current stage depended on a change: what it has done is superseded, it begins anew.
  bool restart = false;
  /// A finished stage that gets more steps: it goes on from its end, and the stages behind it, none
  /// of which trains, run again.
  std::optional<size_t> extended;
};

/// Compares resolved recipes. Names and descriptions, when and how often is saved, models that no
/// begun stage used and stages that have not begun may be anything. `trains` says of each begun
/// stage whether it trains.
Revision CompareRecipes(const Json& stored, const Json& wanted, const Begun& begun,
                        const std::vector<bool>& trains);

}  // namespace retort::recipes
