// Reading and writing of config.json and of the `model` object of a recipe.

#include <algorithm>
#include <map>
#include <string_view>

#include "base/file.h"
#include "base/strings.h"
#include "model/internal/architecture.h"

namespace retort::model {
namespace {

const Architecture& ReadModelType(const Json& json, const std::string& where) {
  std::vector<std::string> types;
  for (const Architecture& row : Architectures()) types.emplace_back(row.model_type);
  RETORT_CHECK(json.is_object(), where, ": expected an object with a model_type");
  RETORT_CHECK(json.contains("model_type"), where, ": model_type is missing, expected one of ",
               Join(types, ", "));
  return FindArchitecture(json["model_type"], where + ".model_type");
}

/// A published key that Retort does not model, and the one value it can run.
struct Fixed {
  const char* key;
  Json value;
};

const std::vector<Fixed>& FixedKeys() {
  static const std::vector<Fixed> keys = {{"hidden_act", "silu"},
                                          {"attention_dropout", 0.0},
                                          {"mlp_bias", false},
                                          {"use_sliding_window", false},
                                          {"rope_interleave", true}};
  return keys;
}

/// Fields that a published file may leave out, because transformers then assumes our default.
bool MayBeAbsent(std::string_view key) {
  static const std::vector<std::string_view> keys = {"num_nextn_predict_layers",
                                                     "moe_layer_freq",
                                                     "decoder_sparse_step",
                                                     "mlp_only_layers",
                                                     "topk_method",
                                                     "scoring_func",
                                                     "q_lora_rank",
                                                     "head_dim",
                                                     "attention_bias",
                                                     "rope_theta",
                                                     "rope_scaling",
                                                     "sliding_window",
                                                     "rms_norm_eps",
                                                     "initializer_range",
                                                     "tie_word_embeddings",
                                                     "bos_token_id",
                                                     "eos_token_id",
                                                     "pad_token_id",
                                                     "num_key_value_heads"};
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Our `rope_theta` and `rope_scaling` from either published form. In the older one rope_scaling is
/// null or {type | rope_type, …}; in the newer one rope_parameters holds rope_theta as well.
void NormaliseRope(Json& json, const std::string& where) {
  Json scaling = json.value("rope_scaling", Json());
  if (json.contains("rope_parameters") && json["rope_parameters"].is_object()) {
    scaling = json["rope_parameters"];
    if (scaling.contains("rope_theta")) {
      json["rope_theta"] = scaling["rope_theta"];
      scaling.erase("rope_theta");
    }
  }
  json.erase("rope_scaling");
  if (scaling.is_null()) return;
  RETORT_CHECK(scaling.is_object(), where, ".rope_scaling: expected an object or null");
  Json ordered = Json::object();  // the type first, so that an unknown one is what gets reported
  for (const char* key : {"type", "rope_type"}) {
    if (scaling.contains(key)) ordered["type"] = scaling[key];
    scaling.erase(key);
  }
  scaling.erase("finetuned");  // says how the model came about
  RETORT_CHECK(scaling.value("partial_rotary_factor", Json(1.0)) == 1.0, where,
               ".partial_rotary_factor: got ", ToJsonLine(scaling["partial_rotary_factor"]),
               ", supported is only 1.0");
  scaling.erase("partial_rotary_factor");
  for (const auto& [key, value] : scaling.items()) {
    if (!value.is_null()) ordered[key] = value;
  }
  json["rope_scaling"] = std::move(ordered);
}

/// Only what belongs to the type, which older readers know as `type`.
Json PublishedRope(const RopeScaling& scaling) {
  static const std::map<RopeType, std::vector<const char*>> kKeys = {
      {RopeType::kDefault, {}},
      {RopeType::kLinear, {"factor"}},
      {RopeType::kYarn,
       {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale",
        "mscale_all_dim", "attention_factor", "truncate"}},
      {RopeType::kLlama3,
       {"factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"}}};
  if (scaling.type == RopeType::kDefault) return nullptr;
  const Json all = WriteOptions(scaling);
  Json json = {{"type", all["type"]}, {"rope_type", all["type"]}};
  for (const char* key : kKeys.at(scaling.type)) {
    if (!all[key].is_null()) json[key] = all[key];
  }
  return json;
}

template <class Config>
void ReadPublished(const Json& json, const std::string& where, Config& config) {
  for (const Field& field : ListFields(config)) {
    const auto found = json.find(field.name);
    if (found == json.end() || found->is_null()) {
      RETORT_CHECK(MayBeAbsent(field.name), where, ": ", field.name,
                   " is missing: a published model must state it");
      continue;
    }
    field.set(*found, where + "." + field.name);
  }
}

/// A field may say what a model_type says, too.
void RequireType(const Architecture& row, const ModelConfig& config, const std::string& where) {
  const auto* c = std::get_if<DeepseekConfig>(&config);
  RETORT_CHECK(ModelType(config) == row.model_type, where, ".topk_method: got \"",
               c ? EnumName(c->topk_method) : "", "\", which makes a ", ModelType(config),
               " model, but model_type is ", row.model_type, ". Change one of the two");
}

}  // namespace

ModelConfig ReadModelOptions(const Json& json, const std::string& where) {
  const Architecture& row = ReadModelType(json, where);
  Json fields = json;
  fields.erase("model_type");
  ModelConfig config = row.defaults();
  std::visit([&](auto& c) { ReadOptions(fields, where, c); }, config);
  RequireType(row, config, where);
  return config;
}

Json WriteModelOptions(const ModelConfig& config) {
  Json json = {{"model_type", ModelType(config)}};
  json.update(std::visit([](const auto& c) { return WriteOptions(c); }, config));
  return json;
}

std::vector<ModelFamily> ModelFamilies() {
  std::vector<ModelFamily> families;
  size_t last = std::variant_npos;
  for (const Architecture& row : Architectures()) {
    // Of the struct, not of the row: a row's model_type is given anyway.
    const ModelConfig config = std::visit(
        [](const auto& c) { return ModelConfig(std::decay_t<decltype(c)>()); }, row.defaults());
    if (config.index() != last) families.push_back({{}, row.help, config});
    families.back().model_types.emplace_back(row.model_type);
    last = config.index();
  }
  return families;
}

ModelConfig ReadPublishedConfig(const Json& published, const std::string& where) {
  const Architecture& row = ReadModelType(published, where);
  Json json = published;
  NormaliseRope(json, where);
  for (const Fixed& fixed : FixedKeys()) {
    RETORT_CHECK(!json.contains(fixed.key) || json[fixed.key] == fixed.value, where, ".", fixed.key,
                 ": got ", ToJsonLine(json[fixed.key]), ", supported is only ",
                 ToJsonLine(fixed.value));
  }
  if (json.contains("eos_token_id") && json["eos_token_id"].is_array()) {
    const Json list = json["eos_token_id"];
    json["eos_token_id"] = list.empty() ? Json() : list[0];
  }
  if (row.normalise) row.normalise(json, where);
  ModelConfig config = row.defaults();
  std::visit([&](auto& c) { ReadPublished(json, where, c); }, config);
  RequireType(row, config, where);
  if (row.complete) row.complete(json, config);
  return config;
}

ModelConfig ReadModelConfig(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  return ReadPublishedConfig(ParseJson(ReadFile(path), path.string()), path.string());
}

Json PublishedConfig(const ModelConfig& config, const std::string& dtype) {
  const Architecture& row = ArchitectureOf(config);
  Json json = {{"architectures", Json::array({row.class_name})}};
  json.update(WriteModelOptions(config));
  json["rope_scaling"] =
      PublishedRope(std::visit([](const auto& c) { return c.rope_scaling; }, config));
  json["hidden_act"] = "silu";
  json["attention_dropout"] = 0.0;
  row.publish(config, json);
  json["use_cache"] = true;
  json["torch_dtype"] = dtype;
  return json;
}

void WriteModelConfig(const ModelConfig& config, const std::filesystem::path& folder,
                      const std::string& dtype) {
  WriteFileAtomic(folder / "config.json", PublishedConfig(config, dtype).dump(2) + "\n");
}

}  // namespace retort::model
