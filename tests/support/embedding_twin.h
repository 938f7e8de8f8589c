#pragma once
// Rows of a table by id.

#include <cstdint>
#include <vector>

namespace retort::testing {

template <class S>
std::vector<S> EmbedTwin(const std::vector<S>& table, int64_t width,
                         const std::vector<int32_t>& ids) {
  std::vector<S> y;
  for (const int32_t id : ids) {
    for (int64_t i = 0; i < width; ++i) y.push_back(table[static_cast<size_t>(id * width + i)]);
  }
  return y;
}

}  // namespace retort::testing
