#include "model/pretrained.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/strings.h"
#include "model/internal/layer_spec.h"
#include "model/safetensors.h"

namespace retort::model {
namespace {

std::string ShowShape(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(StrCat(size));
  return "[" + Join(sizes, ", ") + "]";
}

// The keys of config.json that make the size of a tensor, and their values.
std::string KeysOf(const ModelConfig& config, std::string_view tensor) {
  struct Part {
    const char* name;
    std::vector<const char*> keys;
  };
  const std::vector<Part> parts = {
      {".experts.", {"n_routed_experts", "num_experts", "moe_intermediate_size"}},
      {".shared_experts.", {"n_shared_experts", "moe_intermediate_size"}},
      {".mlp.gate.", {"n_routed_experts", "num_experts"}},
      {".mlp.", {"intermediate_size"}},
      {".q_a_", {"q_lora_rank"}},
      {".q_b_", {"q_lora_rank", "num_attention_heads", "qk_nope_head_dim", "qk_rope_head_dim"}},
      {".kv_a_", {"kv_lora_rank", "qk_rope_head_dim"}},
      {".kv_b_", {"kv_lora_rank", "num_attention_heads", "qk_nope_head_dim", "v_head_dim"}},
      {".q_proj.", {"num_attention_heads", "head_dim", "qk_nope_head_dim", "qk_rope_head_dim"}},
      {".o_proj.", {"num_attention_heads", "head_dim", "v_head_dim"}},
      {".k_proj.", {"num_key_value_heads", "head_dim"}},
      {".v_proj.", {"num_key_value_heads", "head_dim"}},
      {"_norm.", {"head_dim"}},
      {"embed_tokens.", {"vocab_size"}},
      {"lm_head.", {"vocab_size"}}};
  const Json options = WriteModelOptions(config);
  std::string text = StrCat(" (hidden_size ", options["hidden_size"].dump());
  if (tensor.starts_with("model.layers.")) {
    text += StrCat(", num_hidden_layers ", options["num_hidden_layers"].dump());
  }
  const auto part = std::ranges::find_if(
      parts, [&](const Part& p) { return tensor.find(p.name) != std::string_view::npos; });
  if (part != parts.end()) {
    for (const char* key : part->keys) {
      if (options.contains(key)) text += StrCat(", ", key, " ", options[key].dump());
    }
  }
  return text + ")";
}

// How many N there are in the tensors "…BEFORE N.…".
size_t CountIn(const TensorSource& files, std::string_view before) {
  std::set<int64_t> numbers;
  for (const std::string& name : files.Names()) {
    const size_t at = name.find(before);
    int64_t number = 0;
    if (at == std::string::npos) continue;
    std::from_chars(name.data() + at + before.size(), name.data() + name.size(), number);
    numbers.insert(number);
  }
  return numbers.size();
}

// Layers and experts have tensors of their own each; before anything is made for each of them,
// there must be that many.
void RequireCounts(const ModelConfig& config, const TensorSource& files,
                   const std::filesystem::path& folder) {
  const auto tensors = static_cast<int64_t>(files.Names().size());
  const auto check = [&](const char* key, int64_t value, int64_t of_each, const char* before) {
    RETORT_CHECK(value <= tensors / std::max<int64_t>(1, of_each), folder.string(),
                 ": config.json: ", key, " is ", value, ", but the weights hold ",
                 CountIn(files, before), " of them (", tensors, " tensors in all)");
  };
  check("num_hidden_layers", Common(config).num_hidden_layers, 1, "model.layers.");
  const DecoderSpec spec = SpecOf(config);
  if (spec.moe) {
    check(spec.experts_key, spec.moe->router.experts, spec.MoeLayers(), ".mlp.experts.");
  }
}

// The files hold these tensors, in these shapes, and no others.
void RequireTensors(const ModelConfig& config, const nn::ParameterLayout& layout,
                    const TensorSource& files, const std::filesystem::path& folder) {
  std::vector<std::string> known;
  for (const nn::ParameterInfo& parameter : layout.all()) {
    const std::string& name = parameter.name;
    const std::vector<int64_t>& shape = parameter.shape;
    known.push_back(name);
    const StoredTensor* tensor = files.Find(name);
    RETORT_CHECK(tensor, folder.string(), ": tensor '", name,
                 "' is missing, but config.json implies it", KeysOf(config, name), ".",
                 DidYouMean(name, files.Names()));
    RETORT_CHECK(tensor->shape == shape, folder.string(), ": tensor '", name, "' has shape ",
                 ShowShape(tensor->shape), ", but config.json implies ", ShowShape(shape),
                 KeysOf(config, name));
  }
  std::ranges::sort(known);
  const bool tied = Common(config).tie_word_embeddings;
  for (const std::string& name : files.Names()) {
    if (tied && name == "lm_head.weight") continue;  // some exports store the tied copy
    RETORT_CHECK(std::ranges::binary_search(known, name), folder.string(), ": tensor '", name,
                 "' belongs to nothing that config.json describes.", DidYouMean(name, known));
  }
}

// A number that is not finite has all bits of its exponent set; without a branch for each.
template <class Bits>
int64_t FirstNotFinite(std::span<const std::byte> data, Bits exponent) {
  const auto is_bad = [&](size_t i) {
    Bits bits;
    std::memcpy(&bits, data.data() + i * sizeof(Bits), sizeof(Bits));
    return (bits & exponent) == exponent;
  };
  const size_t count = data.size() / sizeof(Bits);
  bool bad = false;
  for (size_t i = 0; i < count; ++i) bad |= is_bad(i);
  if (!bad) return -1;
  size_t first = 0;
  while (!is_bad(first)) ++first;
  return static_cast<int64_t>(first);
}

void RequireFinite(const StoredTensor& tensor, const std::filesystem::path& folder) {
  int64_t first = -1;
  switch (tensor.mat().type) {
    case nn::StoredMat::Type::kFloat32:
      first = FirstNotFinite<uint32_t>(tensor.data, 0x7f80'0000);
      break;
    case nn::StoredMat::Type::kBFloat16:
      first = FirstNotFinite<uint16_t>(tensor.data, 0x7f80);
      break;
    case nn::StoredMat::Type::kFloat16:
      first = FirstNotFinite<uint16_t>(tensor.data, 0x7c00);
      break;
  }
  if (first < 0) return;
  Fail(folder.string(), ": tensor '", tensor.name, "' holds ",
       ReadFloats(tensor)[static_cast<size_t>(first)], " at element ", first,
       ", expected finite numbers. The file is damaged, or the training "
       "that wrote it had diverged; use an earlier checkpoint");
}

}  // namespace

void SaveWeights(const LanguageModel& model, const std::filesystem::path& file) {
  std::vector<StoredTensor> tensors;
  for (const nn::ParameterInfo& p : model.values().layout().all()) {
    tensors.push_back(FloatTensor(p.name, p.shape, model.values()[p.name]));
  }
  WriteSafetensors(file, std::move(tensors));
}

namespace {

/// The files of a folder, once they have shown that they hold such a model.
TensorSource OpenChecked(const ModelConfig& config, const std::filesystem::path& folder) {
  Validate(config);
  TensorSource files = OpenWeights(folder);
  RequireCounts(config, files, folder);
  RequireTensors(config, Network::LayoutOf(config), files, folder);
  return files;
}

}  // namespace

void CheckWeights(const ModelConfig& config, const std::filesystem::path& folder) {
  OpenChecked(config, folder);
}

void LoadWeights(LanguageModel& model, const std::filesystem::path& folder) {
  const TensorSource files = OpenWeights(folder);
  RequireTensors(model.config(), model.values().layout(), files, folder);
  nn::ParameterStore& values = model.ChangeValues();
  for (const nn::ParameterInfo& p : values.layout().all()) {
    const StoredTensor& tensor = *files.Find(p.name);
    RequireFinite(tensor, folder);
    ReadFloats(tensor, values[p.name]);
    TensorSource::Forget(tensor.mat());
  }
}

void SavePretrained(const LanguageModel& model, const Tokenizer& tokenizer,
                    const GenerationConfig& generation, PromptTemplate prompt_template,
                    const std::filesystem::path& folder) {
  RETORT_CHECK(model.network().trains_base(), folder.string(),
               ": adapters cannot be written as a model");
  GenerationConfig named = generation;
  const std::vector<int32_t> stops = StopIds(generation, tokenizer);
  named.eos_token_id.assign(stops.begin(), stops.end());
  WriteModelConfig(model.config(), folder);
  WriteGenerationConfig(named, folder);
  tokenizer.Save(folder, ChatTemplate(tokenizer, prompt_template));
  SaveWeights(model, folder / "model.safetensors");
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
  const TensorSource files = OpenChecked(config, folder);
  const auto network = Network::Make(config);
  for (const nn::ParameterInfo& p : network->layout()->all()) {
    const StoredTensor& tensor = *files.Find(p.name);
    RequireFinite(tensor, folder);
    TensorSource::Forget(tensor.mat());
  }
  return {network->Pack(compute, files, {precision}), std::move(tokenizer),
          ReadGenerationConfig(folder)};
}

Pretrained LoadPretrained(const std::filesystem::path& folder, const nn::Precision& precision) {
  const ModelConfig config = ReadModelConfig(folder);
  Tokenizer tokenizer = LoadTokenizer(folder, config);
  CheckWeights(config, folder);
  auto model = std::make_unique<LanguageModel>(Network::Make(config), precision);
  LoadWeights(*model, folder);
  return {std::move(model), std::move(tokenizer), ReadGenerationConfig(folder)};
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
