#include "model/config.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "model/cost.h"
#include "model/generation_config.h"
#include "model/template.h"
#include "tests/model/testing.h"

namespace retort::model::config_test {
namespace {

// The keys of DeepSeek-V3's published config.json, those Retort does not use included.
Json PublishedV3() {
  return ParseJson(R"({
    "architectures": ["DeepseekV3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}, "aux_loss_alpha": 0.001,
    "bos_token_id": 0, "eos_token_id": 1, "ep_size": 1, "first_k_dense_replace": 3,
    "hidden_act": "silu", "hidden_size": 7168, "initializer_range": 0.02,
    "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 163840,
    "model_type": "deepseek_v3", "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8,
    "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true,
    "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61,
    "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "pretraining_tp": 1,
    "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "quantization_config": {"quant_method": "fp8"}, "rms_norm_eps": 1e-06,
    "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0,
      "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096, "type": "yarn"},
    "rope_theta": 10000, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "seq_aux": true,
    "tie_word_embeddings": false, "topk_group": 4, "topk_method": "noaux_tc",
    "torch_dtype": "bfloat16", "transformers_version": "4.33.1", "use_cache": true,
    "v_head_dim": 128, "vocab_size": 129280})",
                   "v3");
}

Json PublishedQwen3() {
  return ParseJson(R"({
    "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
    "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
    "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
    "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_cache": true,
    "use_sliding_window": false, "vocab_size": 151936})",
                   "qwen3");
}

TEST(ModelConfig, ReadsThePublishedV3File) {
  const auto config = std::get<DeepseekConfig>(ReadPublishedConfig(PublishedV3(), "v3"));
  DeepseekConfig expected;
  expected.vocab_size = 129280;
  expected.hidden_size = 7168;
  expected.num_hidden_layers = 61;
  expected.intermediate_size = 18432;
  expected.first_k_dense_replace = 3;
  expected.n_routed_experts = 256;
  expected.n_shared_experts = 1;
  expected.moe_intermediate_size = 2048;
  expected.num_experts_per_tok = 8;
  expected.n_group = 8;
  expected.topk_group = 4;
  expected.routed_scaling_factor = 2.5;
  expected.num_attention_heads = 128;
  expected.q_lora_rank = 1536;
  expected.kv_lora_rank = 512;
  expected.qk_nope_head_dim = 128;
  expected.qk_rope_head_dim = 64;
  expected.v_head_dim = 128;
  expected.max_position_embeddings = 163840;
  expected.rope_scaling = {.type = RopeType::kYarn,
                           .factor = 40,
                           .original_max_position_embeddings = 4096,
                           .mscale = 1,
                           .mscale_all_dim = 1};
  expected.bos_token_id = 0;
  expected.eos_token_id = 1;
  EXPECT_EQ(config, expected);
  EXPECT_FALSE(config.IsMoeLayer(2));
  EXPECT_TRUE(config.IsMoeLayer(3));
  EXPECT_NO_THROW(Validate(config));
  DeepseekConfig with_mtp = config;  // of a file they are left out; a recipe cannot ask for them
  with_mtp.num_nextn_predict_layers = 1;
  EXPECT_PRED2(Contains, ErrorOf([&] { Validate(with_mtp); }), "num_nextn_predict_layers is 1");
}

TEST(ModelConfig, ReadsThePublishedMistralFile) {
  Json json = PublishedQwen3();
  json["model_type"] = "mistral";
  json.erase("head_dim");
  json.erase("max_window_layers");
  json["sliding_window"] = 4096;
  json["max_position_embeddings"] = 32768;
  json["num_attention_heads"] = 16;
  const auto read = [&] { return std::get<LlamaConfig>(ReadPublishedConfig(json, "mistral")); };
  EXPECT_EQ(read().model_type, DenseType::kMistral);
  EXPECT_EQ(read().HeadDim(), read().hidden_size / 16);
  EXPECT_EQ(read().sliding_window, 4096);
  EXPECT_EQ(Common(read()).max_position_embeddings, 4096);  // up to there it makes no difference
  EXPECT_FALSE(read().QkvBias() || read().OutputBias() || read().QkNorm());
  EXPECT_EQ(PublishedConfig(read())["sliding_window"], 4096);
  EXPECT_EQ(PublishedConfig(read())["max_position_embeddings"], 32768);
  json["sliding_window"] = nullptr;
  EXPECT_EQ(Common(read()).max_position_embeddings, 32768);
  EXPECT_TRUE(PublishedConfig(read())["sliding_window"].is_null());
  json.erase("sliding_window");  // transformers then assumes 4096
  EXPECT_EQ(read().sliding_window, 4096);
}

