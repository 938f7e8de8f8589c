// Writes the models that tests/parity/model_parity.py opens with transformers, each with the
// log-probabilities that Retort gives to a text. Opt-in: does nothing unless RETORT_PARITY_OUT
// names a folder.

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "model/pretrained.h"
#include "nn/head.h"
#include "tests/support/mid_models.h"

namespace retort::model::parity_models_test {
namespace {

std::vector<testing::NamedConfig> Models() {
  std::vector<testing::NamedConfig> models;
  DeepseekConfig policy = testing::MidPolicyConfig();
  models.push_back({"policy_q_lora", policy});
  policy.q_lora_rank.reset();
  policy.routed_scaling_factor = 2.5;
  models.push_back({"policy", policy});
  for (const DenseType type : {DenseType::kLlama, DenseType::kQwen2, DenseType::kQwen3}) {
    LlamaConfig student = testing::MidStudentConfig();
    student.model_type = type;
    student.hidden_size = 48;
    student.head_dim = type == DenseType::kQwen3 ? 14 : 8;
    student.tie_word_embeddings = type == DenseType::kQwen2;
    student.attention_bias = type == DenseType::kLlama;
    models.push_back({EnumName(type), student});
  }
  Qwen3MoeConfig moe = testing::MidQwen3MoeConfig();
  moe.hidden_size = 48;
  models.push_back({"qwen3_moe", moe});
  moe.norm_topk_prob = false;
  moe.attention_bias = true;
  models.push_back({"qwen3_moe_bias", moe});
  for (testing::NamedConfig& model : models) {
    std::visit([](auto& c) { c.vocab_size = 264; }, model.config);
  }
  return models;
}

TEST(Parity, WritesModels) {
  const char* out = std::getenv("RETORT_PARITY_OUT");
  if (!out) GTEST_SKIP() << "RETORT_PARITY_OUT is not set";
  const Executor executor(1);
  nn::Compute compute(executor);
  for (const auto& [name, config] : Models()) {
    const std::filesystem::path folder = std::filesystem::path(out) / "model" / name;
    std::filesystem::create_directories(folder);
    const auto model = testing::TinyModel(config);
    SavePretrained(*model, Tokenizer::ByteLevel(), {}, PromptTemplate::kShort, folder);

    const std::vector<int32_t> tokens = testing::RandomTokens("parity", 150, 264);
    const int64_t count = static_cast<int64_t>(tokens.size()) - 1;  // the last is only predicted
    Batch batch;
    const auto input = std::span(tokens).first(static_cast<size_t>(count));
    batch.AddGroup({}, std::span(&input, 1));
    std::vector<float> logprobs(static_cast<size_t>(count));
    Workspace workspace(compute);
    const auto weights = model->Packed(compute);
    const nn::Mat h = model->network().Forward(*weights, workspace, batch);
    std::vector<int32_t> rows(static_cast<size_t>(count));
    for (int64_t t = 0; t < count; ++t) rows[static_cast<size_t>(t)] = static_cast<int32_t>(t);
    nn::Head(compute, {.hidden = h,
                       .w = &weights->head(),
                       .predictions = count,
                       .rows = rows.data(),
                       .targets = tokens.data() + 1,
                       .logprob = logprobs.data()});
    WriteFileAtomic(folder / "expected.json",
                    Json({{"tokens", tokens}, {"logprobs", logprobs}}).dump());
  }
}

}  // namespace
}  // namespace retort::model::parity_models_test
