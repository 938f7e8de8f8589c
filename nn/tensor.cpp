#include "nn/tensor.h"

#include <cstring>

#include "nn/dtype.h"

namespace retort::nn {

void StoredMat::ReadRow(int64_t r, float* out) const {
  const std::byte* from = at(r, 0);
  if (type == Type::kFloat32) {
    std::memcpy(out, from, static_cast<size_t>(cols) * sizeof(float));
    return;
  }
  if (type == Type::kFloat8E4M3) {
    const float* row =
        scales->scales.data() + (scales_row + r) / scales->block_rows * scales->stride;
    for (int64_t c = 0; c < cols; ++c) {
      out[c] = Float8ToFloat(static_cast<Float8E4M3>(from[c])) *
               row[(scales_col + c) / scales->block_cols];
    }
    return;
  }
  const auto convert = [&](const auto& to_float) {
    for (int64_t c = 0; c < cols; ++c) {
      uint16_t half = 0;
      std::memcpy(&half, from + 2 * c, sizeof(half));
      out[c] = to_float(half);
    }
  };
  if (type == Type::kBFloat16) {
    convert([](BFloat16 half) { return ToFloat(half); });
  } else {
    convert([](Float16 half) { return Float16ToFloat(half); });
  }
}

}  // namespace retort::nn