TEST(ModelConfig, ASlidingWindowOfOthersIsReadOnlyWhereItIsOn) {
  Json json = PublishedQwen3();
  json["sliding_window"] = 128;
  EXPECT_EQ(ReadPublishedConfig(json, "c"), ReadPublishedConfig(PublishedQwen3(), "c"));
  json["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(json, "c.json"); }),
               "c.json.layer_types: got \"sliding_attention\"");
  json["layer_types"] = {"full_attention", "full_attention"};
  EXPECT_EQ(ErrorOf([&] { ReadPublishedConfig(json, "c.json"); }), "(no error)");
}

TEST(ModelConfig, PublishedScalingsOfRotaryPositionsReadBackEqual) {
  for (const RopeScaling& scaling : std::vector<RopeScaling>{
           {.type = RopeType::kLinear, .factor = 2},
           {.type = RopeType::kLlama3,
           .factor = 8,
           .original_max_position_embeddings = 8192,
           .low_freq_factor = 2,
           .high_freq_factor = 5},
           {.type = RopeType::kYarn,
           .factor = 4,
           .beta_fast = 16,
           .beta_slow = 2,
           .attention_factor = 1.5,
           .truncate = false},
           {.type = RopeType::kYarn, .factor = 4, .mscale = .7, .mscale_all_dim = .8}}) {
    LlamaConfig config;
    config.head_dim = 16;
    config.rope_scaling = scaling;
    const Json json = PublishedConfig(config);
    EXPECT_EQ(ReadPublishedConfig(json, "c"), ModelConfig(config)) << json;
    EXPECT_EQ(json["rope_scaling"]["type"], json["rope_scaling"]["rope_type"]);
    EXPECT_FALSE(json["rope_scaling"].contains(
        scaling.type == RopeType::kLlama3 ? "beta_fast" : "low_freq_factor"));
  }
}

TEST(ModelConfig, ReadsRopeParametersLikeRopeScaling) {
  Json newer = PublishedV3();
  Json rope = newer["rope_scaling"];
  rope.erase("type");
  rope["rope_type"] = "yarn";
  rope["rope_theta"] = 10000;
  newer["rope_parameters"] = rope;
  newer.erase("rope_scaling");
  newer.erase("rope_theta");
  EXPECT_EQ(ReadPublishedConfig(newer, "new"), ReadPublishedConfig(PublishedV3(), "old"));
  newer["rope_parameters"] = {{"rope_theta", 5e5}, {"rope_type", "default"}};
  const auto config = std::get<DeepseekConfig>(ReadPublishedConfig(newer, "new"));
  EXPECT_EQ(config.rope_theta, 5e5);
  EXPECT_EQ(config.rope_scaling, RopeScaling{});
  newer["rope_parameters"] = {{"factor", 4.0}, {"rope_type", "dynamic"}};
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(newer, "new"); }), "dynamic");
  newer["rope_parameters"] = {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}};
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(newer, "new"); }),
               "partial_rotary_factor: got 0.5");
}

TEST(ModelConfig, ReadsThePublishedQwen3File) {
  const auto config = std::get<LlamaConfig>(ReadPublishedConfig(PublishedQwen3(), "qwen3"));
  EXPECT_EQ(config.model_type, DenseType::kQwen3);
  EXPECT_EQ(config.HeadDim(), 128);
  EXPECT_EQ(config.num_key_value_heads, 8);
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_TRUE(config.QkNorm());
  EXPECT_FALSE(config.QkvBias());
  EXPECT_NO_THROW(Validate(config));
}

