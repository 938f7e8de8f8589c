// The shapes of docs/performance.md.

#include <filesystem>

#include "base/error.h"
#include "base/options.h"
#include "base/random.h"
#include "bench/bench.h"
#include "cli/parts/model_argument.h"
#include "model/cost.h"

namespace retort::bench {
namespace {

model::LlamaConfig Llama(int64_t layers, int64_t hidden, int64_t heads, int64_t kv_heads,
                         int64_t width, int64_t vocabulary) {
  model::LlamaConfig config;
  config.model_type = model::DenseType::kLlama;
  config.num_hidden_layers = layers;
  config.hidden_size = hidden;
  config.num_attention_heads = heads;
  config.num_key_value_heads = kv_heads;
  config.intermediate_size = width;
  config.vocab_size = vocabulary;
  config.max_position_embeddings = 1 << 16;
  return config;
}

}  // namespace

std::vector<int32_t> RandomTokens(int64_t count, int64_t vocabulary, uint64_t sequence) {
  RandomStream random({.seed = 1, .purpose = "bench", .problem = sequence});
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.Uniform() * static_cast<double>(vocabulary)));
  }
  return tokens;
}

Json Row(const BenchShape& shape, int64_t batch, const nn::Precision& precision, int threads) {
  return {{"shape", shape.name},
          {"dtype", EnumName(precision.products)},
          {"cache_dtype", EnumName(precision.cache)},
          {"batch", batch},
          {"threads", threads}};
}

double ActiveParameters(const BenchShape& shape) {
  return static_cast<double>(model::CountParameters(shape.config).active);
}

BenchShape FindShape(const std::string& name) {
  if (name == "S") return {name, Llama(6, 256, 4, 4, 1024, 512)};
  if (name == "G") return {name, Llama(6, 384, 6, 6, 1024, 512)};
  if (name == "M") {
    model::LlamaConfig config = Llama(30, 576, 9, 3, 1536, 49152);
    config.tie_word_embeddings = true;
    return {name, config};
  }
  if (name == "D") {
    model::DeepseekConfig config;
    config.vocab_size = 512;
    config.hidden_size = 256;
    config.num_hidden_layers = 6;
    config.intermediate_size = 1024;
    config.first_k_dense_replace = 1;
    config.n_routed_experts = 16;
    config.n_shared_experts = 1;
    config.num_experts_per_tok = 2;
    config.moe_intermediate_size = 256;
    config.num_attention_heads = 8;
    config.q_lora_rank = 128;
    config.kv_lora_rank = 64;
    config.qk_nope_head_dim = 32;
    config.qk_rope_head_dim = 16;
    config.v_head_dim = 32;
    config.max_position_embeddings = 1 << 16;
    return {name, config};
  }
  RETORT_CHECK(std::filesystem::exists(name), "bench: unknown shape '", name,
               "', expected S, M, D, G or a model folder");
  return {std::filesystem::path(name).filename().string(),
          model::ReadModelConfig(ModelFolder(name))};
}

}  // namespace retort::bench
