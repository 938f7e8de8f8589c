#include "model/pretrained.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/strings.h"
#include "model/safetensors.h"

namespace retort::model {
namespace {

std::string ShowShape(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(StrCat(size));
  return "[" + Join(sizes, ", ") + "]";
}

// The files hold these tensors, in these shapes, and no others.
void RequireTensors(const ModelConfig& config, const std::vector<TensorShape>& tensors,
                    const WeightFiles& files, const std::filesystem::path& folder) {
  std::vector<std::string> known;
  for (const auto& [name, shape] : tensors) {
    known.push_back(name);
    const StoredTensor* tensor = files.Find(name);
    RETORT_CHECK(tensor, folder.string(), ": tensor '", name,
                 "' is missing, but config.json implies it.", DidYouMean(name, files.Names()));
    RETORT_CHECK(tensor->shape == shape, folder.string(), ": tensor '", name, "' has shape ",
                 ShowShape(tensor->shape), ", but config.json implies ", ShowShape(shape));
  }
  std::ranges::sort(known);
  const bool tied = std::visit([](const auto& c) { return c.tie_word_embeddings; }, config);
  for (const std::string& name : files.Names()) {
    if (tied && name == "lm_head.weight") continue;  // some exports store the tied copy
    RETORT_CHECK(std::ranges::binary_search(known, name), folder.string(), ": tensor '", name,
                 "' belongs to nothing that config.json describes.", DidYouMean(name, known));
  }
}

// A number that is not finite has all bits of its exponent set; without a branch for each.
void RequireFinite(std::span<const float> values, const std::filesystem::path& folder,
                   const std::string& name) {
  constexpr uint32_t kExponent = 0x7f80'0000;
  const auto is_bad = [](float value) {
    return (std::bit_cast<uint32_t>(value) & kExponent) == kExponent;
  };
  bool bad = false;
  for (const float value : values) bad |= is_bad(value);
  if (!bad) return;
  const auto first = std::ranges::find_if(values, is_bad);
  Fail(folder.string(), ": tensor '", name, "' holds ", *first, " at element ",
       first - values.begin(),
       ", expected finite numbers. The file is damaged, or the training "
       "that wrote it had diverged; use an earlier checkpoint");
}

}  // namespace

void SaveWeights(LanguageModel& model, const std::filesystem::path& file) {
  std::vector<StoredTensor> tensors;
  for (const nn::Parameter& p : model.parameters().all()) {
    tensors.push_back(FloatTensor(p.name, p.shape, p.value));
  }
  WriteSafetensors(file, std::move(tensors));
}

void CheckWeights(const ModelConfig& config, const std::filesystem::path& folder) {
  RequireTensors(config, TensorShapes(config), WeightFiles(folder), folder);
}

void LoadWeights(LanguageModel& model, const std::filesystem::path& folder, nn::Compute& compute) {
  const WeightFiles files(folder);
  std::vector<TensorShape> tensors;
  for (const nn::Parameter& p : model.parameters().all()) tensors.push_back({p.name, p.shape});
  RequireTensors(model.config(), tensors, files, folder);
  for (nn::Parameter& p : model.parameters().all()) {
    ReadFloats(*files.Find(p.name), p.value);
    RequireFinite(p.value, folder, p.name);
  }
  model.Pack(compute);
}

void SavePretrained(LanguageModel& model, const Tokenizer& tokenizer,
                    const GenerationConfig& generation, PromptTemplate prompt_template,
                    const std::filesystem::path& folder) {
  WriteModelConfig(model.config(), folder);
  WriteGenerationConfig(generation, folder);
  tokenizer.Save(folder, ChatTemplate(prompt_template));
  SaveWeights(model, folder / "model.safetensors");
}

Pretrained LoadPretrained(const std::filesystem::path& folder, nn::Compute& compute) {
  const ModelConfig config = ReadModelConfig(folder);
  Tokenizer tokenizer = Tokenizer::Load(folder);
  std::unique_ptr<LanguageModel> model = NewModel(config, 0, compute);
  RETORT_CHECK(tokenizer.vocab_size() <= model->vocab_size(), folder.string(),
               ": tokenizer.json has ", tokenizer.vocab_size(),
               " ids, but config.json gives vocab_size ", model->vocab_size());
  LoadWeights(*model, folder, compute);
  return {std::move(model), std::move(tokenizer), ReadGenerationConfig(folder)};
}

std::string HashOfModel(const std::filesystem::path& folder) {
  std::vector<std::string> names{"config.json", "generation_config.json", "tokenizer.json",
                                 "tokenizer_config.json"};
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

void CopyWeights(LanguageModel& from, LanguageModel& to, nn::Compute& compute) {
  auto& source = from.parameters().all();
  auto& target = to.parameters().all();
  RETORT_CHECK(source.size() == target.size(), "models of different shapes cannot share weights");
  for (size_t i = 0; i < source.size(); ++i) {
    RETORT_CHECK(source[i].shape == target[i].shape, "parameter '", target[i].name,
                 "' has another shape in the model it should be copied from");
    target[i].value = source[i].value;
  }
  to.Pack(compute);
}

}  // namespace retort::model
