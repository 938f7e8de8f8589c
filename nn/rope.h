#pragma once
// Rotary position embedding (Su et al. 2021) in the two layouts found in checkpoints: interleaved
// pairs (2i, 2i+1) for DeepSeek, half-split pairs (i, i + dim/2) for Llama and Qwen. Backward is
// the rotation by the opposite angle.

#include <cstdint>
#include <vector>

#include "nn/compute.h"
#include "nn/tensor.h"

namespace retort::nn {

enum class RopeLayout { kInterleaved, kHalfSplit };

/// cos and sin of position · theta^(-2i/dim), computed in double precision.
class RopeTable {
 public:
  /// `dim` even.
  RopeTable(int64_t dim, double theta) : dim_(dim), theta_(theta) {}
  /// Makes positions 0 … count-1 available. Not thread-safe; call before a parallel region.
  void Reserve(int64_t count);
  int64_t dim() const { return dim_; }
  bool Is(int64_t dim, double theta) const { return dim_ == dim && theta_ == theta; }
  const float* cos(int64_t position) const { return cos_.data() + position * (dim_ / 2); }
  const float* sin(int64_t position) const { return sin_.data() + position * (dim_ / 2); }

 private:
  int64_t dim_;
  double theta_;
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
