#include "recipes/recipe.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/read_pipe.h"
#include "base/strings.h"
#include "recipes/internal/recipe_fields.h"

namespace retort::recipes {
namespace {

// Removes the members that the fields know and reads them.
template <class T>
T TakeFields(Json& json, const std::string& where) {
  RETORT_CHECK(json.is_object(), where, ": expected an object");
  T fields;
  Json known = Json::object();
  for (const Field& field : ListFields(fields)) {
    if (!json.contains(field.name)) continue;
    known[field.name] = json[field.name];
    json.erase(field.name);
  }
  ReadOptions(known, where, fields);
  return fields;
}

train::StageOptions ReadStageOptions(const Json& json, const std::string& where,
                                     StageFields& fields) {
  ReadOptions({{"type", json["type"]}}, where, fields);
  train::StageOptions options = fields.type->defaults;
  std::vector<Field> all = ListFields(fields);
  for (Field& field : fields.type->fields(options)) all.push_back(std::move(field));
  ReadFields(json, where, all);
  fields.type->validate(options, where);
  return options;
}

// Each is compared with all others, and what stages share is written out in each.
void RequireFew(const Json& json, const std::string& where) {
  constexpr size_t kMost = 1000;
  RETORT_CHECK(json.size() <= kMost, where, ": got ", json.size(), ", expected at most ", kMost);
}

// The architecture's reader knows its own keys only; "pth" is nearest to a key of ours.
void RequireModelKeys(const Json& json, const std::string& where) {
  if (!json.contains("model_type")) return;
  const Json all = model::WriteModelOptions(
      model::ReadModelOptions({{"model_type", json["model_type"]}}, where));
  ModelFields own;
  std::vector<std::string> names;
  for (const Field& field : ListFields(own)) names.push_back(field.name);
  for (const auto& [name, value] : all.items()) names.push_back(name);
  for (const auto& [key, value] : json.items()) {
    RETORT_CHECK(std::ranges::count(names, key), where, ": unknown key '", key, "'.",
                 DidYouMean(key, names), " Known keys: ", Join(names, ", "));
  }
}

ModelSpec ReadModel(const std::string& name, Json json, const std::string& where) {
  const auto fields = TakeFields<ModelFields>(json, where);
  ModelSpec spec{name, fields.path, fields.same_start_as, {}};
  if (spec.path.empty() && spec.same_start_as.empty()) {
    RequireModelKeys(json, where);
    spec.config = model::ReadModelOptions(json, where);
    model::Validate(spec.config);
  } else {
    RETORT_CHECK(json.empty(), where, ": '", json.begin().key(),
                 "' has no effect beside path or same_start_as; remove it");
    RETORT_CHECK(spec.path.empty() || spec.same_start_as.empty(), where,
                 ": give path or same_start_as, not both");
  }
  return spec;
}

void ReadModels(const Json& json, const std::string& where, Recipe& recipe) {
  RETORT_CHECK(json.is_object() && !json.empty(), where,
               ": expected an object with at least one model");
  RequireFew(json, where);
  for (const auto& [name, value] : json.items()) {
    RETORT_CHECK(
        !name.empty() && name.find('/') == std::string::npos, where, ": '", name,
        "' is no name of a model; use one without '/', it also names the folder final-NAME");
    ModelSpec spec = ReadModel(name, value, where + "." + name);
    if (!spec.same_start_as.empty()) {
      const auto source = std::ranges::find(recipe.models, spec.same_start_as, &ModelSpec::name);
      RETORT_CHECK(source != recipe.models.end(), where, ".", name, ".same_start_as: '",
                   spec.same_start_as, "' is no model listed before it");
      spec.config = source->config;
    }
    recipe.models.push_back(std::move(spec));
  }
}

// Problems that stages share, by name: {"NAME": {"file": …, "split_shares": …}}.
void CheckData(const Json& data, const std::string& where) {
  RETORT_CHECK(data.is_object(), where, ": expected an object {\"NAME\": {\"file\": …}}");
  RequireFew(data, where);
  for (const auto& [name, value] : data.items()) {
    RETORT_CHECK(!value.is_object() || !value.contains("split"), where, ".", name,
                 ".split: is the side that a stage uses; write it in the stage's problems");
    train::ProblemOptions options;
    ReadOptions(value, where + "." + name, options);
  }
}

// Puts the data that `problems` names in its place; keys of the stage win.
void MergeData(const Json& data, const std::string& where, Json& problems) {
  if (!problems.is_object() || !problems.contains("data")) return;
  const Json name = problems["data"];
  std::vector<std::string> names;
  for (const auto& [known, value] : data.items()) names.push_back(known);
  RETORT_CHECK(name.is_string() && data.contains(name.get<std::string>()), where,
               ".data: ", ToJsonLine(name), " is no data of the recipe.",
               name.is_string() ? DidYouMean(name.get<std::string>(), names) : "",
               " Known data: ", names.empty() ? "none" : Join(names, ", "));
  Json merged = data[name.get<std::string>()];
  problems.erase("data");
  merged.update(problems, /*merge_objects=*/true);
  problems = std::move(merged);
}

void ReadStages(Json json, const Json& data, const std::string& where, Recipe& recipe) {
  RETORT_CHECK(json.is_array() && !json.empty(), where, ": expected a list of stages");
  RequireFew(json, where);
  std::vector<std::string> model_names;
  for (const ModelSpec& spec : recipe.models) model_names.push_back(spec.name);
  std::set<std::string> names;
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string place = StrCat(where, "[", i, "]");
    RETORT_CHECK(json[i].is_object() && json[i].contains("type"), place,
                 ": expected an object with a \"type\"");
    for (const char* at : {"/problems", "/until/problems"}) {
      const Json::json_pointer problems(at);
      if (!json[i].contains(problems)) continue;
      MergeData(data, place + ReplaceAll(at, "/", "."), json[i][problems]);
    }
    StageFields fields;
    train::StageOptions options = ReadStageOptions(json[i], place, fields);
    Stage stage{fields.name.empty() ? EnumName(fields.type) : fields.name, fields.type,
                fields.model.empty() ? model_names.front() : fields.model, fields.start_from,
                std::move(options)};
    RETORT_CHECK(std::ranges::count(model_names, stage.model), place, ".model: '", stage.model,
                 "' is no model of the recipe.", DidYouMean(stage.model, model_names));
    RETORT_CHECK(stage.start_from.empty() || std::ranges::count(model_names, stage.start_from),
                 place, ".start_from: '", stage.start_from, "' is no model of the recipe.",
                 DidYouMean(stage.start_from, model_names));
    RETORT_CHECK(names.insert(stage.name).second, place, ".name: '", stage.name,
                 "' is used by an earlier stage; give each stage a name of its own");
    RETORT_CHECK(stage.name.find('.') == std::string::npos, place, ".name: '", stage.name,
                 "' must not contain a dot, which separates the parts of a setting");
    recipe.stages.push_back(std::move(stage));
  }
}

// The last stage of that name. What is malformed has no name here; reading will complain.
Json* FindStage(Json& document, const std::string& wanted, const std::string& setting) {
  Json* found = nullptr;
  std::vector<std::string> names;
  for (Json& stage : document["stages"]) {
    for (const char* key : {"name", "type"}) {
      if (!stage.is_object() || !stage.contains(key) || !stage[key].is_string()) continue;
      names.push_back(stage[key]);
      if (names.back() == wanted) found = &stage;
      break;
    }
  }
  RETORT_CHECK(found, "--set ", setting, ": '", wanted,
               "' is neither a key nor a stage of the recipe.", DidYouMean(wanted, names));
  return found;
}

}  // namespace

