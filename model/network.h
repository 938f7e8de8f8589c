#pragma once
// What a model computes, without its weights: a list of stages (embedding, decoder layers, final
// norm and head) joined by one [T, d] tensor. It knows tokens, not rewards. One forward serves
// training, prefill and decoding (law 1): a token's hidden state depends only on the tokens before
// it in its own sequence, to the bit.
//
// Immutable, so safe to share: any number of threads may run passes at once, each with a Workspace
// (and a Tape) of its own.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/config.h"
#include "model/tape.h"
#include "model/workspace.h"
#include "nn/parameters.h"

namespace retort::model {

class PackedWeights;
class TensorSource;

/// Low-rank adapters beside the linear weights of the layers, routers excepted.
struct AdapterOptions {
  int64_t rank = 0;  ///< 0: none
  double alpha = 1;  ///< what they add counts alpha / rank
};

class Network : public std::enable_shared_from_this<Network> {
 public:
  /// Throws Error where it cannot be run (model/config.h: Validate).
  /// With adapters these are the parameters, and the weights beside them are given packed.
  static std::shared_ptr<const Network> Make(const ModelConfig& config,
                                             const AdapterOptions& adapters = {});
  /// Only its layout(), which takes no memory for the sizes in the configuration but for those of
  /// layers and experts.
  static nn::ParameterLayout LayoutOf(const ModelConfig& config);
  ~Network();

  const ModelConfig& config() const { return config_; }
  /// Whether its parameters are the weights themselves, and not adapters.
  bool trains_base() const { return trains_base_; }
  /// Every parameter in the published names and shapes; adapters as PEFT does, without its
  /// prefix.
  const std::shared_ptr<const nn::ParameterLayout>& layout() const { return layout_; }
  int64_t hidden_size() const;
  int64_t vocab_size() const;
  int64_t layers() const;
  int64_t moe_layers() const;
  int64_t max_positions() const;
  // Of the weights' layout, not of adapters'.
  nn::ParameterId embedding() const;
  nn::ParameterId head() const;  ///< the embedding where they are tied
  bool has_router_bias() const;  ///< that BalanceBias would move

  struct PackOptions {
    nn::Precision precision = {};
    int64_t version = 0;
    /// An older form whose storage is used again if nobody else holds it; may be null.
    std::shared_ptr<const PackedWeights> old = {};
    /// What adapters stand beside, in whatever form it is held.
    std::shared_ptr<const PackedWeights> base = {};
  };
  /// Packs values for the kernels. Throws Error where the machine cannot run the precision.
  std::shared_ptr<const PackedWeights> Pack(nn::Compute& compute, const nn::ParameterStore& values,
                                            PackOptions options) const;
  /// The same from stored tensors, which are forgotten as they are read: what is held at most is
  /// the packed form and a few of them.
  std::shared_ptr<const PackedWeights> Pack(nn::Compute& compute, const TensorSource& source,
                                            PackOptions options) const;

  /// Stage 0 is the embedding, then come the decoder layers, and the final norm is the last. A
  /// pipeline cuts between any two: what passes there is the hidden states [T, d], and their
  /// gradient.
  int64_t stages() const { return layers() + 2; }
  /// The hidden states after the final norm [T, d], valid until the workspace's next pass or the
  /// tape's Reset. With a tape (training; the batch must not be cached) everything backward needs
  /// is kept on it, the hidden states before the final norm too.
  nn::Mat Forward(const PackedWeights& weights, Workspace& workspace, const Batch& batch,
                  Tape* tape = nullptr) const {
    return Forward(weights, workspace, batch, tape, {0, stages()}, {});
  }
  /// The same of some stages only. `x` is what the stage before them gave, not kept; it is not
  /// read where they begin with the embedding.
  nn::Mat Forward(const PackedWeights& weights, Workspace& workspace, const Batch& batch,
                  Tape* tape, StageRange range, nn::ConstMat x) const;

  /// Where gradients come from and go to.
  struct Gradients {
    /// The values that were packed; null: input gradients read the packed forms, as beside
    /// adapters.
    const nn::ParameterStore* values = nullptr;
    nn::ParameterStore& store;  ///< added to
    /// Leaves the weight gradients to Tape::RunWeightGrads; else those of half a layer run right
    /// after its input gradient.
    bool defer_weights = false;
  };
  /// From the gradient of what the tape's forward gave [T, d] to those of every parameter of its
  /// stages. Returns the gradient of what went in, valid until the tape's Reset.
  nn::Mat Backward(const PackedWeights& weights, Workspace& workspace, Tape& tape,
                   nn::ConstMat dhidden, const Gradients& gradients) const;

  /// Loss-free balancing (DeepSeek-V3 §2.1.2): moves every router bias of `values` by `rate`
  /// against the loads, one entry per MoE layer.
  void BalanceBias(std::span<const std::vector<int64_t>> loads, double rate,
                   nn::ParameterStore& values) const;

 private:
  struct Parts;
  Network(const ModelConfig& config, const AdapterOptions& adapters);

  ModelConfig config_;
  bool trains_base_;
  std::shared_ptr<const nn::ParameterLayout> layout_;
  std::unique_ptr<const Parts> parts_;
  friend class PackedWeights;
};

}  // namespace retort::model
