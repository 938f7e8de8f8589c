#include "recipes/internal/revision.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace retort::recipes {
namespace {

constexpr const char* kFreeOfDocument[] = {"name", "description", "models", "stages", "data"};
constexpr const char* kFreeOfStage[] = {"save_steps", "save_total_limit"};

bool IsOneOf(const std::string& key, const auto& keys) {
  return std::ranges::find(keys, key) != std::end(keys);
}

std::string Text(const Json& value) { return value.is_null() ? "nothing" : ToJsonLine(value); }

// "where.key: old, now new" for each leaf that differs.
void Differences(const Json& stored, const Json& wanted, const std::string& where,
                 std::vector<std::string>& changes) {
  if (stored == wanted) return;
  if (!stored.is_object() || !wanted.is_object()) {
    changes.push_back(StrCat(where, ": ", Text(stored), ", now ", Text(wanted)));
    return;
  }
  for (const auto& [key, value] : stored.items()) {
    Differences(value, wanted.value(key, Json()), where + "." + key, changes);
  }
  for (const auto& [key, value] : wanted.items()) {
    if (!stored.contains(key)) Differences(Json(), value, where + "." + key, changes);
  }
}

Json Without(Json json, const auto& keys) {
  for (const char* key : keys) json.erase(key);
  return json;
}

// Whether the rate of a step depends on how many there will be.
bool DependsOnSteps(const Json& stage) {
  return stage.value("lr_scheduler_type", "constant") != "constant" ||
         stage.value("decay_steps", 0) > 0 || stage.value("num_train_epochs", 0.0) > 0;
}

bool OnlyMoreSteps(const Json& stored, const Json& wanted) {
  const auto without = [](Json stage) {
    stage = Without(std::move(stage), kFreeOfStage);
    stage.erase("steps");
    return stage;
  };
  return without(stored) == without(wanted) && stored.contains("steps") &&
         wanted.contains("steps") && stored["steps"] < wanted["steps"] && !DependsOnSteps(wanted);
}

// The models that the first `count` stages used, and those that these were made from.
std::set<std::string> ModelsOf(const Json& recipe, size_t count) {
  std::set<std::string> models;
  for (size_t k = 0; k < count; ++k) {
    for (const char* key : {"model", "start_from"})
      models.insert(recipe["stages"][k].value(key, ""));
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [name, model] : recipe["models"].items()) {
      const std::string origin = model.value("same_start_as", "");
      grown = grown || (models.contains(name) && !origin.empty() && models.insert(origin).second);
    }
  }
  return models;
}

}  // namespace

Revision CompareRecipes(const Json& stored, const Json& wanted, const Begun& begun,
                        const std::vector<bool>& trains) {
  Revision revision;
  const bool any = begun.finished > 0;
  std::vector<std::string> head;
  for (const auto& [key, value] : stored.items()) {
    std::vector<std::string> found;
    if (key != "models" && key != "stages") {
      Differences(value, wanted.value(key, Json()), key, found);
    }
    revision.changes.insert(revision.changes.end(), found.begin(), found.end());
    if (!IsOneOf(key, kFreeOfDocument)) head.insert(head.end(), found.begin(), found.end());
  }
  const std::set<std::string> finished_models = ModelsOf(stored, begun.finished);
  const std::set<std::string> begun_models =
      ModelsOf(stored, begun.finished + (begun.current ? 1 : 0));
  for (const auto& [name, model] : stored["models"].items()) {
    std::vector<std::string> found;
    Differences(model, wanted["models"].value(name, Json()), "models." + name, found);
    revision.changes.insert(revision.changes.end(), found.begin(), found.end());
    if (begun_models.contains(name)) head.insert(head.end(), found.begin(), found.end());
    if (finished_models.contains(name)) {
      revision.refused.insert(revision.refused.end(), found.begin(), found.end());
    }
  }
  for (const auto& [name, model] : wanted["models"].items()) {
    if (!stored["models"].contains(name)) revision.changes.push_back("models." + name + ": new");
  }
  revision.restart = begun.current && !head.empty();
  if (any) {
    for (const std::string& change : head) {
      if (!IsOneOf(change, revision.refused)) revision.refused.push_back(change);
    }
  }

  const Json &old_stages = stored["stages"], &new_stages = wanted["stages"];
  for (size_t k = 0; k < std::max(old_stages.size(), new_stages.size()); ++k) {
    const Json before = k < old_stages.size() ? old_stages[k] : Json();
    const Json after = k < new_stages.size() ? new_stages[k] : Json();
    const std::string name = (before.is_null() ? after : before).value("name", "");
    std::vector<std::string> found;
    if (before.is_null() || after.is_null()) {
      found.push_back(StrCat("stages: '", name, before.is_null() ? "' is new" : "' is gone"));
    } else if (before["name"] != after["name"]) {
      found.push_back(
          StrCat("stages[", k, "]: ", Text(before["name"]), ", now ", Text(after["name"])));
    } else {
      Differences(before, after, name, found);
    }
    revision.changes.insert(revision.changes.end(), found.begin(), found.end());
    if (revision.extended) continue;  // runs again, with whatever recipe
    if (k > begun.finished || (k == begun.finished && !begun.current)) continue;
    if (Without(before, kFreeOfStage) == Without(after, kFreeOfStage)) continue;
    const bool more = !after.is_null() && OnlyMoreSteps(before, after);
    if (k == begun.finished) {
      revision.restart = revision.restart || !more;
    } else if (more && std::find(trains.begin() + static_cast<int64_t>(k) + 1, trains.end(),
                                 true) == trains.end()) {
      revision.extended = k;
    } else {
      revision.refused.insert(revision.refused.end(), found.begin(), found.end());
    }
  }
  return revision;
}

}  // namespace retort::recipes
