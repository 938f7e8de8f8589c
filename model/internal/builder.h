#pragma once
// What the blocks of a network are given while it is put together: where their parameters go, and
// what is to be packed for them.

#include <cstdint>
#include <string>
#include <vector>

#include "nn/parameters.h"

namespace retort::model {

/// The place of a matrix in PackedWeights.
using PackedId = int32_t;

/// Rows of a parameter that are multiplied by, [rows, cols] or its transpose.
struct PackItem {
  enum class Kind {
    kWeight,  ///< packed as the Precision says
    kRouter,  ///< in float32: a choice of experts should not hang on rounding
    kHead,    ///< in float32 beside float8: as where the formats come from (GGUF's q8_0 packs it)
  };
  nn::ParameterId source = 0;
  int64_t first = 0, rows = 0;
  bool transpose = false;
  Kind kind = Kind::kWeight;
};

struct Builder {
  nn::ParameterLayout& layout;
  std::vector<PackItem>& items;
  /// Only the layout is wanted: nothing is made for every head, of which a file has not yet shown
  /// that there are so many.
  bool layout_only = false;

  nn::ParameterId Vector(const std::string& name, int64_t n, bool trainable = true) {
    return layout.Add(name, {n}, trainable);
  }
  nn::ParameterId Matrix(const std::string& name, int64_t rows, int64_t cols) {
    return layout.Add(name, {rows, cols});
  }
  PackedId Packed(const PackItem& item) {
    items.push_back(item);
    return static_cast<PackedId>(items.size() - 1);
  }
};

}  // namespace retort::model
