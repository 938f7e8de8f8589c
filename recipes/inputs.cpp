#include "recipes/inputs.h"

#include "base/file.h"
#include "base/fingerprint.h"
#include "datasets/trace_store.h"
#include "model/pretrained.h"
#include "recipes/internal/run_directory.h"
#include "train/run_places.h"

namespace retort::recipes {
namespace fs = std::filesystem;
namespace {

using Visit = std::function<void(Json& path, int64_t stage, const std::string& place)>;

void VisitPath(Json& object, const char* key, int64_t stage, const std::string& place,
               const Visit& visit) {
  const auto path = object.find(key);
  if (path == object.end() || !path->is_string() || *path == "") return;
  visit(*path, stage, place + "." + key);
}

void VisitPaths(Json& paths, int64_t stage, const std::string& place, const Visit& visit) {
  if (!paths.is_array()) return;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!paths[i].is_string() || paths[i] == "") continue;
    visit(paths[i], stage, StrCat(place, ".train_files[", i, "]"));
  }
}

// Problems stand in a stage and inside its options (`until`).
void VisitProblems(Json& object, int64_t stage, const std::string& place, const Visit& visit) {
  for (auto& [key, value] : object.items()) {
    if (!value.is_object()) continue;
    const std::string inside = place + "." + key;
    if (key == "problems") VisitPath(value, "file", stage, inside, visit);
    VisitProblems(value, stage, inside, visit);
  }
}

void AddFile(Fingerprint& hash, const fs::path& file) {
  const MappedFile map(file);
  hash.Add(std::string_view(reinterpret_cast<const char*>(map.data()), map.size()));
}

}  // namespace

void ForEachInput(Json& document, const Visit& visit) {
  for (const auto& [section, key] : {std::pair{"models", "path"}, std::pair{"data", "file"}}) {
    if (!document.contains(section) || !document[section].is_object()) continue;
    for (auto& [name, value] : document[section].items()) {
      if (value.is_object()) VisitPath(value, key, -1, StrCat(section, ".", name), visit);
    }
  }
  if (!document.contains("stages") || !document["stages"].is_array()) return;
  int64_t k = 0;
  for (Json& stage : document["stages"]) {
    if (stage.is_object()) {
      const std::string place = StrCat("stages[", k, "]");
      VisitPath(stage, "database", k, place, visit);
      VisitPath(stage, "eval_file", k, place, visit);
      if (stage.contains("train_files")) VisitPaths(stage["train_files"], k, place, visit);
      VisitProblems(stage, k, place, visit);
    }
    ++k;
  }
}

void ResolvePaths(Json& document, const fs::path& folder) {
  if (!document.is_object()) return;
  ForEachInput(document, [&](Json& path, int64_t, const std::string&) {
    const fs::path written = path.get<std::string>();
    path = fs::absolute(written.is_absolute() ? written : folder / written)
               .lexically_normal()
               .string();
  });
}

Recipe OpenRecipe(const std::string& source, const std::vector<std::string>& settings) {
  fs::path file = source;
  if (fs::is_directory(file)) {
    file /= kRecipeFile;
    RETORT_CHECK(fs::exists(file), source, ": is a folder without ", kRecipeFile,
                 ", expected a recipe file or a run directory");
  }
  Json document = LoadRecipeDocument(file.string());
  const bool is_file = fs::exists(file);  // else a shipped recipe
  ResolvePaths(document, is_file ? fs::absolute(file).parent_path() : fs::current_path());
  for (const std::string& setting : settings) ApplySetting(document, setting);
  ResolvePaths(document, fs::current_path());
  return ReadRecipe(document, file.string());
}

std::string HashOfInput(const Recipe& recipe, int64_t k, const std::string& path,
                        const std::function<bool()>& stop) {
  if (k < 0) return model::HashOfModel(train::FindModel(path).folder);
  const auto traces = recipe.stages[static_cast<size_t>(k)].Needs().traces;
  if (traces && traces->database == path) {
    const datasets::TraceStore store(train::FindTraces(path), datasets::TraceStore::Mode::kRead,
                                     stop);
    return store.SelectionHash(store.Select(*traces->select));
  }
  Fingerprint hash;
  AddFile(hash, path);
  return hash.Hex();
}

}  // namespace retort::recipes
