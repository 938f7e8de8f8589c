#pragma once
// generation_config.json: how a model likes to be sampled, and the ids that end its text.

#include <filesystem>
#include <optional>
#include <vector>

#include "base/options.h"
#include "model/tokenizer.h"

namespace retort::model {

/// What the file says; empty is what it does not.
struct GenerationConfig {
  std::optional<int64_t> bos_token_id, pad_token_id;
  std::vector<int64_t> eos_token_id;  ///< every id that ends a completion; kept as its last token
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;  ///< 0 or less: off
  std::optional<double> min_p;   ///< 0: off
  std::optional<double> repetition_penalty;
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
    v("top_k", top_k, "Most probable tokens kept; 0 keeps all.", Bounds{-1, 1e7});
    v("min_p", min_p, "Keep tokens this probable relative to the best.", Bounds{0, 1});
    v("repetition_penalty", repetition_penalty, "Divides the logits of what was said.",
      Bounds{0.01, 100});
    v("max_new_tokens", max_new_tokens, "Longest completion in tokens.", Bounds{1, 1e9});
  }
};

/// Keys of other samplers are ignored; eos_token_id may be one id or a list, and is config.json's
/// where the file is missing or names none. A folder with neither gives nothing. Throws Error on a
/// malformed file.
GenerationConfig ReadGenerationConfig(const std::filesystem::path& folder);
/// Leaves out what is empty, as transformers does.
void WriteGenerationConfig(const GenerationConfig& config, const std::filesystem::path& folder);

/// The ids that end what a model says, wherever it is sampled: those that its folder names, or else
/// those of its vocabulary (StopIds in template.h). Never empty; throws Error when there are none.
std::vector<int32_t> StopIds(const GenerationConfig& config, const Tokenizer& tokenizer);

/// That of a model which is made here: plain sampling, and the vocabulary's own ends.
GenerationConfig NewGenerationConfig(const Tokenizer& tokenizer);

}  // namespace retort::model
