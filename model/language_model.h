#pragma once
// A network with weights that can be trained, and the packed forms of the weights as they are now.

#include <cstdint>
#include <memory>
#include <vector>

#include "model/packed_weights.h"

namespace retort::model {

/// Not thread-safe; what Packed returns is, and stays as it was packed.
class LanguageModel {
 public:
  /// All values 0. `precision`: what it is trained in and, unless told otherwise, sampled in.
  /// `base`: what the network's adapters stand beside, if it has any.
  explicit LanguageModel(std::shared_ptr<const Network> network,
                         const nn::Precision& precision = {},
                         std::shared_ptr<const PackedWeights> base = {})
      : network_(std::move(network)),
        precision_(precision),
        base_(std::move(base)),
        values_(network_->layout()) {}

  const Network& network() const { return *network_; }
  const std::shared_ptr<const Network>& shared_network() const { return network_; }
  const ModelConfig& config() const { return network_->config(); }
  int64_t hidden_size() const { return network_->hidden_size(); }
  int64_t vocab_size() const { return network_->vocab_size(); }
  const nn::Precision& precision() const { return precision_; }
  /// What adapters stand beside; null without.
  const std::shared_ptr<const PackedWeights>& base() const { return base_; }

  const nn::ParameterStore& values() const { return values_; }
  /// To be changed at once: what was packed before is then of an older version.
  nn::ParameterStore& ChangeValues() {
    ++version_;
    return values_;
  }

  /// The values in a form to compute with, packed when they have changed since. The storage of an
  /// older version is used again unless somebody holds it.
  std::shared_ptr<const PackedWeights> Packed(nn::Compute& compute) {
    return Packed(compute, precision_);
  }
  std::shared_ptr<const PackedWeights> Packed(nn::Compute& compute, const nn::Precision& precision);
  /// How often something was packed.
  int64_t packs() const { return packs_; }

 private:
  std::shared_ptr<const Network> network_;
  nn::Precision precision_;
  std::shared_ptr<const PackedWeights> base_;
  nn::ParameterStore values_;
  int64_t version_ = 0;
  std::vector<std::shared_ptr<const PackedWeights>> forms_;  // one for each precision asked for
  int64_t packs_ = 0;
};

/// A model with weights drawn from the stream "init" of `seed`: normal(0, initializer_range) for
/// matrices, ones for norms, zeros for biases. Validates the configuration.
std::unique_ptr<LanguageModel> NewModel(const ModelConfig& config, uint64_t seed,
                                        const nn::Precision& precision = {});

/// Adapters beside weights that are not trained, which they do not change yet: A is drawn as PEFT
/// draws it, from the stream "adapters" of `seed`, and B is 0.
std::unique_ptr<LanguageModel> NewAdapters(std::shared_ptr<const PackedWeights> base,
                                           const AdapterOptions& options, uint64_t seed,
                                           const nn::Precision& precision = {});

}  // namespace retort::model
