#include "model/pretrained.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>

#include "base/file.h"
#include "model/safetensors.h"
#include "tests/model/testing.h"
#include "tests/support/op_testing.h"
#include "tests/support/tiny_models.h"

namespace retort::model::pretrained_test {
namespace {

struct Saved {
  Executor executor{1};
  nn::Compute compute{executor};
  std::unique_ptr<LanguageModel> model;
  std::filesystem::path folder = TestFolder();

  explicit Saved(ModelConfig config) {
    std::visit([](auto& c) { c.vocab_size = 264; }, config);
    model = testing::TinyModel(config);
    GenerationConfig generation;
    generation.eos_token_id = {261, 256};
    SavePretrained(*model, Tokenizer::ByteLevel(), generation, PromptTemplate::kShort, folder);
  }
  std::string LoadError() {
    return ErrorOf([&] { LoadPretrained(folder); });
  }
  /// Changes one number of config.json.
  void Reconfigure(const std::string& key, int64_t value) {
    ASSERT_TRUE(ParseJson(ReadFile(folder / "config.json"), "config.json").contains(key)) << key;
    Reconfigure(key, Json(value));
  }
  void Reconfigure(const std::string& key, const Json& value) {
    Json config = ParseJson(ReadFile(folder / "config.json"), "config.json");
    config[key] = value;
    WritePlain(folder / "config.json", config.dump());
  }
};

std::vector<float> HiddenOf(const PackedWeights& weights, nn::Compute& compute) {
  Batch batch;
  const std::vector<int32_t> tokens = testing::RandomTokens("tokens", 9, 264);
  const std::span<const int32_t> all(tokens);
  batch.AddGroup({}, std::span(&all, 1));
  Workspace workspace(compute);
  const nn::Mat hidden = weights.network().Forward(weights, workspace, batch);
  return {hidden.data, hidden.data + hidden.rows * hidden.cols};
}

std::vector<float> Hidden(LanguageModel& model, nn::Compute& compute) {
  return HiddenOf(*model.Packed(compute), compute);
}

class PretrainedKinds : public ::testing::TestWithParam<testing::NamedConfig> {};

TEST_P(PretrainedKinds, RoundTripKeepsEveryBit) {
  Saved saved(GetParam().config);
  const Pretrained loaded = LoadPretrained(saved.folder);
  // What an empty field stands for is written out.
  EXPECT_EQ(PublishedConfig(loaded.model->config()), PublishedConfig(saved.model->config()));
  EXPECT_EQ(loaded.tokenizer, Tokenizer::ByteLevel());
  EXPECT_EQ(loaded.generation.eos_token_id, (std::vector<int64_t>{261, 256}));
  EXPECT_TRUE(testing::SameBits(testing::Numbers(loaded.model->values()),
                                testing::Numbers(saved.model->values())));
  EXPECT_TRUE(
      testing::SameBits(Hidden(*loaded.model, saved.compute), Hidden(*saved.model, saved.compute)));
}

/// The file of weights with every float rounded to bfloat16 and stored so, and what they are then.
void StoreHalves(const std::filesystem::path& file, LanguageModel& model) {
  nn::ParameterStore& values = model.ChangeValues();
  std::deque<std::vector<nn::BFloat16>> halves;
  std::vector<StoredTensor> tensors;
  for (const nn::ParameterInfo& p : values.layout().all()) {
    std::vector<nn::BFloat16>& bits = halves.emplace_back();
    for (float& value : values[p.name]) {
      bits.push_back(nn::ToBFloat16(value));
      value = nn::ToFloat(bits.back());
    }
    tensors.push_back({p.name, StoredType::kBF16, p.shape, std::as_bytes(std::span(bits))});
  }
  WriteSafetensors(file, std::move(tensors));
}

TEST_P(PretrainedKinds, WhatIsPackedFromFilesIsWhatTheModelPacks) {
  for (const bool halves : {false, true}) {
    Saved saved(GetParam().config);
    if (halves) StoreHalves(saved.folder / "model.safetensors", *saved.model);
    for (const nn::Precision precision : {nn::Precision{}, nn::Precision{nn::Dtype::kQ8_0},
                                          nn::Precision{nn::Dtype::kFloat8E4M3}}) {
      const PackedModel packed = LoadPacked(saved.folder, saved.compute, precision);
      EXPECT_TRUE(testing::SameBits(
          HiddenOf(*packed.weights, saved.compute),
          HiddenOf(*saved.model->Packed(saved.compute, precision), saved.compute)));
      EXPECT_EQ(packed.generation.eos_token_id, (std::vector<int64_t>{261, 256}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PretrainedKinds, ::testing::ValuesIn(testing::TinyConfigs()),
                         [](const auto& info) { return info.param.name; });

TEST(Pretrained, AConfigThatContradictsItsTensorsNamesTheTensor) {
  Saved saved(testing::TinyPolicyConfig());
  saved.Reconfigure("intermediate_size", 11);
  const std::string message = saved.LoadError();
  EXPECT_PRED2(Contains, message, "'model.layers.0.mlp.gate_proj.weight' has shape [10, 8]");
  EXPECT_PRED2(Contains, message, "config.json implies [11, 8]");
}

TEST(Pretrained, WeightsThatAreNotFiniteNameTheTensor) {
  for (const float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
    Saved saved(testing::TinyPolicyConfig());
    const std::string name = saved.model->values().layout().all().front().name;
    const std::span<float> values = saved.model->ChangeValues()[name];
    values[5] = bad;
    SaveWeights(*saved.model, saved.folder / "model.safetensors");
    const std::string message = saved.LoadError();
    EXPECT_EQ(ErrorOf([&] { LoadPacked(saved.folder, saved.compute); }), message);
    EXPECT_PRED2(Contains, message, "'" + name + "'");
    EXPECT_PRED2(Contains, message, "at element 5");
    values[5] = std::numeric_limits<float>::denorm_min();
    values[6] = std::numeric_limits<float>::max();
    SaveWeights(*saved.model, saved.folder / "model.safetensors");
    LoadPretrained(saved.folder);  // large and small are fine
  }
}

TEST(Pretrained, AMissingTensorIsNamed) {
  Saved saved(testing::TinyPolicyConfig());
  saved.Reconfigure("num_hidden_layers", 4);
  const std::string message = saved.LoadError();
  EXPECT_PRED2(Contains, message, "'model.layers.3.input_layernorm.weight' is missing");
  EXPECT_PRED2(Contains, message, saved.folder.string());
}

// Nothing is made by a size that the weights do not show: these would take hours, or all memory.
TEST(Pretrained, SizesThatTheWeightsDoNotHaveAreRefusedAtOnce) {
  const auto expect = [](Saved& saved, const std::string& key, int64_t value) {
    const std::string before = ReadFile(saved.folder / "config.json");
    saved.Reconfigure(key, value);
    const std::string message = saved.LoadError();
    EXPECT_PRED2(Contains, message, StrCat(key, " "));
    EXPECT_PRED2(Contains, message, StrCat(value));
    EXPECT_EQ(ErrorOf([&] { CheckWeights(ReadModelConfig(saved.folder), saved.folder); }), message);
    WritePlain(saved.folder / "config.json", before);
  };
  Saved policy(testing::TinyPolicyConfig());
  for (const char* key : {"num_hidden_layers", "n_routed_experts", "vocab_size", "hidden_size",
                          "intermediate_size", "moe_intermediate_size", "num_attention_heads",
                          "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"}) {
    expect(policy, key, 10'000'000);
  }
  expect(policy, "n_shared_experts", 1'000'000);
  Saved student(testing::TinyStudentConfig(DenseType::kLlama));
  for (const char* key : {"num_hidden_layers", "vocab_size", "hidden_size", "intermediate_size",
                          "num_attention_heads", "head_dim"}) {
    expect(student, key, 10'000'000);
  }
  Saved qwen3_moe(testing::TinyQwen3MoeConfig());
  for (const char* key : {"num_experts", "moe_intermediate_size", "num_hidden_layers"}) {
    expect(qwen3_moe, key, 10'000'000);
  }
  student.Reconfigure("num_hidden_layers", 1'000'000);
  EXPECT_PRED2(Contains, student.LoadError(),
               "num_hidden_layers is 1000000, but the weights hold ");
}

TEST(Pretrained, ASuperfluousTensorIsNamed) {
  Saved saved(testing::TinyPolicyConfig());
  saved.Reconfigure("num_hidden_layers", 2);
  const std::string message = saved.LoadError();
  EXPECT_PRED2(Contains, message, "'model.layers.2.");
  EXPECT_PRED2(Contains, message, "belongs to nothing that config.json describes");
}

TEST(Pretrained, AStoredCopyOfATiedHeadIsAcceptedAndAnotherHeadIsNot) {
  LlamaConfig config = testing::TinyStudentConfig(DenseType::kLlama);
  config.tie_word_embeddings = true;
  Saved saved(config);
  std::vector<StoredTensor> tensors;
  const nn::ParameterStore& values = saved.model->values();
  for (const nn::ParameterInfo& p : values.layout().all()) {
    tensors.push_back(FloatTensor(p.name, p.shape, values[p.name]));
  }
  const nn::ParameterId head = saved.model->network().head();
  tensors.push_back(FloatTensor("lm_head.weight", values.layout()[head].shape, values[head]));
  WriteSafetensors(saved.folder / "model.safetensors", tensors);
  EXPECT_EQ(saved.LoadError(), "(no error)");
  std::vector<nn::BFloat16> rounded(values[head].size());
  nn::ToBFloat16(values[head].data(), std::ssize(rounded), rounded.data());
  tensors.back().type = StoredType::kBF16;
  tensors.back().data = std::as_bytes(std::span(rounded));
  WriteSafetensors(saved.folder / "model.safetensors", tensors);
  EXPECT_PRED2(Contains, saved.LoadError(),
               "'lm_head.weight' is not 'model.embed_tokens.weight', though config.json says "
               "tie_word_embeddings: true");
  // Without numbers, extents may be anything: nothing is made of that size.
  for (const std::vector<int64_t>& shape :
       {std::vector{int64_t{0}, int64_t{1} << 60}, std::vector{int64_t{1} << 60, int64_t{0}}}) {
    for (StoredTensor& tensor : tensors) {
      if (tensor.name != "lm_head.weight" && tensor.name != "model.embed_tokens.weight") continue;
      tensor.shape = shape;
      tensor.data = {};
    }
    WriteSafetensors(saved.folder / "model.safetensors", tensors);
    EXPECT_PRED2(Contains, saved.LoadError(), "tensor 'model.embed_tokens.weight' has shape [");
  }
}

/// The folder's file of weights, read, changed and written again.
void Rewrite(const Saved& saved, const std::function<void(std::vector<StoredTensor>&)>& change) {
  const std::filesystem::path file = saved.folder / "model.safetensors";
  const TensorSource source = OpenSafetensors(file);
  std::vector<StoredTensor> tensors = source.tensors();
  change(tensors);
  WriteSafetensors(file, std::move(tensors));
}

TEST(Pretrained, ModulesForMultiTokenPredictionAreLeftOutWithANote) {
  Saved saved(testing::TinyPolicyConfig());
  EXPECT_TRUE(LoadPretrained(saved.folder).notes.empty());
  const std::vector<float> numbers(16);
  const auto add = [&](const char* name) {
    Rewrite(saved, [&](auto& tensors) { tensors.push_back(FloatTensor(name, {4, 4}, numbers)); });
  };
  add("model.layers.3.mlp.gate.weight");
  EXPECT_PRED2(Contains, saved.LoadError(), "'model.layers.3.mlp.gate.weight' belongs to nothing");
  add("model.layers.3.eh_proj.weight");
  const Pretrained loaded = LoadPretrained(saved.folder);
  ASSERT_EQ(loaded.notes.size(), 1u);
  EXPECT_PRED2(Contains, loaded.notes[0], "2 tensors of 1 module for multi-token prediction");
  EXPECT_PRED2(Contains, loaded.notes[0], "model.layers.3");
  EXPECT_EQ(LoadPacked(saved.folder, saved.compute).notes, loaded.notes);
  EXPECT_TRUE(testing::SameBits(testing::Numbers(loaded.model->values()),
                                testing::Numbers(saved.model->values())));
  add("model.layers.0.self_attn.rotary_emb.inv_freq");  // of old exports, follows from rope_theta
  EXPECT_EQ(LoadPretrained(saved.folder).notes, loaded.notes);
}

TEST(Pretrained, BFloat16HoldsTheNearestNumbersAndTheRoutersBiasWhole) {
  Saved saved(testing::TinyPolicyConfig());
  SavePretrained(*saved.model, Tokenizer::ByteLevel(), {}, PromptTemplate::kShort, saved.folder,
                 SavedDtype::kBFloat16);
  EXPECT_EQ(ParseJson(ReadFile(saved.folder / "config.json"), "c")["torch_dtype"], "bfloat16");
  const TensorSource file = OpenSafetensors(saved.folder / "model.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  for (const StoredTensor& tensor : file.tensors()) {
    const bool bias = tensor.name.ends_with("e_score_correction_bias");
    EXPECT_EQ(tensor.type, bias ? StoredType::kF32 : StoredType::kBF16) << tensor.name;
    const std::vector<float> stored = ReadFloats(tensor);
    const std::span<const float> values = saved.model->values()[tensor.name];
    for (size_t i = 0; i < stored.size(); ++i) {
      EXPECT_EQ(stored[i], bias ? values[i] : nn::ToFloat(nn::ToBFloat16(values[i])));
    }
  }
  EXPECT_EQ(saved.LoadError(), "(no error)");
}

void Quantization(Saved& saved, const char* method, const std::vector<int64_t>& block) {
  saved.Reconfigure("quantization_config",
                    Json{{"quant_method", method}, {"weight_block_size", block}});
}

/// DeepSeek's FP8: codes of blocks of 4 × 3 and their multipliers, of every projection.
class StoredFloat8 {
 public:
  explicit StoredFloat8(Saved& saved) {
    nn::ParameterStore& values = saved.model->ChangeValues();
    for (const nn::ParameterInfo& p : values.layout().all()) {
      if (!p.name.ends_with("_proj.weight") && !p.name.ends_with("_mqa.weight")) {
        tensors.push_back(FloatTensor(p.name, p.shape, values[p.name]));
        continue;
      }
      std::vector<float>& s = scales.emplace_back();
      std::vector<nn::Float8E4M3>& c = codes.emplace_back();
      const int64_t rows = (p.shape[0] + 3) / 4, cols = (p.shape[1] + 2) / 3;
      for (int64_t i = 0; i < rows * cols; ++i) s.push_back(0.01f * static_cast<float>(i + 1));
      for (int64_t r = 0; r < p.shape[0]; ++r) {
        for (int64_t k = 0; k < p.shape[1]; ++k) {
          float& value = values[p.name][static_cast<size_t>(r * p.shape[1] + k)];
          const float scale = s[static_cast<size_t>(r / 4 * cols + k / 3)];
          c.push_back(nn::ToFloat8E4M3(value / scale));
          value = nn::Float8ToFloat(c.back()) * scale;
        }
      }
      tensors.push_back({p.name, StoredType::kF8E4M3, p.shape, std::as_bytes(std::span(c))});
      tensors.push_back(FloatTensor(p.name + "_scale_inv", {rows, cols}, s));
    }
    WriteSafetensors(saved.folder / "model.safetensors", tensors);
    Quantization(saved, "fp8", {4, 3});
  }

  std::deque<std::vector<float>> scales;
  std::deque<std::vector<nn::Float8E4M3>> codes;
  std::vector<StoredTensor> tensors;
};

TEST_P(PretrainedKinds, Float8WithBlockScalesIsReadAsTheNumbersItStandsFor) {
  Saved saved(GetParam().config);
  const StoredFloat8 stored(saved);
  ASSERT_FALSE(stored.codes.empty());
  EXPECT_TRUE(testing::SameBits(testing::Numbers(LoadPretrained(saved.folder).model->values()),
                                testing::Numbers(saved.model->values())));
  const PackedModel packed = LoadPacked(saved.folder, saved.compute);
  EXPECT_TRUE(testing::SameBits(HiddenOf(*packed.weights, saved.compute),
                                HiddenOf(*saved.model->Packed(saved.compute), saved.compute)));
}

TEST(Pretrained, Float8WithoutItsScalesOrOfAnotherKindIsNamed) {
  Saved saved(testing::TinyPolicyConfig());
  StoredFloat8 stored(saved);
  const std::string first =
      std::ranges::find(stored.tensors, StoredType::kF8E4M3, &StoredTensor::type)->name;
  Quantization(saved, "fp8", {4, 4});
  EXPECT_PRED2(Contains, saved.LoadError(), "_scale_inv': expected the shape [");
  Quantization(saved, "gptq", {4, 3});
  EXPECT_PRED2(Contains, saved.LoadError(), "quant_method: got \"gptq\", supported is only");
  Quantization(saved, "fp8", {0, 3});
  EXPECT_PRED2(Contains, saved.LoadError(), "weight_block_size: got [0,3]");
  Quantization(saved, "fp8", {4, 3});
  EXPECT_EQ(saved.LoadError(), "(no error)");
  Rewrite(saved, [&](auto& tensors) {
    std::erase_if(tensors, [&](const auto& t) { return t.name == first + "_scale_inv"; });
  });
  EXPECT_PRED2(Contains, saved.LoadError(),
               "'" + first + "' is stored as F8_E4M3, but there is no '" + first + "_scale_inv'");
  stored.codes[0][7] = 0x7f;
  WriteSafetensors(saved.folder / "model.safetensors", stored.tensors);
  EXPECT_PRED2(Contains, saved.LoadError(), "'" + first + "' holds nan at element 7");
  stored.codes[0][7] = 0;
  stored.scales[0][1] = INFINITY;
  WriteSafetensors(saved.folder / "model.safetensors", stored.tensors);
  EXPECT_PRED2(Contains, saved.LoadError(), "'" + first + "_scale_inv' holds inf");
}

TEST(Pretrained, ATruncatedFileIsAnErrorAtEveryLength) {
  Saved saved(testing::TinyStudentConfig(DenseType::kQwen2));
  const std::filesystem::path file = saved.folder / "model.safetensors";
  const std::string whole = ReadFile(file);
  RandomStream random({.seed = 1, .purpose = "truncation"});
  std::vector<size_t> lengths = {0, 1, 7, 8, 9, whole.size() - 1};
  for (int i = 0; i < 30; ++i) lengths.push_back(random.Below(whole.size()));
  for (const size_t length : lengths) {
    WritePlain(file, whole.substr(0, length));
    EXPECT_PRED2(Contains, saved.LoadError(), "model.safetensors") << length;
  }
  std::filesystem::remove(file);
  EXPECT_PRED2(Contains, saved.LoadError(), "model.safetensors");
}

TEST(Pretrained, ATokenizerThatDoesNotFitTheVocabularyIsRefused) {
  Saved saved(testing::TinyStudentConfig(DenseType::kLlama));
  saved.Reconfigure("vocab_size", 100);
  EXPECT_PRED2(Contains, saved.LoadError(), "tokenizer.json has 264 ids");
}

TEST(CopyWeights, MakesTheSameModelAndRefusesAnother) {
  const Executor executor(1);
  nn::Compute compute(executor);
  LlamaConfig config = testing::TinyStudentConfig(DenseType::kQwen3);
  config.vocab_size = 264;
  const auto from = testing::TinyModel(config, 1), to = NewModel(config, 2);
  const auto before = Hidden(*to, compute);
  CopyWeights(*from, *to);
  EXPECT_NE(Hidden(*to, compute), before);
  EXPECT_EQ(Hidden(*to, compute), Hidden(*from, compute));
  LlamaConfig other = config;
  other.intermediate_size += 1;
  const auto wider = NewModel(other, 1);
  EXPECT_THROW(CopyWeights(*from, *wider), Error);
  const auto llama = NewModel(testing::TinyStudentConfig(DenseType::kLlama), 1);
  EXPECT_THROW(CopyWeights(*from, *llama), Error);
}

TEST(Forward, RefusesIdsAndPositionsThatTheModelLacks) {
  const Executor executor(1);
  nn::Compute compute(executor);
  LlamaConfig config = testing::TinyStudentConfig(DenseType::kLlama);
  config.max_position_embeddings = 4;
  const auto model = NewModel(config, 1);
  const auto error = [&](const std::vector<int32_t>& tokens) {
    Batch batch;
    const std::span<const int32_t> all(tokens);
    batch.AddGroup({}, std::span(&all, 1));
    Workspace workspace(compute);
    return ErrorOf([&] { model->network().Forward(*model->Packed(compute), workspace, batch); });
  };
  EXPECT_EQ(error({0, 1, 2, 18}), "(no error)");
  EXPECT_PRED2(Contains, error({0, 1, 2, 3, 4}), "max_position_embeddings = 4");
  EXPECT_PRED2(Contains, error({0, 19}), "token id 19");
  EXPECT_PRED2(Contains, error({-1}), "token id -1");
}

TEST(NewModel, DrawsFromItsSeedAlone) {
  const ModelConfig config = testing::TinyPolicyConfig();
  const auto first = NewModel(config, 7), again = NewModel(config, 7);
  const auto other = NewModel(config, 8);
  const auto weight = [](const LanguageModel& model, const std::string& name) {
    const std::span<const float> values = model.values()[name];
    return std::vector<float>(values.begin(), values.end());
  };
  const std::string q = "model.layers.1.self_attn.q_proj.weight";
  EXPECT_EQ(weight(*first, q), weight(*again, q));
  EXPECT_NE(weight(*first, q), weight(*other, q));
  EXPECT_NE(weight(*first, q), weight(*first, "model.layers.2.self_attn.q_proj.weight"));
  for (const float w : weight(*first, "model.norm.weight")) EXPECT_EQ(w, 1.0f);
  for (const float w : weight(*first, "model.layers.1.mlp.gate.e_score_correction_bias")) {
    EXPECT_EQ(w, 0.0f);
  }
}

TEST(HashOfModel, IsOfWhatIsRead) {
  Saved saved(testing::TinyConfigs().front().config);
  std::string last = HashOfModel(saved.folder);
  for (const char* name : {"trainer_state.json", "optimizer.safetensors", "retort.json"}) {
    WritePlain(saved.folder / name, "{}");
    EXPECT_EQ(HashOfModel(saved.folder), last) << name;
  }
  for (const char* name : {"config.json", "generation_config.json", "tokenizer.json",
                           "tokenizer_config.json", "model.safetensors"}) {
    WritePlain(saved.folder / name, ReadFile(saved.folder / name) + " ");
    EXPECT_NE(HashOfModel(saved.folder), last) << name;
    last = HashOfModel(saved.folder);
  }
}

}  // namespace
}  // namespace retort::model::pretrained_test