TEST(ModelConfig, AbsentKeysMeanWhatTransformersAssumes) {
  Json json = PublishedQwen3();
  json["model_type"] = "llama";
  json.erase("head_dim");
  json.erase("num_key_value_heads");
  json.erase("rope_theta");
  json.erase("tie_word_embeddings");
  json["eos_token_id"] = {128001, 128008};
  const auto config = std::get<LlamaConfig>(ReadPublishedConfig(json, "llama"));
  EXPECT_EQ(config.num_key_value_heads, 16);
  EXPECT_EQ(config.HeadDim(), 64);
  EXPECT_EQ(config.rope_theta, 10000);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_EQ(config.eos_token_id, 128001);
  json.erase("hidden_size");
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(json, "x.json"); }),
               "x.json: hidden_size is missing");
}

TEST(ModelConfig, RefusesPublishedKeysThatWouldChangeTheArithmetic) {
  const std::vector<std::pair<const char*, Json>> cases = {{"hidden_act", "gelu"},
                                                           {"mlp_bias", true},
                                                           {"use_sliding_window", true},
                                                           {"attention_dropout", 0.1},
                                                           {"rope_interleave", false}};
  for (const auto& [key, value] : cases) {
    Json json = PublishedQwen3();
    json[key] = value;
    EXPECT_PRED2(Contains, ErrorOf([&, &k = key] { ReadPublishedConfig(json, "c.json"); }), key);
  }
  Json biased = PublishedV3();
  biased["attention_bias"] = true;
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(biased, "c.json"); }), "attention_bias");
  Json other = PublishedV3();
  other["model_type"] = "gpt2";
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadPublishedConfig(other, "c.json"); }), "deepseek_v3, ");
}

// Qwen/Qwen3-30B-A3B.
TEST(ModelConfig, ReadsQwen3Moe) {
  const char* text = R"({"architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false,
    "attention_dropout": 0.0, "bos_token_id": 151643, "decoder_sparse_step": 1,
    "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 2048,
    "initializer_range": 0.02, "intermediate_size": 6144, "max_position_embeddings": 40960,
    "max_window_layers": 48, "mlp_only_layers": [], "model_type": "qwen3_moe",
    "moe_intermediate_size": 768, "norm_topk_prob": true, "num_attention_heads": 32,
    "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
    "num_key_value_heads": 4, "output_router_logits": false, "rms_norm_eps": 1e-06,
    "rope_scaling": null, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.001,
    "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
    "use_cache": true, "use_sliding_window": false, "vocab_size": 151936})";
  const auto config =
      std::get<Qwen3MoeConfig>(ReadPublishedConfig(ParseJson(text, "published"), "published"));
  EXPECT_EQ(config.num_experts, 128);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.num_key_value_heads, 4);
  Validate(config);
  EXPECT_EQ(CountParameters(config).total, 30'532'122'624);  // as published: 30.5 billion,
  // of which 3.3 are activated, its whole embedding table counted.
  const auto table = static_cast<double>(config.vocab_size * config.hidden_size);
  EXPECT_NEAR(static_cast<double>(CountParameters(config).active) + table, 3.35e9, 0.01e9);
  Qwen3MoeConfig wrong = config;
  wrong.num_experts_per_tok = 129;
  EXPECT_PRED2(Contains, ErrorOf([&] { Validate(wrong); }), "more than num_experts 128");
  wrong = config;
  wrong.num_key_value_heads = 3;
  EXPECT_PRED2(Contains, ErrorOf([&] { Validate(wrong); }), "num_key_value_heads 3");
}

TEST(ModelConfig, WrittenFilesReadBackEqual) {
  Qwen3MoeConfig qwen3_moe;
  qwen3_moe.head_dim = 24;
  qwen3_moe.mlp_only_layers = {2};
  std::vector<ModelConfig> configs = {DeepseekConfig{}, LlamaConfig{}, qwen3_moe,
                                      ReadPublishedConfig(PublishedV3(), "v3"),
                                      ReadPublishedConfig(PublishedQwen3(), "qwen3")};
  DeepseekConfig v2;
  v2.topk_method = TopkMethod::kGroupLimitedGreedy;
  v2.scoring_func = ScoringFunc::kSoftmax;
  v2.norm_topk_prob = false;
  v2.moe_layer_freq = 2;
  configs.emplace_back(v2);
  for (const ModelConfig& config : configs) {
    WriteModelConfig(config, TestFolder());
    ModelConfig back = ReadModelConfig(TestFolder());
    if (auto* dense = std::get_if<LlamaConfig>(&back)) {
      EXPECT_EQ(dense->head_dim, std::get<LlamaConfig>(config).HeadDim());  // written out
      dense->head_dim = std::get<LlamaConfig>(config).head_dim;
    }
    EXPECT_EQ(back, config);
    EXPECT_EQ(ReadModelOptions(WriteModelOptions(config), "recipe"), config);
  }
  EXPECT_EQ(ModelType(v2), "deepseek_v2");
  EXPECT_EQ(PublishedConfig(v2)["architectures"][0], "DeepseekV2ForCausalLM");
  EXPECT_EQ(PublishedConfig(LlamaConfig{}, "bfloat16")["torch_dtype"], "bfloat16");
}

