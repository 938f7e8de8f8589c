#pragma once
// What the blocks of a network are given while it is put together: where their parameters go, and
// what is to be packed for them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/network.h"

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
  bool adapter = false;  ///< `source` is a parameter of the adapters' layout
};

/// What is wanted packed, of the network and of its adapters: a PackedId is a place in either.
struct PackItems {
  std::vector<PackItem> base, adapters;
  /// Of `base`, as it is to lie in memory: in the order of its use, which decoding reads it in.
  std::vector<PackedId> order;
};

struct Builder {
  nn::ParameterLayout& layout;
  nn::ParameterLayout& adapter_layout;
  PackItems& items;
  AdapterOptions adapters;
  /// Only the layout is wanted: nothing is made for every head, of which a file has not yet shown
  /// that there are so many.
  bool layout_only = false;

  nn::ParameterId Vector(const std::string& name, int64_t n, bool trainable = true) {
    return layout.Add(name, {n}, trainable);
  }
  nn::ParameterId Matrix(const std::string& name, int64_t rows, int64_t cols) {
    return layout.Add(name, {rows, cols});
  }
  /// The parameters of an adapter beside the matrix "`name`.weight", where there are to be any.
  struct Adapter {
    nn::ParameterId a, b;  // [rank, cols], [rows, rank]
  };
  std::optional<Adapter> AddAdapter(const std::string& name, int64_t rows, int64_t cols) {
    if (adapters.rank == 0) return std::nullopt;
    return Adapter{adapter_layout.Add(name + ".lora_A.weight", {adapters.rank, cols}),
                   adapter_layout.Add(name + ".lora_B.weight", {rows, adapters.rank})};
  }
  PackedId Packed(const PackItem& item) {
    std::vector<PackItem>& list = item.adapter ? items.adapters : items.base;
    list.push_back(item);
    const auto id = static_cast<PackedId>(list.size() - 1);
    if (!item.adapter) items.order.push_back(id);
    return id;
  }
};

}  // namespace retort::model
