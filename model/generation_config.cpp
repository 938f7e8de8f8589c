#include "model/generation_config.h"

#include "base/file.h"

namespace retort::model {
namespace {
constexpr const char* kFileName = "generation_config.json";
}

GenerationConfig ReadGenerationConfig(const std::filesystem::path& folder) {
  GenerationConfig config;
  const std::filesystem::path path = folder / kFileName;
  if (!std::filesystem::exists(path)) return config;
  Json json = ParseJson(ReadFile(path), path.string());
  RETORT_CHECK(json.is_object(), path.string(), ": expected an object");
  if (json.contains("eos_token_id") && json["eos_token_id"].is_number()) {
    json["eos_token_id"] = Json::array({json["eos_token_id"]});
  }
  for (const Field& field : ListFields(config)) {
    const auto found = json.find(field.name);
    if (found == json.end() || found->is_null()) continue;
    field.set(*found, path.string() + ": " + field.name);
  }
  return config;
}

void WriteGenerationConfig(const GenerationConfig& config, const std::filesystem::path& folder) {
  Json json = {{"_from_model_config", false}};
  const Json fields = WriteOptions(config);
  for (const auto& [key, value] : fields.items()) {
    if (!value.is_null() && !(value.is_array() && value.empty())) json[key] = value;
  }
  if (config.eos_token_id.size() == 1) json["eos_token_id"] = config.eos_token_id[0];
  WriteFileAtomic(folder / kFileName, json.dump(2) + "\n");
}

}  // namespace retort::model
