// Reading and writing of config.json and of the `model` object of a recipe.

#include <algorithm>
#include <string_view>

#include "base/file.h"
#include "base/strings.h"
#include "model/config.h"

namespace retort::model {
namespace {

const std::vector<std::string>& ModelTypes() {
  static const std::vector<std::string> types = {"deepseek_v3", "deepseek_v2", "llama", "qwen2",
                                                 "qwen3"};
  return types;
}

bool IsDeepseek(std::string_view type) { return type.starts_with("deepseek"); }

std::string ReadModelType(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_object(), where, ": expected an object with a model_type");
  RETORT_CHECK(json.contains("model_type"), where, ": model_type is missing, expected one of ",
               Join(ModelTypes(), ", "));
  return options_internal::ReadChoice(json["model_type"], where + ".model_type", ModelTypes());
}

/// A published key that Retort does not model, and the one value it can run.
struct Fixed {
  const char* key;
  Json value;
};

const std::vector<Fixed>& FixedKeys() {
  static const std::vector<Fixed> keys = {{"hidden_act", "silu"},    {"attention_dropout", 0.0},
                                          {"mlp_bias", false},       {"use_sliding_window", false},
                                          {"rope_interleave", true}, {"pretraining_tp", 1}};
  return keys;
}

/// Fields that a published file may leave out, because transformers then assumes our default.
bool MayBeAbsent(std::string_view key) {
  static const std::vector<std::string_view> keys = {"num_nextn_predict_layers",
                                                     "moe_layer_freq",
                                                     "topk_method",
                                                     "scoring_func",
                                                     "q_lora_rank",
                                                     "head_dim",
                                                     "attention_bias",
                                                     "rope_theta",
                                                     "rope_scaling",
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
  for (const auto& [key, value] : scaling.items()) ordered[key] = value;
  json["rope_scaling"] = std::move(ordered);
}

template <class Config>
Config ReadPublished(const Json& json, const std::string& where) {
  Config config;
  for (const Field& field : ListFields(config)) {
    const auto found = json.find(field.name);
    if (found == json.end() || found->is_null()) {
      RETORT_CHECK(MayBeAbsent(field.name), where, ": ", field.name,
                   " is missing: a published model must state it");
      continue;
    }
    field.set(*found, where + "." + field.name);
  }
  return config;
}

const char* Architecture(const std::string& type) {
  if (type == "deepseek_v3") return "DeepseekV3ForCausalLM";
  if (type == "deepseek_v2") return "DeepseekV2ForCausalLM";
  if (type == "qwen2") return "Qwen2ForCausalLM";
  if (type == "qwen3") return "Qwen3ForCausalLM";
  return "LlamaForCausalLM";
}

}  // namespace

ModelConfig ReadModelOptions(const Json& json, const std::string& where) {
  const std::string type = ReadModelType(json, where);
  if (!IsDeepseek(type)) {
    LlamaConfig config;
    ReadOptions(json, where, config);
    return config;
  }
  DeepseekConfig config;
  if (type == "deepseek_v2") config.topk_method = TopkMethod::kGreedy;
  Json fields = json;
  fields.erase("model_type");
  ReadOptions(fields, where, config);
  RETORT_CHECK(ModelType(config) == type, where, ".topk_method: got \"",
               EnumName(config.topk_method), "\", which makes a ", ModelType(config),
               " model, but model_type is ", type, ". Change one of the two");
  return config;
}

Json WriteModelOptions(const ModelConfig& config) {
  Json json = {{"model_type", ModelType(config)}};
  json.update(std::visit([](const auto& c) { return WriteOptions(c); }, config));
  return json;
}

ModelConfig ReadPublishedConfig(const Json& published, const std::string& where) {
  const std::string type = ReadModelType(published, where);
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
  if (IsDeepseek(type)) {
    json.emplace("topk_method", type == "deepseek_v3" ? "noaux_tc" : "greedy");
    json.emplace("scoring_func", type == "deepseek_v3" ? "sigmoid" : "softmax");
    RETORT_CHECK(!json.value("attention_bias", false), where,
                 ".attention_bias: got true, supported is only false for ", type);
    for (const char* key : {"n_group", "topk_group"}) {  // V2-Lite may state null
      if (json.contains(key) && json[key].is_null()) json[key] = 1;
    }
    const auto config = ReadPublished<DeepseekConfig>(json, where);
    RETORT_CHECK(ModelType(config) == type, where, ".topk_method: \"", EnumName(config.topk_method),
                 "\" does not belong to model_type ", type);
    return config;
  }
  auto config = ReadPublished<LlamaConfig>(json, where);
  if (!json.contains("num_key_value_heads"))
    config.num_key_value_heads = config.num_attention_heads;
  if (!json.contains("head_dim") && type == "qwen3") config.head_dim = 128;
  // Some Qwen2 files carry the key; the family ignores it.
  if (config.model_type == DenseType::kQwen2) config.attention_bias = false;
  return config;
}

ModelConfig ReadModelConfig(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  return ReadPublishedConfig(ParseJson(ReadFile(path), path.string()), path.string());
}

Json PublishedConfig(const ModelConfig& config, const std::string& dtype) {
  const std::string type = ModelType(config);
  Json json = {{"architectures", Json::array({Architecture(type)})}};
  json.update(WriteModelOptions(config));
  if (json["rope_scaling"]["type"] == "default") json["rope_scaling"] = nullptr;
  json["hidden_act"] = "silu";
  json["attention_dropout"] = 0.0;
  if (const auto* dense = std::get_if<LlamaConfig>(&config)) {
    json["head_dim"] = dense->HeadDim();
    if (dense->model_type == DenseType::kLlama) json["mlp_bias"] = false;
    if (dense->model_type != DenseType::kLlama) json["use_sliding_window"] = false;
  } else {
    json["num_key_value_heads"] = json["num_attention_heads"];  // nominal: the latent is shared
    json["attention_bias"] = false;
    json["rope_interleave"] = true;
  }
  json["use_cache"] = true;
  json["torch_dtype"] = dtype;
  return json;
}

void WriteModelConfig(const ModelConfig& config, const std::filesystem::path& folder,
                      const std::string& dtype) {
  WriteFileAtomic(folder / "config.json", PublishedConfig(config, dtype).dump(2) + "\n");
}

}  // namespace retort::model
