#include "model/cost.h"

#include <gtest/gtest.h>

#include "model/language_model.h"
#include "tests/model/testing.h"

namespace retort::model::cost_test {
namespace {

DeepseekConfig V3() {
  DeepseekConfig c;
  c.vocab_size = 129280;
  c.hidden_size = 7168;
  c.num_hidden_layers = 61;
  c.intermediate_size = 18432;
  c.first_k_dense_replace = 3;
  c.n_routed_experts = 256;
  c.moe_intermediate_size = 2048;
  c.num_experts_per_tok = 8;
  c.num_attention_heads = 128;
  c.q_lora_rank = 1536;
  c.kv_lora_rank = 512;
  c.qk_nope_head_dim = 128;
  c.qk_rope_head_dim = 64;
  c.v_head_dim = 128;
  return c;
}

DeepseekConfig V2Lite() {
  DeepseekConfig c;
  c.vocab_size = 102400;
  c.hidden_size = 2048;
  c.num_hidden_layers = 27;
  c.intermediate_size = 10944;
  c.n_routed_experts = 64;
  c.n_shared_experts = 2;
  c.moe_intermediate_size = 1408;
  c.num_experts_per_tok = 6;
  c.topk_method = TopkMethod::kGreedy;
  c.scoring_func = ScoringFunc::kSoftmax;
  c.num_attention_heads = 16;
  c.kv_lora_rank = 512;
  c.qk_nope_head_dim = 128;
  c.qk_rope_head_dim = 64;
  c.v_head_dim = 128;
  return c;
}

LlamaConfig Dense(DenseType type, int64_t vocab, int64_t hidden, int64_t layers, int64_t width,
                  int64_t heads, int64_t key_value_heads, bool tied) {
  LlamaConfig c;
  c.model_type = type;
  c.vocab_size = vocab;
  c.hidden_size = hidden;
  c.num_hidden_layers = layers;
  c.intermediate_size = width;
  c.num_attention_heads = heads;
  c.num_key_value_heads = key_value_heads;
  c.tie_word_embeddings = tied;
  return c;
}

TEST(Cost, PublishedMixtures) {
  const ParameterCount v3 = CountParameters(V3());
  EXPECT_EQ(v3.total, 671026419200);  // published as 671B, and 36.7B active
  EXPECT_NEAR(static_cast<double>(v3.active), 36.7e9, 0.01 * 36.7e9);
  const ParameterCount lite = CountParameters(V2Lite());
  EXPECT_EQ(lite.total, 15706484224);  // published as 15.7B, and 2.4B active
  EXPECT_NEAR(static_cast<double>(lite.active), 2.4e9, 0.05e9 + 0.01 * 2.4e9);
}

TEST(Cost, PublishedDenseModels) {
  // Qwen2.5-0.5B (494,032,768), Qwen3-0.6B (596,049,920 with the tied head once), Llama-3-8B.
  EXPECT_EQ(CountParameters(Dense(DenseType::kQwen2, 151936, 896, 24, 4864, 14, 2, true)).total,
            494032768);
  LlamaConfig qwen3 = Dense(DenseType::kQwen3, 151936, 1024, 28, 3072, 16, 8, true);
  qwen3.head_dim = 128;
  EXPECT_EQ(CountParameters(qwen3).total, 596049920);
  const ModelConfig llama = Dense(DenseType::kLlama, 128256, 4096, 32, 14336, 32, 8, false);
  EXPECT_EQ(CountParameters(llama).total, 8030261248);
  EXPECT_EQ(CountParameters(llama).active, 8030261248 - 128255 * 4096);
}

TEST(Cost, EveryOptionCounts) {
  const DeepseekConfig base;
  const ParameterCount before = CountParameters(base);
  const auto change = [&](auto edit) {
    DeepseekConfig c = base;
    edit(c);
    return CountParameters(c).total - before.total;
  };
  EXPECT_EQ(change([](auto& c) { c.tie_word_embeddings = true; }), -264 * 128);
  EXPECT_EQ(change([](auto& c) { c.topk_method = TopkMethod::kGreedy; }), -2 * 8);
  EXPECT_EQ(change([](auto& c) { c.n_shared_experts = 0; }), -2 * 3 * 128 * 96);
  EXPECT_EQ(change([](auto& c) { c.q_lora_rank = 16; }),
            3 * (16 * (128 + 1 + 4 * 48) - 128 * 4 * 48));
  EXPECT_EQ(change([](auto& c) { c.moe_layer_freq = 2; }),  // layer 1 turns dense
            3 * 128 * 352 - (9 * 3 * 128 * 96 + 8 * 128 + 8));
  LlamaConfig biased;
  biased.model_type = DenseType::kLlama;
  const int64_t plain = CountParameters(biased).total;
  biased.attention_bias = true;
  EXPECT_EQ(CountParameters(biased).total - plain, 3 * (64 + 2 * 32 + 64));
}

TEST(Cost, MoreThanCanBeCountedIsAnError) {
  DeepseekConfig policy;
  policy.num_hidden_layers = policy.n_routed_experts = policy.hidden_size = 10'000'000;
  policy.moe_intermediate_size = policy.num_attention_heads = policy.v_head_dim = 10'000'000;
  LlamaConfig student;
  student.num_hidden_layers = student.hidden_size = student.intermediate_size = 10'000'000;
  for (const ModelConfig& config : {ModelConfig(policy), ModelConfig(student)}) {
    EXPECT_PRED2(Contains, ErrorOf([&] { CountParameters(config); }), "expected at most 1e18");
  }
}

DeepseekConfig LatentAttentionOfV3() {
  DeepseekConfig config;
  config.num_attention_heads = 128;
  config.kv_lora_rank = 512;
  config.qk_nope_head_dim = 128;
  config.qk_rope_head_dim = 64;
  config.v_head_dim = 128;
  return config;
}

TEST(CacheOf, TheLatentCacheOfV3) {
  DeepseekConfig config = LatentAttentionOfV3();
  config.num_hidden_layers = 61;
  const CacheSize cache = CacheOf(config);
  EXPECT_EQ(cache.own, 61 * 576);
  EXPECT_EQ(cache.all_heads, 61 * 32768);
  EXPECT_EQ(cache.eight_heads, 61 * 2048);
}

TEST(CacheOf, IsWhatTheCacheHolds) {
  const Executor executor(1);
  nn::Compute compute(executor);
  DeepseekConfig latent = LatentAttentionOfV3();
  latent.num_attention_heads = 2;  // what is cached does not depend on it
  latent.hidden_size = 8;
  latent.num_hidden_layers = 2;
  LlamaConfig grouped;
  grouped.num_attention_heads = 16;
  grouped.num_key_value_heads = 2;
  grouped.head_dim = 6;
  for (const ModelConfig& config : {ModelConfig(latent), ModelConfig(grouped)}) {
    EXPECT_EQ(NewModel(config, 1)->Packed(compute)->NewCache().bytes_per_token(),
              4 * CacheOf(config).own);
  }
  EXPECT_EQ(CacheOf(grouped).all_heads, 8 * CacheOf(grouped).own);
  EXPECT_EQ(CacheOf(grouped).eight_heads, 4 * CacheOf(grouped).own);
}

TEST(WeightsRead, AStepReadsTheExpertsThatItsTokensChoose) {
  DeepseekConfig config;
  config.n_routed_experts = 4;
  config.num_experts_per_tok = 2;
  const double one = WeightsRead(config, 1), expert = 3.0 * 128 * 96;
  EXPECT_EQ(one, static_cast<double>(CountParameters(config).active));
  EXPECT_NEAR(WeightsRead(config, 2) - one, 2 * expert, 1e-6);  // 3 of 4, two mixture layers
  EXPECT_NEAR(WeightsRead(config, 1000) - one, 2 * 2 * expert, 1e-6);
  const LlamaConfig dense;
  EXPECT_EQ(WeightsRead(dense, 1), WeightsRead(dense, 64));
}

}  // namespace
}  // namespace retort::model::cost_test