Recipe ReadRecipe(const Json& json, const std::string& where) {
  Json rest = json;
  const auto fields = TakeFields<RecipeFields>(rest, where);
  Recipe recipe{
      .name = fields.name,
      .description = fields.description,
      .seed = fields.seed,
      .prompt_template = {fields.prompt_template, fields.system_prompt, fields.examples},
      .precision = {fields.dtype, fields.cache_dtype.value_or(nn::CacheFor(fields.dtype))},
      .models = {},
      .stages = {}};
  RETORT_CHECK(!recipe.name.empty(), where, ".name: expected a name");
  model::CheckSystem({fields.prompt_template, fields.system_prompt}, where + ".system_prompt");
  model::CheckSystem(recipe.prompt_template, where + ".examples");
  RETORT_CHECK(!nn::IsQuantized(recipe.precision.products), where, ".dtype: got ",
               EnumName(recipe.precision.products),
               ", which only samples. Learn with float32 or bfloat16, and set rollout_dtype in the "
               "grpo stage");
  RETORT_CHECK(!nn::IsQuantized(recipe.precision.cache), where, ".cache_dtype: got ",
               EnumName(recipe.precision.cache), ", expected float32 or bfloat16");
  for (const auto& [key, value] : rest.items()) {
    std::vector<std::string> known{"data", "models", "stages"};
    RecipeFields all;
    for (const Field& field : ListFields(all)) known.push_back(field.name);
    RETORT_CHECK(key == "data" || key == "models" || key == "stages", where, ": unknown key '", key,
                 "'.", DidYouMean(key, known), " Known keys: ", Join(known, ", "));
  }
  RETORT_CHECK(rest.contains("models"), where, ".models: missing");
  RETORT_CHECK(rest.contains("stages"), where, ".stages: missing");
  ReadModels(rest["models"], where + ".models", recipe);
  const Json data = rest.value("data", Json::object());
  CheckData(data, where + ".data");
  ReadStages(rest["stages"], data, where + ".stages", recipe);
  return recipe;
}

