#include "model/batch.h"

#include <algorithm>
#include <numeric>

namespace retort::model {

void Batch::AddTokens(std::span<const int32_t> tokens, int64_t position, const int32_t* key_rows) {
  spans_.push_back({size(), static_cast<int64_t>(tokens.size()), position, key_rows});
  for (const int32_t token : tokens) {
    tokens_.push_back(token);
    positions_.push_back(static_cast<int32_t>(position++));
  }
  max_position_ = std::max(max_position_, static_cast<int32_t>(position - 1));
}

std::vector<int64_t> Batch::AddGroup(std::span<const int32_t> prompt,
                                     std::span<const std::span<const int32_t>> continuations) {
  const int64_t prompt_row = size(), prompt_length = static_cast<int64_t>(prompt.size());
  std::vector<int64_t> first_rows;
  if (prompt_length > 0) {
    std::vector<int32_t>& rows = key_rows_.emplace_back(prompt.size());
    std::iota(rows.begin(), rows.end(), static_cast<int32_t>(prompt_row));
    AddTokens(prompt, 0, rows.data());
  }
  for (const std::span<const int32_t> continuation : continuations) {
    const int64_t row = size(), length = static_cast<int64_t>(continuation.size());
    first_rows.push_back(row);
    sequences_.push_back({prompt_row, prompt_length, row, length});
    if (length == 0) continue;
    std::vector<int32_t>& rows = key_rows_.emplace_back(prompt.size() + continuation.size());
    const auto own = rows.begin() + prompt_length;
    std::iota(rows.begin(), own, static_cast<int32_t>(prompt_row));
    std::iota(own, rows.end(), static_cast<int32_t>(row));
    AddTokens(continuation, prompt_length, rows.data());
  }
  group_begin_.push_back(static_cast<int64_t>(spans_.size()));
  return first_rows;
}

int64_t Batch::AddCached(KvCache::Handle sequence, std::span<const int32_t> tokens) {
  const int64_t row = size(), position = cache_->length(sequence);
  cache_->Append(sequence, static_cast<int64_t>(tokens.size()));
  const std::vector<int32_t>& rows = cache_->rows(sequence);
  cache_rows_.insert(cache_rows_.end(), rows.begin() + position, rows.end());
  AddTokens(tokens, position, rows.data());
  return row;
}

void Batch::Clear() {
  tokens_.clear();
  positions_.clear();
  cache_rows_.clear();
  spans_.clear();
  group_begin_.assign(1, 0);
  sequences_.clear();
  key_rows_.clear();
  max_position_ = -1;
}

}  // namespace retort::model
