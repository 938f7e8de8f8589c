#pragma once
// The k best of a list by insertion: cheap for the few that routing keeps. Private to nn.

#include <cstdint>

namespace retort::nn {

/// Keeps the ids of the `k` largest values offered, best first. Of equal values the one offered
/// first is the better: offered in ascending order, ties go to the lower id. A NaN is the worst.
class TopK {
 public:
  /// `ids` has room for `k` >= 1.
  TopK(const float* values, int64_t k, int32_t* ids) : values_(values), k_(k), ids_(ids) {}

  void Offer(int32_t id) {
    const float value = values_[id];
    if (count_ == k_ && !Better(value, worst_)) return;
    int64_t place = count_ < k_ ? count_++ : k_ - 1;
    for (; place > 0 && Better(value, values_[ids_[place - 1]]); --place) {
      ids_[place] = ids_[place - 1];
    }
    ids_[place] = id;
    worst_ = values_[ids_[count_ - 1]];
  }

 private:
  static bool Better(float a, float b) { return a > b || (b != b && a == a); }

  const float* values_;
  int64_t k_;
  int32_t* ids_;
  int64_t count_ = 0;
  float worst_ = 0;  // value of the last id kept
};

}  // namespace retort::nn
