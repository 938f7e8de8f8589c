// Training steps: forward, loss, backward, optimizer.

#include <list>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "cli/parts/memory.h"
#include "train/learner.h"

namespace retort::bench {
namespace {

struct TrainShape {
  int64_t batch = 0;       // sequences
  int64_t samples = 1;     // of one prompt, which is computed once
  int64_t prompt = 1;      // tokens, not predicted
  int64_t completion = 0;  // tokens, predicted
};

class TrainStep {
 public:
  TrainStep(const BenchShape& shape, const TrainShape& sizes, const nn::Precision& precision,
            nn::Compute& compute)
      : shape_(shape),
        sizes_(sizes),
        compute_(compute),
        model_(model::NewModel(shape.config, 1, precision)) {
    train::LearnGroup group;
    for (int64_t s = 0; s < sizes.batch; ++s) {
      const std::vector<int32_t> tokens = RandomTokens(
          sizes.prompt + sizes.completion, model_->vocab_size(), static_cast<uint64_t>(s));
      const auto end_of_prompt = tokens.begin() + sizes.prompt;
      if (s % sizes.samples == 0) group = {{tokens.begin(), end_of_prompt}, {}};
      group.completions.push_back({end_of_prompt, tokens.end()});
      if ((s + 1) % sizes.samples == 0 || s + 1 == sizes.batch) micro_.Add(group);
    }
  }

  double Once() {
    std::optional<MemoryGrowth> memory;
    if (!learner_) {
      memory.emplace();
      learner_.emplace(*model_, compute_,
                       train::LearnerOptions{.optimizer = {.learning_rate = 1e-6}});
    }
    const float share = -1 / static_cast<float>(micro_.predictions());
    const Stopwatch watch;
    learner_->Accumulate(micro_, 1, 1, [&](const train::Scores& scores) {
      return train::ScoreGradients{std::vector<float>(scores.logprob.size(), share), {}};
    });
    learner_->Step(1e-6);
    const double seconds = watch.seconds();
    if (memory) peak_bytes_ = memory->peak();
    return seconds;
  }

  Json TimedRow(const Timing& timing) const {
    Json row = Row(shape_, sizes_.batch, model_->precision(), compute_.executor.threads());
    // The last token of a sequence is only predicted.
    const int64_t length = sizes_.prompt + sizes_.completion - 1;
    row["length"] = length;
    row["prompt"] = sizes_.prompt;
    row["samples"] = sizes_.samples;
    row["computed_tokens"] = micro_.batch().size();
    AddSpeed(timing, static_cast<double>(sizes_.batch * length),
             6 * ActiveParameters(shape_) * static_cast<double>(micro_.batch().size()), row);
    row["peak_bytes"] = peak_bytes_;
    return row;
  }

  Work work() {
    return {compute_, [this] { return Once(); }, [this](const Timing& t) { return TimedRow(t); }};
  }

 private:
  BenchShape shape_;
  TrainShape sizes_;
  nn::Compute& compute_;
  std::unique_ptr<model::LanguageModel> model_;
  std::optional<train::Learner> learner_;
  train::MicroBatch micro_;
  int64_t peak_bytes_ = 0;
};

}  // namespace

std::vector<Json> BenchTrain(const BenchOptions& options, nn::Compute& compute) {
  SingleThread single;
  std::vector<Json> rows;
  for (const std::string& name : OneOr(options.shapes, {"S", "D", "M"})) {
    const BenchShape shape = FindShape(name);
    const bool groups = options.samples > 0;
    const int64_t usual = groups ? options.samples : name == "M" ? 2 : 16;
    for (const int64_t batch : OneOr(options.batch, {usual})) {
      TrainShape sizes{.batch = batch, .completion = Or(options.length, 256)};
      if (groups) {
        sizes.prompt = Or(options.length, 512);
        sizes.completion = Or(options.new_tokens, 64);
      }
      std::list<TrainStep> steps;
      if (options.scaling) steps.emplace_back(shape, sizes, options.precision, single.compute);
      if (groups)
        steps.emplace_back(shape, sizes, options.precision, compute);  // the same without sharing
      sizes.samples = groups ? options.samples : 1;
      steps.emplace_back(shape, sizes, options.precision, compute);
      std::vector<Work> works;
      for (TrainStep& step : steps) works.push_back(step.work());
      AddRows(options, "train " + shape.name, works, rows);
    }
  }
  return rows;
}

}  // namespace retort::bench