TEST(ModelConfig, RecipesAreReadStrictly) {
  const auto read = [](const char* text) {
    return ErrorOf([&] { ReadModelOptions(ParseJson(text, "r"), "model"); });
  };
  EXPECT_PRED2(Contains, read(R"({"model_type": "qwen3", "hiden_size": 64})"),
               "Did you mean 'hidden_size'?");
  EXPECT_PRED2(Contains, read(R"({"model_type": "deepseek_v3", "n_experts": 8})"),
               "unknown key 'n_experts'");
  EXPECT_PRED2(Contains, read(R"({"hidden_size": 64})"), "model_type is missing");
  EXPECT_PRED2(Contains, read(R"({"model_type": "qwen4"})"), "Did you mean 'qwen");
  EXPECT_PRED2(Contains, read(R"({"model_type": "qwen3", "hidden_size": 0})"), "hidden_size");
  EXPECT_PRED2(Contains, read(R"({"model_type": "deepseek_v3", "topk_method": "greedy"})"),
               "deepseek_v2");
  const auto config = std::get<DeepseekConfig>(ReadModelOptions(
      ParseJson(R"({"model_type": "deepseek_v3", "n_routed_experts": 64})", "r"), "model"));
  EXPECT_EQ(config.n_routed_experts, 64);
  EXPECT_EQ(config.hidden_size, DeepseekConfig{}.hidden_size);
}

TEST(ModelConfig, ValidateNamesWhatDoesNotFit) {
  const auto deepseek = [](auto change) {
    DeepseekConfig config;
    change(config);
    return ErrorOf([&] { Validate(ModelConfig(config)); });
  };
  EXPECT_EQ(deepseek([](auto&) {}), "(no error)");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.qk_rope_head_dim = 15; }), "qk_rope_head_dim");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.num_experts_per_tok = 9; }),
               "n_routed_experts 8");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.n_group = 3; }), "n_group 3");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.topk_group = 2; }), "topk_group 2");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.n_group = 8, c.topk_group = 2; }), "best two");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.n_group = 4, c.num_experts_per_tok = 3; }),
               "the 2 experts of 1 kept groups");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.hidden_size = 0; }), "hidden_size: got 0");
  EXPECT_PRED2(Contains, deepseek([](auto& c) { c.eos_token_id = 264; }), "eos_token_id is 264");
  EXPECT_EQ(deepseek([](auto& c) {
              c.topk_method = TopkMethod::kGreedy;
              c.n_group = 3;
            }),
            "(no error)");

  const auto dense = [](auto change) {
    LlamaConfig config;
    change(config);
    return ErrorOf([&] { Validate(ModelConfig(config)); });
  };
  EXPECT_EQ(dense([](auto&) {}), "(no error)");
  EXPECT_PRED2(Contains, dense([](auto& c) { c.hidden_size = 66; }), "num_attention_heads 4");
  EXPECT_EQ(dense([](auto& c) { c.hidden_size = 66, c.head_dim = 16; }), "(no error)");
  EXPECT_PRED2(Contains, dense([](auto& c) { c.head_dim = 7; }), "head_dim is 7");
  EXPECT_PRED2(Contains, dense([](auto& c) { c.num_key_value_heads = 3; }), "num_key_value_heads");
  EXPECT_PRED2(Contains, dense([](auto& c) {
                 c.rope_scaling.type = RopeType::kYarn;
                 c.rope_theta = 1;
               }),
               "rope_theta is 1");
  EXPECT_PRED2(Contains, dense([](auto& c) {
                 c.rope_scaling.type = RopeType::kLlama3;
                 c.rope_scaling.low_freq_factor = 4;
               }),
               "low_freq_factor");
  EXPECT_PRED2(Contains, dense([](auto& c) { c.sliding_window = 8; }), "sliding_window");
  EXPECT_PRED2(Contains, dense([](auto& c) {
                 c.model_type = DenseType::kMistral;
                 c.attention_bias = true;
               }),
               "mistral");
  EXPECT_PRED2(Contains, dense([](auto& c) {
                 c.model_type = DenseType::kQwen2;
                 c.attention_bias = true;
               }),
               "qwen2");
}

