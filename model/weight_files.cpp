#include "model/internal/weight_files.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <span>

#include "base/file.h"
#include "base/plural.h"
#include "base/strings.h"
#include "model/internal/layer_spec.h"
#include "model/network.h"
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
      {"lm_head.", {"vocab_size", "tie_word_embeddings"}}};
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

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kEmbedding = "model.embed_tokens.weight";

bool SameNumbers(const StoredTensor& a, const StoredTensor& b) {
  if (a.shape != b.shape || a.shape.size() != 2) return false;
  if (a.type == b.type && !a.scales && !b.scales) return std::ranges::equal(a.data, b.data);
  if (a.elements() == 0) return true;  // whatever the other extent is
  std::vector<float> row_a(static_cast<size_t>(a.shape[1])), row_b(row_a.size());
  for (int64_t r = 0; r < a.shape[0]; ++r) {
    a.mat().ReadRow(r, row_a.data());
    b.mat().ReadRow(r, row_b.data());
    if (row_a != row_b) return false;
  }
  return true;
}

// Some files hold the head beside the embedding that it is tied to.
void LeaveOutHead(TensorSource& files, const std::filesystem::path& folder) {
  const StoredTensor* head = files.Find(kHead);
  const StoredTensor* embedding = files.Find(kEmbedding);
  if (!head || !embedding) return;
  RETORT_CHECK(SameNumbers(*head, *embedding), folder.string(), ": tensor '", kHead, "' is not '",
               kEmbedding,
               "', though config.json says tie_word_embeddings: true. Set it to false to use both, "
               "or take the head out of the file");
  files.Remove([](const StoredTensor& tensor) { return tensor.name == kHead; });
}

// The N of "model.layers.N.…", or -1.
int64_t LayerOf(std::string_view tensor) {
  constexpr std::string_view kLayers = "model.layers.";
  int64_t layer = -1;
  if (tensor.starts_with(kLayers)) {
    std::from_chars(tensor.data() + kLayers.size(), tensor.data() + tensor.size(), layer);
  }
  return layer;
}

// DeepSeek-V3 keeps its modules for multi-token prediction as layers behind the last one.
void LeaveOutMtp(int64_t layers, WeightFiles& files) {
  std::set<int64_t> modules;
  for (const std::string& name : files.tensors.Names()) {
    const int64_t layer = LayerOf(name);
    if (layer >= layers && name.ends_with(".eh_proj.weight")) modules.insert(layer);
  }
  if (modules.empty()) return;
  const size_t before = files.tensors.tensors().size();
  files.tensors.Remove(
      [&](const StoredTensor& tensor) { return modules.contains(LayerOf(tensor.name)); });
  files.notes.push_back(StrCat(before - files.tensors.tensors().size(), " tensors of ",
                               Counted(modules.size(), "module"),
                               " for multi-token prediction (model.layers.", *modules.begin(),
                               modules.size() > 1 ? " and on" : "",
                               ") are left out: Retort does not run "
                               "them, and they would not fit a model that was trained further"));
}

void LeaveOut(const ModelConfig& config, const std::filesystem::path& folder, WeightFiles& files) {
  // Older exports of Llama hold what follows from rope_theta.
  files.tensors.Remove([](const StoredTensor& tensor) {
    return tensor.name.ends_with(".self_attn.rotary_emb.inv_freq");
  });
  if (Common(config).tie_word_embeddings) LeaveOutHead(files.tensors, folder);
  LeaveOutMtp(Common(config).num_hidden_layers, files);
}

// FP8 as DeepSeek stores it; other quantised forms have other tensors.
void ReadQuantization(const std::filesystem::path& folder, TensorSource& files) {
  const std::filesystem::path path = folder / "config.json";
  if (!std::filesystem::exists(path)) return;  // of a checkpoint, which is float32
  const Json json = ParseJson(ReadFile(path), path.string());
  const Json found = json.is_object() ? json.value("quantization_config", Json()) : Json();
  if (found.is_null()) return;
  const std::string where = path.string() + ": quantization_config";
  RETORT_CHECK(found.is_object() && found.value("quant_method", Json()) == "fp8", where,
               ".quant_method: got ",
               found.is_object() ? ToJsonLine(found.value("quant_method", Json())) : "no object",
               ", supported is only \"fp8\". Store the weights as bfloat16");
  std::vector<int64_t> block{128, 128};
  if (const Json size = found.value("weight_block_size", Json()); !size.is_null()) {
    RETORT_CHECK(size.is_array() && size.size() == 2 &&
                     std::ranges::all_of(size,
                                         [](const Json& n) {
                                           return n.is_number_unsigned() && n > 0 && n <= 1'000'000;
                                         }),
                 where, ".weight_block_size: got ", ToJsonLine(size), ", expected [rows, columns]");
    block = size.get<std::vector<int64_t>>();
  }
  files.TakeScales(block[0], block[1], folder.string());
  const StoredTensor* embedding = files.Find(kEmbedding);
  RETORT_CHECK(!embedding || !embedding->scales, folder.string(), ": tensor '", kEmbedding,
               "' is stored as F8_E4M3, expected the embedding in BF16, F16 or F32");
}

// The files hold these tensors, in these shapes, and no others.
void RequireTensors(const ModelConfig& config, const TensorSource& files,
                    const std::filesystem::path& folder) {
  const nn::ParameterLayout layout = Network::LayoutOf(config);
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
  for (const std::string& name : files.Names()) {
    RETORT_CHECK(std::ranges::binary_search(known, name), folder.string(), ": tensor '", name,
                 "' belongs to nothing that config.json describes.", DidYouMean(name, known));
  }
}

// A number that is not finite has all bits of its exponent set (in E4M3, of its fraction, too);
// without a branch for each.
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

}  // namespace

void RequireFinite(const StoredTensor& tensor, const std::filesystem::path& folder) {
  int64_t first = -1;
  switch (tensor.mat().type) {
    case nn::StoredMat::Type::kFloat32:
      first = FirstNotFinite<uint32_t>(tensor.data, 0x7f80'0000);
      break;
    case nn::StoredMat::Type::kBFloat16:
      first = FirstNotFinite<uint16_t>(tensor.data, 0x7f80);
      break;
    case nn::StoredMat::Type::kFloat8E4M3:
      first = FirstNotFinite<uint8_t>(tensor.data, 0x7f);
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

WeightFiles OpenWeightFiles(const ModelConfig& config, const std::filesystem::path& folder) {
  Validate(config);
  WeightFiles files{OpenWeights(folder), {}};
  ReadQuantization(folder, files.tensors);
  RequireCounts(config, files.tensors, folder);
  LeaveOut(config, folder, files);
  RequireTensors(config, files.tensors, folder);
  return files;
}

}  // namespace retort::model
