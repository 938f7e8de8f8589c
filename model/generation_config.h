#pragma once
// generation_config.json: how a model likes to be sampled, and the ids that end its text.

#include <filesystem>
#include <optional>
#include <vector>

#include "base/options.h"

namespace retort::model {

struct GenerationConfig {
  std::optional<int64_t> bos_token_id, pad_token_id;
  std::vector<int64_t> eos_token_id;  ///< every id that ends a completion; kept as its last token
  bool do_sample = true;
  double temperature = 1;
  double top_p = 1;
  int64_t top_k = 0;  ///< 0: off
  double min_p = 0;   ///< 0: off
  std::optional<int64_t> max_new_tokens;

  bool operator==(const GenerationConfig&) const = default;
  template <class V>
  void Visit(V& v) {
    v("bos_token_id", bos_token_id, "Begin-of-text id.", Bounds{0, 1e7});
    v("eos_token_id", eos_token_id, "Every id that ends a completion.", Bounds{0, 1e7});
    v("pad_token_id", pad_token_id, "Padding id.", Bounds{0, 1e7});
    v("do_sample", do_sample, "Sample; false takes the most probable token.");
    v("temperature", temperature, "Divides the logits.", Bounds{0, 1e3});
    v("top_p", top_p, "Smallest set of tokens with this probability.", Bounds{0, 1});
    v("top_k", top_k, "Most probable tokens kept; 0 keeps all.", Bounds{0, 1e7});
    v("min_p", min_p, "Keep tokens this probable relative to the best.", Bounds{0, 1});
    v("max_new_tokens", max_new_tokens, "Longest completion in tokens.", Bounds{1, 1e9});
  }
};

/// Keys of other samplers are ignored; eos_token_id may be one id or a list. A folder without the
/// file gives the defaults (no stop ids). Throws Error on a malformed file.
GenerationConfig ReadGenerationConfig(const std::filesystem::path& folder);
/// Leaves out what is empty, as transformers does.
void WriteGenerationConfig(const GenerationConfig& config, const std::filesystem::path& folder);

}  // namespace retort::model