TEST(ModelConfig, BiasesFollowTheFamily) {
  LlamaConfig config;
  config.model_type = DenseType::kQwen2;
  EXPECT_TRUE(config.QkvBias());
  EXPECT_FALSE(config.OutputBias());
  EXPECT_FALSE(config.QkNorm());
  config.model_type = DenseType::kLlama;
  EXPECT_FALSE(config.QkvBias());
  config.attention_bias = true;
  EXPECT_TRUE(config.QkvBias());
  EXPECT_TRUE(config.OutputBias());
}

TEST(GenerationConfig, RoundTripsAndAcceptsOneIdOrAList) {
  GenerationConfig config;
  config.eos_token_id = {256, 261};
  config.pad_token_id = 257;
  config.temperature = 0.6;
  config.top_p = 0.95;
  config.top_k = 20;
  config.min_p = 0.05;
  config.do_sample = false;
  config.max_new_tokens = 120;
  config.repetition_penalty = 1.1;
  WriteGenerationConfig(config, TestFolder());
  EXPECT_EQ(ReadGenerationConfig(TestFolder()), config);
  config.eos_token_id = {256};
  WriteGenerationConfig(config, TestFolder());
  EXPECT_PRED2(Contains, ReadFile(TestFolder() / "generation_config.json"),
               "\"eos_token_id\": 256");
  EXPECT_EQ(ReadGenerationConfig(TestFolder()), config);
  WriteFileAtomic(TestFolder() / "generation_config.json", R"({"temperature": "hot"})");
  EXPECT_PRED2(Contains, ErrorOf([] { ReadGenerationConfig(TestFolder()); }), "temperature");
  EXPECT_EQ(ReadGenerationConfig(TestFolder() / "absent"), GenerationConfig{});
  // What a file does not say stays unsaid: transformers has defaults of its own.
  GenerationConfig little;
  little.eos_token_id = {7};
  WriteGenerationConfig(little, TestFolder());
  EXPECT_EQ(ReadFile(TestFolder() / "generation_config.json"),
            "{\n  \"_from_model_config\": false,\n  \"eos_token_id\": 7\n}\n");
}

TEST(GenerationConfig, StopIdsAreTheFilesElseConfigJsonsElseTheVocabularys) {
  const auto folder = TestFolder() / "model";
  std::filesystem::remove_all(folder);  // of an earlier run
  std::filesystem::create_directories(folder);
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  using Ids = std::vector<int32_t>;
  const auto stops = [&] { return StopIds(ReadGenerationConfig(folder), tokenizer); };
  EXPECT_EQ(stops(), StopIds(tokenizer));
  WriteFileAtomic(folder / "config.json", R"({"eos_token_id": [5, 6], "temperature": 3})");
  EXPECT_EQ(stops(), (Ids{5, 6}));
  EXPECT_FALSE(ReadGenerationConfig(folder).temperature);
  WriteFileAtomic(folder / "generation_config.json", R"({"eos_token_id": null, "top_k": -1})");
  EXPECT_EQ(stops(), (Ids{5, 6}));
  WriteFileAtomic(folder / "config.json", R"({"eos_token_id": 4})");
  EXPECT_EQ(stops(), (Ids{4}));
  WriteFileAtomic(folder / "generation_config.json", R"({"eos_token_id": [9, 261]})");
  EXPECT_EQ(stops(), (Ids{9, 261}));
  const GenerationConfig fresh = NewGenerationConfig(tokenizer);
  EXPECT_EQ(StopIds(fresh, tokenizer), StopIds(tokenizer));
  EXPECT_EQ(fresh.do_sample, true);
}

}  // namespace
}  // namespace retort::model::config_test
