#include "model/generation_config.h"

#include "base/file.h"
#include "model/template.h"

namespace retort::model {
namespace {

constexpr const char* kFileName = "generation_config.json";
constexpr const char* kStops = "eos_token_id";

// The members of a file that are not null; none where there is no file.
Json ReadMembers(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return Json::object();
  Json json = ParseJson(ReadFile(path), path.string());
  RETORT_CHECK(json.is_object(), path.string(), ": expected an object");
  for (auto member = json.begin(); member != json.end();) {
    member = member->is_null() ? json.erase(member) : std::next(member);
  }
  if (json.contains(kStops) && json[kStops].is_number()) json[kStops] = {json[kStops]};
  return json;
}

}  // namespace

GenerationConfig ReadGenerationConfig(const std::filesystem::path& folder) {
  GenerationConfig config;
  const std::vector<Field> fields = ListFields(config);
  const auto read = [&](const std::filesystem::path& path, const auto& wanted) {
    const Json json = ReadMembers(path);
    for (const Field& field : fields) {
      const auto found = json.find(field.name);
      if (found == json.end() || !wanted(field)) continue;
      field.set(*found, path.string() + ": " + field.name);
    }
  };
  read(folder / kFileName, [](const Field&) { return true; });
  if (config.eos_token_id.empty()) {
    read(folder / "config.json", [](const Field& field) { return field.name == kStops; });
  }
  return config;
}

void WriteGenerationConfig(const GenerationConfig& config, const std::filesystem::path& folder) {
  Json json = {{"_from_model_config", false}};
  const Json fields = WriteOptions(config);
  for (const auto& [key, value] : fields.items()) {
    if (!value.is_null() && !(value.is_array() && value.empty())) json[key] = value;
  }
  if (config.eos_token_id.size() == 1) json[kStops] = config.eos_token_id[0];
  WriteFileAtomic(folder / kFileName, json.dump(2) + "\n");
}

std::vector<int32_t> StopIds(const GenerationConfig& config, const Tokenizer& tokenizer) {
  if (config.eos_token_id.empty()) return StopIds(tokenizer);
  return {config.eos_token_id.begin(), config.eos_token_id.end()};
}

GenerationConfig NewGenerationConfig(const Tokenizer& tokenizer) {
  GenerationConfig config;
  config.do_sample = true;
  config.temperature = 1;
  config.top_p = 1;
  config.top_k = 0;
  config.min_p = 0;
  const std::vector<int32_t> stops = StopIds(tokenizer);
  config.eos_token_id.assign(stops.begin(), stops.end());
  return config;
}

}  // namespace retort::model
