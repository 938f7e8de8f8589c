#include "model/pretrained.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>

#include "base/file.h"
#include "base/fingerprint.h"
#include "model/internal/weight_files.h"
#include "model/safetensors.h"

namespace retort::model {

void SaveWeights(const LanguageModel& model, const std::filesystem::path& file, SavedDtype dtype) {
  std::vector<StoredTensor> tensors;
  std::deque<std::vector<nn::BFloat16>> halves;
  for (const nn::ParameterInfo& p : model.values().layout().all()) {
    const std::span<const float> values = model.values()[p.name];
    // What no gradient moves is a bias of the router, which steps too small for halves move.
    if (dtype == SavedDtype::kFloat32 || !p.trainable) {
      tensors.push_back(FloatTensor(p.name, p.shape, values));
      continue;
    }
    std::vector<nn::BFloat16>& rounded = halves.emplace_back(values.size());
    nn::ToBFloat16(values.data(), std::ssize(values), rounded.data());
    tensors.push_back({p.name, StoredType::kBF16, p.shape, std::as_bytes(std::span(rounded))});
  }
  WriteSafetensors(file, std::move(tensors), {{"format", "pt"}});  // transformers 4 asks for it
}

namespace {

void Read(const WeightFiles& files, const std::filesystem::path& folder, LanguageModel& model) {
  nn::ParameterStore& values = model.ChangeValues();
  for (const nn::ParameterInfo& p : values.layout().all()) {
    const StoredTensor& tensor = *files.tensors.Find(p.name);
    RequireFinite(tensor, folder);
    ReadFloats(tensor, values[p.name]);
    TensorSource::Forget(tensor.mat());
  }
}

}  // namespace

void LoadWeights(LanguageModel& model, const std::filesystem::path& folder) {
  Read(OpenWeightFiles(model.config(), folder), folder, model);
}

std::vector<std::string> CheckWeights(const ModelConfig& config,
                                      const std::filesystem::path& folder) {
  return OpenWeightFiles(config, folder).notes;
}

void SavePretrained(const LanguageModel& model, const Tokenizer& tokenizer,
                    const GenerationConfig& generation, PromptTemplate prompt_template,
                    const std::filesystem::path& folder, SavedDtype dtype) {
  RETORT_CHECK(model.network().trains_base(), folder.string(),
               ": adapters cannot be written as a model");
  GenerationConfig named = generation;
  const std::vector<int32_t> stops = StopIds(generation, tokenizer);
  named.eos_token_id.assign(stops.begin(), stops.end());
  WriteModelConfig(model.config(), folder, EnumName(dtype));
  WriteGenerationConfig(named, folder);
  tokenizer.Save(folder, ChatTemplate(tokenizer, prompt_template));
  SaveWeights(model, folder / "model.safetensors", dtype);
}

namespace {

Tokenizer LoadTokenizer(const std::filesystem::path& folder, const ModelConfig& config) {
  Tokenizer tokenizer = Tokenizer::Load(folder);
  const int64_t ids = Common(config).vocab_size;
  RETORT_CHECK(tokenizer.vocab_size() <= ids, folder.string(), ": tokenizer.json has ",
               tokenizer.vocab_size(), " ids, but config.json gives vocab_size ", ids);
  return tokenizer;
}

}  // namespace

PackedModel LoadPacked(const std::filesystem::path& folder, nn::Compute& compute,
                       const nn::Precision& precision) {
  nn::RequireRunnable(precision);
  const ModelConfig config = ReadModelConfig(folder);
  Tokenizer tokenizer = LoadTokenizer(folder, config);
  WeightFiles files = OpenWeightFiles(config, folder);
  const auto network = Network::Make(config);
  for (const nn::ParameterInfo& p : network->layout()->all()) {
    const StoredTensor& tensor = *files.tensors.Find(p.name);
    RequireFinite(tensor, folder);
    TensorSource::Forget(tensor.mat());
  }
  return {network->Pack(compute, files.tensors, {precision}), std::move(tokenizer),
          ReadGenerationConfig(folder), std::move(files.notes)};
}

Pretrained LoadPretrained(const std::filesystem::path& folder, const nn::Precision& precision) {
  const ModelConfig config = ReadModelConfig(folder);
  Tokenizer tokenizer = LoadTokenizer(folder, config);
  WeightFiles files = OpenWeightFiles(config, folder);
  auto model = std::make_unique<LanguageModel>(Network::Make(config), precision);
  Read(files, folder, *model);
  return {std::move(model), std::move(tokenizer), ReadGenerationConfig(folder),
          std::move(files.notes)};
}

std::string HashOfModel(const std::filesystem::path& folder) {
  std::vector<std::string> names{"chat_template.jinja", "config.json", "generation_config.json",
                                 "tokenizer.json", "tokenizer_config.json"};
  if (std::filesystem::exists(folder / "model.safetensors")) {
    names.push_back("model.safetensors");
  } else {
    names.push_back("model.safetensors.index.json");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".safetensors") names.push_back(entry.path().filename());
    }
  }
  std::sort(names.begin(), names.end());
  Fingerprint hash;
  for (const std::string& name : names) {
    if (!std::filesystem::exists(folder / name)) continue;
    const MappedFile file(folder / name);
    hash.Add(name);
    hash.Add({reinterpret_cast<const char*>(file.data()), file.size()});
  }
  return hash.Hex();
}

void CopyWeights(const LanguageModel& from, LanguageModel& to) {
  const auto& source = from.values().layout().all();
  const auto& target = to.values().layout().all();
  RETORT_CHECK(source.size() == target.size(), "models of different shapes cannot share weights");
  for (size_t i = 0; i < source.size(); ++i) {
    RETORT_CHECK(source[i].shape == target[i].shape, "parameter '", target[i].name,
                 "' has another shape in the model it should be copied from");
  }
  std::ranges::copy(from.values().numbers(), to.ChangeValues().numbers().begin());
}

}  // namespace retort::model
