#pragma once
// How to sample: what was typed, and for the rest what the model's folder says.

#include <set>
#include <string>

#include "cli/parts/option_flags.h"
#include "model/generation_config.h"
#include "rollout/sampler.h"

namespace retort::cli {

struct SamplingFlags {
  rollout::SamplingOptions options;
  std::set<std::string> typed;   ///< fields that somebody has set
  std::set<std::string> folder;  ///< those that generation_config.json has set

  /// Whether anybody has said how long a completion may be.
  bool HasLength() const;
};

/// A flag for each option, with the names that it has in transformers and in llama.cpp, and
/// --greedy. `flags` must stay where it is.
void AddSamplingFlags(CLI::App& app, SamplingFlags& flags);

/// Sets what was not typed to what the file says; `do_sample: false` is a temperature of 0.
void TakeFolderDefaults(const model::GenerationConfig& config, SamplingFlags& flags);

/// The field of that name, as it is called in JSON, on a command line, in transformers or in
/// llama.cpp, set and typed. Throws Error on another name, with the nearest, and on a bad value.
void SetSampling(SamplingFlags& flags, const std::string& name, const std::string& value);

/// A line for each option that says where its value is from, and one for what ends a completion.
std::string DescribeSampling(const SamplingFlags& flags, const model::GenerationConfig& config,
                             const model::Tokenizer& tokenizer);

}  // namespace retort::cli