Json WriteRecipe(const Recipe& recipe) {
  Json json = WriteOptions(RecipeFields{recipe.name, recipe.description, recipe.seed,
                                        recipe.prompt_template.frame, recipe.prompt_template.system,
                                        recipe.prompt_template.examples, recipe.precision.products,
                                        recipe.precision.cache});
  for (const ModelSpec& spec : recipe.models) {
    Json& model = json["models"][spec.name];
    if (!spec.path.empty()) {
      model = {{"path", spec.path}};
    } else if (!spec.same_start_as.empty()) {
      model = {{"same_start_as", spec.same_start_as}};
    } else {
      model = model::WriteModelOptions(spec.config);
    }
  }
  for (const Stage& stage : recipe.stages) {
    Json item = WriteOptions(StageFields{stage.name, stage.type, stage.model, stage.start_from});
    train::StageOptions options = stage.options;
    item.update(WriteFields(stage.type->fields(options)));
    json["stages"].push_back(std::move(item));
  }
  return json;
}

std::string RecipeHash(const Recipe& recipe) {
  return Fingerprint().Add(ToJsonLine(WriteRecipe(recipe))).Hex();
}

void ApplySetting(Json& document, const std::string& setting) {
  const size_t equals = setting.find('=');
  RETORT_CHECK(equals != std::string::npos && equals > 0, "--set ", setting,
               ": expected KEY=VALUE, such as seed=2 or grpo.learning_rate=1e-4");
  const std::vector<std::string> path = Split(setting.substr(0, equals), '.');
  RETORT_CHECK(path.size() <= kMaxJsonDepth, "--set ", setting.substr(0, 40),
               "…: nested deeper than ", kMaxJsonDepth, " levels");
  Json value = JsonOrText(std::string_view(setting).substr(equals + 1),
                          "--set " + setting.substr(0, equals));

  RETORT_CHECK(document.is_object(), "--set ", setting, ": the recipe is not an object");
  // A key of the document comes before a stage of that name.
  Json* place = &document;
  size_t next = 0;
  if (!document.contains(path[0]) && path.size() > 1) {
    place = FindStage(document, path[0], setting);
    next = 1;
  }
  const auto require_object = [&] {
    RETORT_CHECK(place->is_object() || place->is_null(), "--set ", setting, ": '", path[next],
                 "' is not inside an object. Stages are named: NAME.KEY=VALUE");
  };
  for (; next + 1 < path.size(); ++next) {
    require_object();
    place = &(*place)[path[next]];
  }
  require_object();
  (*place)[path[next]] = std::move(value);
}

Json LoadRecipeDocument(const std::string& path_or_name) {
  // Before files, so that a shipped name means the same in every folder.
  std::vector<std::string> names;
  for (const auto& [name, text] : ShippedRecipes()) {
    if (name == path_or_name) return ParseJson(text, name, /*comments=*/true);
    names.push_back(name);
  }
  RETORT_CHECK(std::filesystem::exists(path_or_name), path_or_name,
               ": no such file, and no shipped recipe of that name.",
               DidYouMean(path_or_name, names), " Shipped recipes: ", Join(names, ", "));
  constexpr size_t kLargest = 16 << 20;  // bytes of what a command writes: <(command)
  const std::string text = std::filesystem::is_fifo(path_or_name) ? ReadPipe(path_or_name, kLargest)
                                                                  : ReadFile(path_or_name);
  return ParseJson(text, path_or_name, /*comments=*/true);
}

}  // namespace retort::recipes
