#include "train/micro_batch.h"

#include <algorithm>

namespace retort::train {
namespace {

int64_t CompletionRows(const std::vector<int32_t>& completion) {
  return completion.empty() ? 0 : static_cast<int64_t>(completion.size()) - 1;
}

}  // namespace

int64_t LearnGroup::Tokens() const {
  int64_t tokens = static_cast<int64_t>(prompt.size());
  for (const auto& completion : completions) tokens += CompletionRows(completion);
  return tokens;
}

int64_t LearnGroup::Predictions() const {
  auto count = learn_prompt ? static_cast<int64_t>(prompt.size()) - 1 : int64_t{0};
  if (!learned.empty()) return count + std::ranges::count(learned, true);
  for (const auto& completion : completions) count += static_cast<int64_t>(completion.size());
  return count;
}

void MicroBatch::Add(std::span<const LearnGroup> groups, const GroupPiece& piece) {
  const LearnGroup& group = groups[static_cast<size_t>(piece.group)];
  const auto completions =
      std::span(group.completions)
          .subspan(static_cast<size_t>(piece.first), static_cast<size_t>(piece.count));
  RETORT_CHECK(!group.prompt.empty(), "a sequence to learn from needs a prompt of one token");
  RETORT_CHECK(group.learned.empty() || (group.completions.size() == 1 &&
                                         group.learned.size() == group.completions[0].size()),
               "which tokens are learned is said of a group's only completion");
  std::vector<std::span<const int32_t>> inputs;
  for (const auto& completion : completions) {
    inputs.push_back(std::span(completion).first(static_cast<size_t>(CompletionRows(completion))));
  }
  const auto prompt_row = static_cast<int32_t>(batch_.size());
  const auto last_row = prompt_row + static_cast<int32_t>(group.prompt.size()) - 1;
  const std::vector<int64_t> first_rows = batch_.AddGroup(group.prompt, inputs);
  if (group.learn_prompt) {
    for (size_t i = 1; i < group.prompt.size(); ++i) {
      rows_.push_back(prompt_row + static_cast<int32_t>(i) - 1);
      targets_.push_back(group.prompt[i]);
    }
  }
  for (size_t s = 0; s < completions.size(); ++s) {
    const std::vector<int32_t>& completion = completions[s];
    begin_.push_back(predictions());
    for (size_t j = 0; j < completion.size(); ++j) {
      if (!group.learned.empty() && !group.learned[j]) continue;
      const auto own = static_cast<int32_t>(first_rows[s]) + static_cast<int32_t>(j) - 1;
      rows_.push_back(j == 0 ? last_row : own);
      targets_.push_back(completion[j]);
    }
    length_.push_back(predictions() - begin_.back());
  }
}

std::vector<std::vector<GroupPiece>> CutIntoMicroBatches(std::span<const LearnGroup> groups,
                                                         int64_t max_tokens) {
  std::vector<std::vector<GroupPiece>> cuts(1);
  int64_t used = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto prompt = static_cast<int64_t>(groups[g].prompt.size());
    GroupPiece piece{static_cast<int64_t>(g), 0, 0};
    const auto close = [&] {  // the open micro-batch is full
      if (piece.count > 0) cuts.back().push_back(piece);
      if (!cuts.back().empty()) cuts.emplace_back();
      piece.first += piece.count;
      piece.count = 0;
      used = 0;
    };
    // Whole groups stay together while they fit.
    if (used > 0 && used + groups[g].Tokens() > max_tokens) close();
    used += prompt;
    for (const auto& completion : groups[g].completions) {
      const int64_t rows = CompletionRows(completion);
      if (used + rows > max_tokens && piece.count > 0) {
        close();
        used = prompt;
      }
      used += rows;
      ++piece.count;
    }
    if (piece.count > 0) cuts.back().push_back(piece);
  }
  if (cuts.back().empty()) cuts.pop_back();
  return cuts;
}

}  // namespace retort::train
