#include "nn/rope.h"

#include <cmath>

#include "nn/internal/row_math.h"

namespace retort::nn {
namespace {
constexpr int64_t kTile = 16;  // rows
}

void RopeTable::Reserve(int64_t count) {
  const int64_t pairs = dim_ / 2;
  if (static_cast<int64_t>(cos_.size()) >= count * pairs) return;
  const int64_t have = static_cast<int64_t>(cos_.size()) / pairs;
  cos_.resize(static_cast<size_t>(count * pairs));
  sin_.resize(static_cast<size_t>(count * pairs));
  for (int64_t i = 0; i < pairs; ++i) {
    const double frequency = rotations_.frequencies[static_cast<size_t>(i)];
    for (int64_t position = have; position < count; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      cos_[static_cast<size_t>(position * pairs + i)] =
          static_cast<float>(rotations_.magnitude * std::cos(angle));
      sin_[static_cast<size_t>(position * pairs + i)] =
          static_cast<float>(rotations_.magnitude * std::sin(angle));
    }
  }
}

void Rope(Compute& compute, const RopeArgs& args) {
  compute.ForRows("rope", args.x.rows, kTile, [&](int64_t begin, int64_t end, Arena&) {
    for (int64_t t = begin; t < end; ++t) {
      const Rotation rotation{.cos = args.table->cos(args.positions[t]),
                              .sin = args.table->sin(args.positions[t]),
                              .pairs = args.table->dim() / 2,
                              .interleaved = args.layout == RopeLayout::kInterleaved,
                              .inverse = args.inverse};
      for (int64_t h = 0; h < args.heads; ++h) {
        Rotate(rotation, args.x.row(t) + args.begin + h * args.head_stride);
      }
    }
  });
}

}  // namespace retort::nn
