#pragma once
// The table of the kinds of stages.

#include <string>
#include <utility>
#include <vector>

#include "train/stage_kind.h"

namespace retort::recipes {

/// The rows, each from beside its stage. To add a kind: its file, and its row here.
const std::vector<const train::StageKind*>& StageKinds();

/// One of them; in a recipe, and to be compared, its name.
struct StageType {
  const train::StageKind* kind = nullptr;
  const train::StageKind* operator->() const { return kind; }
  bool operator==(const StageType& other) const { return kind->type == other.kind->type; }
};
std::vector<std::pair<StageType, const char*>> EnumNames(StageType);

}  // namespace retort::recipes
