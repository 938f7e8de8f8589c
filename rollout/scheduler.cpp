#include "rollout/scheduler.h"

#include <algorithm>

namespace retort::rollout {

void Scheduler::Add(Request request) {
  Group& group = groups_.emplace_back();
  group.request = std::move(request);
  group.cache = cache_.NewSequence();
}

Row* Scheduler::Start() {
  if (std::ssize(rows_) >= options_.max_rows) return nullptr;
  for (Group& group : groups_) {
    if (group.logits.empty() || group.started == group.request.samples) continue;
    const int64_t sample = group.request.first_sample + group.started++;
    return &rows_.emplace_back(
        Row{&group, cache_.Fork(group.cache), Acceptor(group.request, sample, tokenizer_)});
  }
  return nullptr;
}

void Scheduler::End(Row& row) {
  cache_.Drop(row.cache);
  std::erase_if(rows_, [&](const Row& other) { return &other == &row; });
}

void Scheduler::Retire() {
  std::erase_if(groups_, [&](const Group& group) {
    const auto of_group = [&](const Row& row) { return row.group == &group; };
    if (group.started < group.request.samples || std::ranges::any_of(rows_, of_group)) return false;
    cache_.Drop(group.cache);
    return true;
  });
}

std::vector<Scheduler::Piece> Scheduler::NextPrompts() {
  std::vector<Piece> pieces;
  int64_t budget = options_.prefill_tokens;
  int64_t ahead = 0;  // samples that can start as soon as there is a free row
  for (Group& group : groups_) {
    if (group.started == group.request.samples) continue;
    if (budget <= 0 || ahead >= options_.max_rows) break;
    ahead += group.request.samples - group.started;
    const std::span<const int32_t> left =
        std::span(group.request.prompt).subspan(static_cast<size_t>(group.prefilled));
    if (left.empty()) continue;
    const int64_t count = std::min(std::ssize(left), budget);
    pieces.push_back({&group, left.first(static_cast<size_t>(count)), count == std::ssize(left)});
    group.prefilled += count;
    budget -= count;
  }
  return pieces;
}

}  // namespace retort::rollout
