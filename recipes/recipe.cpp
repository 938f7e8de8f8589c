#include "recipes/recipe.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/strings.h"

namespace retort::recipes {
namespace {

struct RecipeFields {
  std::string name;
  std::string description;
  int64_t seed = 1;
  model::PromptTemplate prompt_template = model::PromptTemplate::kShort;
  template <class V>
  void Visit(V& v) {
    v("name", name, "Name of the recipe and, by default, of its run directory.");
    v("description", description, "What it shows.");
    v("seed", seed, "Seed of every random stream.", Bounds{0, 9e15});
    v("prompt_template", prompt_template, "Text around a question.");
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
  StageType type = StageType::kEval;
  std::string model;
  template <class V>
  void Visit(V& v) {
    v("name", name, "Unique name of the stage; empty: its type.");
    v("type", type, "What the stage does.");
    v("model", model, "Which model it trains, samples or writes; empty: the first.");
  }
};

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

StageOptions DefaultOptions(StageType type) {
  switch (type) {
    case StageType::kPretrain: {
      distill::SupervisedOptions options;
      options.learn_prompt = true;
      return options;
    }
    case StageType::kSft:
      return distill::SupervisedOptions();
    case StageType::kGrpo:
      return rl::GrpoOptions();
    case StageType::kCollect:
      return CollectOptions();
    case StageType::kDistill:
      return distill::DistillOptions();
    case StageType::kEval:
      return EvalOptions();
    case StageType::kExport:
      return ExportOptions();
  }
  Fail("unknown stage type");
}

template <class T>
concept HasPanel = requires(T& options) {
  options.reward;
};

StageOptions ReadStageOptions(StageType type, Json json, const std::string& where) {
  StageOptions options = DefaultOptions(type);
  std::visit(
      [&](auto& o) {
        if constexpr (HasPanel<decltype(o)>) {
          if (json.contains("reward"))
            o.reward = train::ReadPanel(json["reward"], where + ".reward");
          json.erase("reward");
          train::RewardPanel(o.reward, where + ".reward");  // unknown verifiers and options
        }
        ReadOptions(json, where, o);
      },
      options);
  if (const auto* grpo = std::get_if<rl::GrpoOptions>(&options)) rl::Validate(*grpo, where);
  if (const auto* sft = std::get_if<distill::SupervisedOptions>(&options)) {
    distill::Validate(sft->training, where);
  }
  if (const auto* distilled = std::get_if<distill::DistillOptions>(&options)) {
    distill::Validate(distilled->training, where);
  }
  return options;
}

ModelSpec ReadModel(const std::string& name, Json json, const std::string& where) {
  const auto fields = TakeFields<ModelFields>(json, where);
  ModelSpec spec{name, fields.path, fields.same_start_as, {}};
  if (spec.path.empty() && spec.same_start_as.empty()) {
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
  for (const auto& [name, value] : json.items()) {
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

void ReadStages(const Json& json, const std::string& where, Recipe& recipe) {
  RETORT_CHECK(json.is_array() && !json.empty(), where, ": expected a list of stages");
  std::vector<std::string> model_names;
  for (const ModelSpec& spec : recipe.models) model_names.push_back(spec.name);
  std::set<std::string> names;
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string place = StrCat(where, "[", i, "]");
    Json rest = json[i];
    RETORT_CHECK(rest.is_object() && rest.contains("type"), place,
                 ": expected an object with a \"type\"");
    const auto fields = TakeFields<StageFields>(rest, place);
    Stage stage{fields.name.empty() ? EnumName(fields.type) : fields.name,
                fields.type,
                fields.model.empty() ? model_names.front() : fields.model,
                {}};
    RETORT_CHECK(std::ranges::count(model_names, stage.model), place, ".model: '", stage.model,
                 "' is no model of the recipe.", DidYouMean(stage.model, model_names));
    RETORT_CHECK(names.insert(stage.name).second, place, ".name: '", stage.name,
                 "' is used by an earlier stage; give each stage a name of its own");
    RETORT_CHECK(stage.name.find('.') == std::string::npos, place, ".name: '", stage.name,
                 "' must not contain a dot, which separates the parts of a setting");
    stage.options = ReadStageOptions(stage.type, std::move(rest), place);
    recipe.stages.push_back(std::move(stage));
  }
}

}  // namespace

Recipe ReadRecipe(const Json& json, const std::string& where) {
  Json rest = json;
  const auto fields = TakeFields<RecipeFields>(rest, where);
  Recipe recipe{fields.name, fields.description, fields.seed, fields.prompt_template, {}, {}};
  RETORT_CHECK(!recipe.name.empty(), where, ".name: expected a name");
  for (const auto& [key, value] : rest.items()) {
    std::vector<std::string> known{"models", "stages"};
    RecipeFields all;
    for (const Field& field : ListFields(all)) known.push_back(field.name);
    RETORT_CHECK(key == "models" || key == "stages", where, ": unknown key '", key, "'.",
                 DidYouMean(key, known), " Known keys: ", Join(known, ", "));
  }
  RETORT_CHECK(rest.contains("models"), where, ".models: missing");
  RETORT_CHECK(rest.contains("stages"), where, ".stages: missing");
  ReadModels(rest["models"], where + ".models", recipe);
  ReadStages(rest["stages"], where + ".stages", recipe);
  return recipe;
}

Json WriteRecipe(const Recipe& recipe) {
  Json json = WriteOptions(
      RecipeFields{recipe.name, recipe.description, recipe.seed, recipe.prompt_template});
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
    Json item = WriteOptions(StageFields{stage.name, stage.type, stage.model});
    std::visit(
        [&](const auto& options) {
          if constexpr (HasPanel<decltype(options)>) {
            item["reward"] = train::WritePanel(options.reward);
          }
          item.update(WriteOptions(options));
        },
        stage.options);
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
  const std::string text = setting.substr(equals + 1);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) value = text;

  Json* place = &document;
  size_t next = 0;
  if (!document.contains(path[0]) && path.size() > 1) {
    std::vector<std::string> names;
    for (Json& stage : document["stages"]) {
      const std::string name = stage.value("name", stage.value("type", std::string()));
      names.push_back(name);
      if (name == path[0]) place = &stage;
    }
    RETORT_CHECK(place != &document, "--set ", setting, ": '", path[0],
                 "' is neither a key nor a stage of the recipe.", DidYouMean(path[0], names));
    next = 1;
  }
  for (; next + 1 < path.size(); ++next) place = &(*place)[path[next]];
  RETORT_CHECK(place->is_object() || place->is_null(), "--set ", setting, ": '", path[next],
               "' is not inside an object");
  (*place)[path[next]] = std::move(value);
}

Json LoadRecipeDocument(const std::string& path_or_name) {
  std::vector<std::string> names;
  for (const auto& [name, text] : ShippedRecipes()) {
    if (name == path_or_name) return ParseJson(text, name, /*comments=*/true);
    names.push_back(name);
  }
  RETORT_CHECK(std::filesystem::exists(path_or_name), path_or_name,
               ": no such file, and no shipped recipe of that name.",
               DidYouMean(path_or_name, names), " Shipped recipes: ", Join(names, ", "));
  return ParseJson(ReadFile(path_or_name), path_or_name, /*comments=*/true);
}

}  // namespace retort::recipes
