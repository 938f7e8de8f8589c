#include "nn/parameters.h"

#include <algorithm>

namespace retort::nn {

ParameterId ParameterLayout::Add(const std::string& name, std::vector<int64_t> shape,
                                 bool trainable) {
  constexpr int64_t kLine = kCacheLine / sizeof(float);
  const auto id = static_cast<ParameterId>(parameters_.size());
  RETORT_CHECK(ids_.emplace(name, id).second, "parameter '", name, "' exists already");
  RETORT_CHECK(shape.size() == 1 || shape.size() == 2, "parameter '", name, "': got ", shape.size(),
               " dimensions, expected 1 or 2");
  int64_t numbers = 1, end = 0;  // a configuration may say anything
  bool fits = true;
  for (const int64_t extent : shape) fits &= !__builtin_mul_overflow(numbers, extent, &numbers);
  fits = fits && !__builtin_add_overflow(size_, numbers, &end) && end <= INT64_MAX / 8;
  RETORT_CHECK(fits, "parameter '", name, "' makes the model larger than any memory");
  const bool decay = shape.size() == 2;
  parameters_.push_back({name, std::move(shape), trainable, decay, size_});
  count_ += numbers;
  size_ = (end + kLine - 1) / kLine * kLine;
  return id;
}

std::optional<ParameterId> ParameterLayout::Find(std::string_view name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

ParameterId ParameterLayout::IdOf(std::string_view name) const {
  const std::optional<ParameterId> id = Find(name);
  RETORT_CHECK(id, "the model has no parameter '", name, "'");
  return *id;
}

void ParameterStore::Zero() { std::ranges::fill(numbers_, 0.0f); }

}  // namespace retort::nn
