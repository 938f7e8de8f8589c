// Whole models: training steps and decoding.

#include <chrono>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/strings.h"
#include "cli/bench.h"
#include "model/cost.h"
#include "nn/machine.h"
#include "rollout/engine.h"
#include "train/learner.h"

namespace retort::cli {
namespace {

using Clock = std::chrono::steady_clock;
double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

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

std::vector<int32_t> RandomTokens(int64_t count, int64_t vocabulary, uint64_t sequence) {
  RandomStream random({.seed = 1, .purpose = "bench", .problem = sequence});
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(random.Uniform() * static_cast<double>(vocabulary)));
  }
  return tokens;
}

std::vector<std::string> ShapesOf(const BenchOptions& options) {
  return options.shapes.empty() ? std::vector<std::string>{"S", "D", "M"} : options.shapes;
}

Json Row(const BenchShape& shape, int64_t batch, nn::Compute& compute) {
  return {{"shape", shape.name},
          {"dtype", EnumName(compute.dtype)},
          {"cache_dtype", EnumName(compute.cache_dtype)},
          {"batch", batch},
          {"threads", compute.executor.threads()}};
}

// `operations` per token against the machine's multiply-adds.
void AddSpeed(const Timing& timing, double tokens, double operations, Json& row) {
  const double rate = tokens / timing.seconds;
  row["tokens_per_second"] = rate;
  row["seconds"] = timing.seconds;
  row["gflops"] = rate * operations / 1e9;
  row["fraction_of_peak"] = rate * operations / timing.multiply_adds;
  row["peak_gflops"] = timing.multiply_adds / 1e9;
  row["all_seconds"] = timing.all;
  row["parts"] = timing.parts;
}

double ActiveParameters(const BenchShape& shape) {
  return static_cast<double>(model::CountParameters(shape.config).active);
}

Json TrainRow(const BenchShape& shape, int64_t batch, const BenchOptions& options,
              nn::Compute& compute) {
  const int64_t length = options.length > 0 ? options.length : 256;
  const auto model = model::NewModel(shape.config, 1, compute);
  train::MicroBatch micro;
  for (int64_t s = 0; s < batch; ++s) {
    const std::vector<int32_t> tokens =
        RandomTokens(length + 1, model->vocab_size(), static_cast<uint64_t>(s));
    micro.Add({.prompt = {tokens[0]}, .completions = {{tokens.begin() + 1, tokens.end()}}});
  }
  const MemoryGrowth memory;
  train::Learner learner(*model, compute, {.learning_rate = 1e-6});
  const float share = -1 / static_cast<float>(micro.predictions());
  const Timing timing = TimeIt(compute, options, StrCat("train ", shape.name), [&] {
    const Clock::time_point start = Clock::now();
    learner.Accumulate(micro, 1, 1, [&](const train::Scores& scores) {
      return train::ScoreGradients{std::vector<float>(scores.logprob.size(), share), {}};
    });
    learner.Step(1e-6);
    return Seconds(start);
  });
  Json row = Row(shape, batch, compute);
  row["length"] = length;
  AddSpeed(timing, static_cast<double>(batch * length), 6 * ActiveParameters(shape), row);
  row["peak_bytes"] = memory.peak();
  return row;
}

struct DecodeShape {
  int64_t batch, samples, prompt, new_tokens;
};

// The seconds in which every sequence gets its new tokens, prompts apart.
double DecodeOnce(rollout::RolloutEngine& engine, Profile* profile, int64_t vocabulary,
                  const DecodeShape& shape) {
  for (int64_t s = 0; s < shape.batch; s += shape.samples) {
    rollout::Request request;
    request.id = s;
    request.samples = std::min(shape.samples, shape.batch - s);
    request.prompt = RandomTokens(shape.prompt, vocabulary, static_cast<uint64_t>(s));
    request.sampling.max_completion_length = shape.new_tokens + 1;
    request.stream = {.seed = 1, .purpose = "bench", .problem = static_cast<uint64_t>(s)};
    engine.Submit(std::move(request));
  }
  engine.Step();  // all prompts
  if (profile) profile->Clear();
  const Clock::time_point start = Clock::now();
  while (engine.Step()) {
  }
  const double seconds = Seconds(start);
  engine.Poll();
  return seconds;
}

Json DecodeRow(const BenchShape& shape, int64_t batch, const BenchOptions& options,
               nn::Compute& compute) {
  const int64_t prompt = options.length > 0 ? options.length : 64;
  const int64_t new_tokens =
      options.new_tokens > 0 ? options.new_tokens : (shape.name == "M" ? 32 : 128);
  const auto model = model::NewModel(shape.config, 1, compute);
  const MemoryGrowth memory;
  rollout::RolloutEngine engine(*model, compute, nullptr,
                                {.max_rows = batch, .prefill_tokens = batch * prompt});
  const Timing timing = TimeIt(compute, options, StrCat("decode ", shape.name, " x", batch), [&] {
    return DecodeOnce(engine, compute.profile, model->vocab_size(),
                      {batch, options.samples, prompt, new_tokens});
  });
  Json row = Row(shape, batch, compute);
  row["samples"] = options.samples;
  row["prompt"] = prompt;
  row["new_tokens"] = new_tokens;
  AddSpeed(timing, static_cast<double>(batch * new_tokens), 2 * ActiveParameters(shape), row);
  row["peak_bytes"] = memory.peak();
  row["cache_tokens"] = engine.stats().peak_cache_tokens;
  return row;
}

}  // namespace

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
  RETORT_CHECK(std::filesystem::is_directory(name), "bench: unknown shape '", name,
               "', expected S, M, D, G or a model folder");
  return {std::filesystem::path(name).filename().string(), model::ReadModelConfig(name)};
}

std::vector<Json> BenchTrain(const BenchOptions& options, nn::Compute& compute) {
  std::vector<Json> rows;
  for (const std::string& name : ShapesOf(options)) {
    const std::vector<int64_t> own{name == "M" ? 2 : 16};
    for (const int64_t batch : options.batch.empty() ? own : options.batch) {
      rows.push_back(TrainRow(FindShape(name), batch, options, compute));
    }
  }
  return rows;
}

std::vector<Json> BenchDecode(const BenchOptions& options, nn::Compute& compute) {
  std::vector<Json> rows;
  for (const std::string& name : ShapesOf(options)) {
    const std::vector<int64_t> own{1, 32, 64};
    for (const int64_t batch : options.batch.empty() ? own : options.batch) {
      rows.push_back(DecodeRow(FindShape(name), batch, options, compute));
    }
  }
  return rows;
}

}  // namespace retort::cli
