// What is wrong with files of rows, and what a stage makes of them.

#include <algorithm>
#include <span>

#include "base/strings.h"
#include "recipes/internal/check_parts.h"

namespace retort::recipes {
namespace {

train::RowsPlace PlaceOf(const Recipe& recipe, const Stage& stage, const ModelFacts& model) {
  return {.tokenizer = model.tokenizer,
          .prompt_template = recipe.prompt_template.frame,
          .positions = train::Positions(model.config),
          .seed = static_cast<uint64_t>(recipe.seed),
          .name = stage.name};
}

}  // namespace

std::optional<DataPreview> CheckRows(const RowsCheck& check, Findings& findings) {
  const std::string place = check.stage.name + "." + check.rows.key;
  std::optional<DataPreview> preview;
  findings.Try(place, [&] {
    for (const std::string& file : check.rows.files) RequireRereadable(file);
    train::RowsPlace rows = PlaceOf(check.recipe, check.stage, check.model);
    rows.stop = check.stop;
    const train::RowsLook look = check.rows.look(rows);
    for (const std::string& warning : look.warnings) findings.Add(false, place, warning);
    if (look.rows == 0) return;
    preview = {{place}, "row", look.rows, 0, {}};
    for (const train::RowPreview& row : look.first) {
      const auto given = std::ranges::find(row.learned, true) - row.learned.begin();
      const std::span ids(row.ids);
      const auto text = [&](std::span<const int32_t> part) {
        return check.model.tokenizer.Decode(part);
      };
      preview->first.push_back({row.id, text(ids.first(static_cast<size_t>(given))),
                                std::ssize(ids), text(ids.subspan(static_cast<size_t>(given)))});
    }
  });
  return preview;
}

train::RowsLook FindRows(const Recipe& recipe, const std::string& stage) {
  std::vector<std::string> names;
  for (const Stage& one : recipe.stages) names.push_back(one.name);
  const auto found = std::ranges::find(recipe.stages, stage, &Stage::name);
  RETORT_CHECK(found != recipe.stages.end(), "'", stage, "' is no stage of the recipe.",
               DidYouMean(stage, names), " There are: ", Join(names, ", "));
  const auto rows = found->Needs().rows;
  RETORT_CHECK(rows && rows->key == "train_files", "stage '", stage,
               "' learns from no train_files, so its batches are not known before it runs");
  ModelFacts model;
  const ModelSpec& origin =
      OriginOf(recipe, *std::ranges::find(recipe.models, found->model, &ModelSpec::name));
  model.config = origin.config;
  if (!origin.path.empty()) OpenFolder(origin, model);
  return rows->look(PlaceOf(recipe, *found, model));
}

}  // namespace retort::recipes
