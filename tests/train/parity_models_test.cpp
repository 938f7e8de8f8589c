// Answers the models that tests/parity/architectures_parity.py makes with transformers: what their
// log-probabilities, gradients and greedy continuations are here, and the folders written again.
// Opt-in: does nothing unless RETORT_PARITY_IN names a folder.

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "model/pretrained.h"
#include "model/safetensors.h"
#include "rollout/engine.h"
#include "train/learner.h"

namespace retort::train::parity_models_test {
namespace {

std::vector<int32_t> Greedy(const std::shared_ptr<const model::PackedWeights>& weights,
                            nn::Compute& compute, const Json& tokens, int64_t count) {
  rollout::RolloutEngine engine(weights, compute, nullptr);
  rollout::Request request;
  request.prompt = tokens.get<std::vector<int32_t>>();
  request.sampling.temperature = 0;
  request.sampling.max_completion_length = count;
  engine.Submit(std::move(request));
  while (engine.Step()) {
  }
  return engine.Poll().at(0).trajectory.completion;
}

void WriteGradients(const nn::ParameterStore& gradients, const std::filesystem::path& file) {
  std::vector<model::StoredTensor> tensors;
  for (const nn::ParameterInfo& p : gradients.layout().all()) {
    tensors.push_back(model::FloatTensor(p.name, p.shape, gradients[p.name]));
  }
  model::WriteSafetensors(file, std::move(tensors));
}

void Answer(const std::filesystem::path& folder, nn::Compute& compute) {
  const Json question = ParseJson(ReadFile(folder / "question.json"), folder.string());
  const model::ModelConfig config = model::ReadModelConfig(folder);
  model::LanguageModel model(model::Network::Make(config));
  model::LoadWeights(model, folder);

  LearnGroup group{{question["tokens"][0].get<int32_t>()}, {{}}};
  for (size_t t = 1; t < question["tokens"].size(); ++t) {
    group.completions[0].push_back(question["tokens"][t]);
  }
  MicroBatch batch;
  batch.Add(group);
  Learner learner(model, compute, {});
  Json answer;
  learner.Accumulate(batch, 1, 1, [&](const Scores& scores) {
    answer["logprobs"] = scores.logprob;
    const auto count = scores.logprob.size();
    return ScoreGradients{std::vector<float>(count, -1 / static_cast<float>(count)), {}};
  });
  WriteGradients(learner.gradients(), folder / "gradients.safetensors");
  answer["greedy"] =
      Greedy(model.Packed(compute), compute, question["prompt"], question["greedy_tokens"]);
  WriteFileAtomic(folder / "answer.json", answer.dump());

  for (const auto dtype : {model::SavedDtype::kFloat32, model::SavedDtype::kBFloat16}) {
    const std::filesystem::path again = folder / "again" / EnumName(dtype);
    std::filesystem::create_directories(again);
    model::WriteModelConfig(config, again, EnumName(dtype));
    model::SaveWeights(model, again / "model.safetensors", dtype);
  }
}

TEST(Parity, AnswersModels) {
  const char* in = std::getenv("RETORT_PARITY_IN");
  if (!in) GTEST_SKIP() << "RETORT_PARITY_IN is not set";
  const Executor executor(1);
  nn::Compute compute(executor);
  for (const auto& entry : std::filesystem::directory_iterator(in)) {
    if (std::filesystem::exists(entry.path() / "question.json")) Answer(entry.path(), compute);
  }
}

}  // namespace
}  // namespace retort::train::parity_models_test
