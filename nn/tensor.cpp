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
