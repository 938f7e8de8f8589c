#pragma once
// How rotary frequencies are stretched beyond the context that a model was trained with: linearly
// (Chen et al. 2023), by parts (YaRN, Peng et al. 2023) or as Llama 3.1 does. Stretching is static:
// it holds for short texts too, as in transformers.

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/options.h"
#include "nn/rope.h"

namespace retort::model {

enum class RopeType { kDefault, kLinear, kYarn, kLlama3 };
constexpr auto EnumNames(RopeType) {
  return std::array{std::pair{RopeType::kDefault, "default"},
                    std::pair{RopeType::kLinear, "linear"}, std::pair{RopeType::kYarn, "yarn"},
                    std::pair{RopeType::kLlama3, "llama3"}};
}

/// The `rope_scaling` (transformers 5: `rope_parameters`) of config.json.
struct RopeScaling {
  RopeType type = RopeType::kDefault;
  double factor = 1;
  std::optional<int64_t> original_max_position_embeddings = {};  ///< empty: max_position_embeddings
  double beta_fast = 32;
  double beta_slow = 1;
  std::optional<double> mscale = {}, mscale_all_dim = {};
  std::optional<double> attention_factor = {};
  bool truncate = true;
  double low_freq_factor = 1;
  double high_freq_factor = 4;

  bool operator==(const RopeScaling&) const = default;
  template <class V>
  void Visit(V& v) {
    v("type", type, "How positions beyond the trained context are handled.");
    v("factor", factor, "Context extension factor (linear, yarn, llama3).", Bounds{1, 1e6});
    v("original_max_position_embeddings", original_max_position_embeddings,
      "Context length before the extension (yarn, llama3); null for max_position_embeddings.",
      Bounds{1, 1e9});
    v("beta_fast", beta_fast, "Rotations above which a frequency is kept (yarn).",
      Bounds{1e-6, 1e6});
    v("beta_slow", beta_slow, "Rotations below which a frequency is divided (yarn).",
      Bounds{1e-6, 1e6});
    v("mscale", mscale, "Temperature coefficient of the rotary part (yarn); with mscale_all_dim.",
      Bounds{0, 100});
    v("mscale_all_dim", mscale_all_dim,
      "Temperature coefficient of the whole head (yarn): DeepSeek multiplies the softmax scale by "
      "its square.",
      Bounds{0, 100});
    v("attention_factor", attention_factor,
      "What the rotary part is multiplied by (yarn); null: follows from the factor.",
      Bounds{0, 100});
    v("truncate", truncate, "Round the range of interpolated frequencies outwards (yarn).");
    v("low_freq_factor", low_freq_factor, "Wavelengths above context / this are divided (llama3).",
      Bounds{1e-6, 1e6});
    v("high_freq_factor", high_freq_factor, "Wavelengths below context / this are kept (llama3).",
      Bounds{1e-6, 1e6});
  }
};

/// What turns `dim` (even) numbers of a head, with original_max_position_embeddings given. YaRN in
/// the generic convention multiplies by 0.1 ln(factor) + 1; where mscale and mscale_all_dim are
/// given, by the quotient of their temperatures (1 in DeepSeek's files).
nn::Rotations RotationsOf(int64_t dim, double theta, const RopeScaling& scaling);

/// What the softmax scale of multi-head latent attention is multiplied by: the square of YaRN's
/// temperature for the whole head, 1 without mscale_all_dim.
double SoftmaxFactor(const RopeScaling& scaling);

}  // namespace retort::model
