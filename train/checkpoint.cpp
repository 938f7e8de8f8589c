#include "train/checkpoint.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/version.h"
#include "model/safetensors.h"

namespace retort::train {
namespace {

constexpr const char* kStateFile = "trainer_state.json";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kReferenceFolder = "reference";

// body(parameter, the suffix of the tensor's name, the numbers) for both moments of each trainable
// parameter.
template <class Body>
void ForEachMoment(nn::AdamW& optimizer, const Body& body) {
  for (const nn::ParameterInfo& p : optimizer.first().layout().all()) {
    if (!p.trainable) continue;
    body(p, ".exp_avg", optimizer.first()[p.name]);
    body(p, ".exp_avg_sq", optimizer.second()[p.name]);
  }
}

int64_t Count(const Json& json, const char* key, const std::string& where) {
  const auto found = json.find(key);  // none in what is no object
  RETORT_CHECK(found != json.end() && found->is_number_unsigned() &&
                   found->get<uint64_t>() <= uint64_t{INT64_MAX},
               where, ": '", key, "' is missing or no count");
  return json[key];
}

}  // namespace

Json Environment() {
  return {
      {"retort", kVersion}, {"instruction_set", nn::IsaName()}, {"compiler", nn::CompilerName()}};
}

void SaveCheckpoint(const std::filesystem::path& folder, const std::string& owner,
                    const CheckpointContent& content, const TrainerState& state) {
  AtomicFolder directory(folder, owner,
                         {{"kind", "checkpoint"},
                          {"model", state.model},
                          {"stage", state.stage},
                          {"step", state.step},
                          {"global_step", state.global_step}});
  const std::filesystem::path& path = directory.temporary();
  model::SavePretrained(*content.model, *content.tokenizer, content.generation,
                        content.prompt_template, path);
  FaultPoint("checkpoint-write");
  if (content.reference) {
    std::filesystem::create_directory(path / kReferenceFolder);
    model::SaveWeights(*content.reference, path / kReferenceFolder / "model.safetensors");
  }
  int64_t optimizer_steps = 0;
  if (content.optimizer) {
    std::vector<model::StoredTensor> tensors;
    ForEachMoment(*content.optimizer,
                  [&](const nn::ParameterInfo& p, const char* suffix, std::span<float> moment) {
                    tensors.push_back(model::FloatTensor(p.name + suffix, p.shape, moment));
                  });
    model::WriteSafetensors(path / kOptimizerFile, std::move(tensors));
    optimizer_steps = content.optimizer->steps();
  }
  const Json json = {{"recipe_hash", state.recipe_hash},
                     {"model", state.model},
                     {"stage", state.stage},
                     {"stage_index", state.stage_index},
                     {"step", state.step},
                     {"global_step", state.global_step},
                     {"optimizer_steps", optimizer_steps},
                     {"stage_state", state.stage_state},
                     {"environment", state.environment}};
  WriteFileAtomic(path / kStateFile, json.dump(2) + "\n");
  directory.Commit();
}

TrainerState ReadTrainerState(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kStateFile;
  const Json json = ParseJson(ReadFile(file), file.string());
  for (const char* key : {"recipe_hash", "model", "stage", "stage_index", "step", "global_step",
                          "stage_state", "environment"}) {
    RETORT_CHECK(json.is_object() && json.contains(key), file.string(),
                 ": not a trainer state of Retort: '", key, "' is missing");
  }
  for (const char* key : {"stage_index", "step", "global_step"}) Count(json, key, file.string());
  try {
    return {json.at("recipe_hash"), json.at("model"),      json.at("stage"),
            json.at("stage_index"), json.at("step"),       json.at("global_step"),
            json.at("stage_state"), json.at("environment")};
  } catch (const Json::exception&) {
    Fail(file.string(), ": not a trainer state of Retort: a value is of another kind than written");
  }
}

void LoadOptimizer(const std::filesystem::path& folder, nn::AdamW& optimizer) {
  const std::filesystem::path file = folder / kOptimizerFile;
  const model::TensorSource tensors = model::OpenSafetensors(file);
  ForEachMoment(optimizer, [&](const nn::ParameterInfo& p, const char* suffix,
                               std::span<float> moment) {
    const model::StoredTensor* tensor = tensors.Find(p.name + suffix);
    RETORT_CHECK(tensor, file.string(), ": tensor '", p.name, suffix, "' is missing");
    RETORT_CHECK(tensor->shape == p.shape, file.string(), ": tensor '", p.name, suffix,
                 "' has another shape than the model. Is this the checkpoint of another model?");
    model::ReadFloats(*tensor, moment);
  });
  const std::string state = (folder / kStateFile).string();
  const Json json = ParseJson(ReadFile(state), state);
  optimizer.set_steps(Count(json, "optimizer_steps", state));
}

void LoadReference(const std::filesystem::path& folder, model::LanguageModel& reference) {
  model::LoadWeights(reference, folder / kReferenceFolder);
}

}  // namespace retort::train
