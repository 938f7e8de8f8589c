#include "train/problems.h"

#include <numeric>

#include "base/random.h"

namespace retort::train {

std::vector<Problem> GetProblems(const ProblemOptions& options) {
  std::vector<Problem> problems = options.file.empty()
                                      ? datasets::GenerateProblems(options.generator, options.split)
                                      : datasets::LoadProblems(options.file, options.columns);
  RETORT_CHECK(!problems.empty(), options.file, ": no problems");
  return problems;
}

LearnGroup WorkedGroup(const model::Tokenizer& tokenizer, model::PromptTemplate prompt_template,
                       const Problem& problem, bool reasons) {
  return {model::RenderPrompt(tokenizer, prompt_template, problem.prompt),
          {model::RenderCompletion(tokenizer, {reasons ? problem.solution : "", problem.answer})}};
}

ShuffledOrder::ShuffledOrder(int64_t count, uint64_t seed, std::string purpose)
    : count_(count), seed_(seed), purpose_(std::move(purpose)) {
  RETORT_CHECK(count > 0, "nothing to draw from for '", purpose_, "'");
}

int64_t ShuffledOrder::At(int64_t n) {
  if (const int64_t epoch = n / count_; epoch != epoch_) {
    epoch_ = epoch;
    order_.resize(static_cast<size_t>(count_));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    RandomStream random({seed_, purpose_, static_cast<uint64_t>(epoch)});
    random.Shuffle(order_);
  }
  return order_[static_cast<size_t>(n % count_)];
}

}  // namespace retort::train
