#pragma once
// Rotary position embedding (Su et al. 2021) in the two layouts found in checkpoints: interleaved
// pairs (2i, 2i+1) for DeepSeek, half-split pairs (i, i + dim/2) for Llama and Qwen. Backward is
// the rotation by the opposite angle (times the same magnitude).

#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

enum class RopeLayout { kInterleaved, kHalfSplit };

/// What a position turns the pairs by.
struct Rotations {
  std::vector<double> frequencies;  ///< [dim / 2], angle per position
  double magnitude = 1;             ///< both numbers of a pair are multiplied by it besides

  bool operator==(const Rotations&) const = default;
};

/// cos and sin of position · frequency, times the magnitude, computed in double precision.
class RopeTable {
 public:
  explicit RopeTable(Rotations rotations)
      : rotations_(std::move(rotations)), dim_(2 * std::ssize(rotations_.frequencies)) {}
  /// Makes positions 0 … count-1 available. Not thread-safe; call before a parallel region.
  void Reserve(int64_t count);
  int64_t dim() const { return dim_; }
  const Rotations& rotations() const { return rotations_; }
  const float* cos(int64_t position) const { return cos_.data() + position * (dim_ / 2); }
  const float* sin(int64_t position) const { return sin_.data() + position * (dim_ / 2); }

 private:
  Rotations rotations_;
  int64_t dim_;
  std::vector<float> cos_, sin_;  // [positions, dim / 2]
};

struct RopeArgs {
  const RopeTable* table = nullptr;    // Reserve()d for every position used
  const int32_t* positions = nullptr;  // [T]
  Mat x;                               // [T, …], rotated in place
  int64_t heads = 1;  // head h is rotated at columns begin + h·stride, width table dim
  int64_t begin = 0;
  int64_t head_stride = 0;
  RopeLayout layout = RopeLayout::kHalfSplit;
  bool inverse = false;  // backward
};
void Rope(Compute& compute, const RopeArgs& args);

}  // namespace retort::nn
