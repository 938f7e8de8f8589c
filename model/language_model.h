#pragma once
// The contract of every network that Retort trains, samples from or distils into.
//
// A model is a list of stages (embedding, layers, head) joined by one [T, d] tensor. It knows
// tokens, not rewards. One forward serves training, prefill and decoding (law 1): a token's hidden
// state depends only on the tokens before it in its own sequence, to the bit. Not thread-safe: one
// pass at a time; inside a pass the Compute's threads share the work.

#include <memory>
#include <span>
#include <vector>

#include "model/batch.h"
#include "model/config.h"
#include "model/tape.h"
#include "nn/compute.h"
#include "nn/gemm.h"
#include "nn/parameters.h"

namespace retort::model {

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  virtual const ModelConfig& config() const = 0;
  virtual nn::ParameterStore& parameters() = 0;
  virtual int64_t hidden_size() const = 0;
  virtual int64_t vocab_size() const = 0;
  virtual int64_t layers() const = 0;
  /// Of the precision of the last Pack.
  virtual KvCache NewCache() const = 0;

  /// Packs the weights for the kernels and the Compute's precision, with which passes must agree;
  /// to be called after every change of parameters().
  virtual void Pack(nn::Compute& compute) = 0;

  /// Writes the hidden states after the final norm into `hidden` [T, d]. With a tape (training, the
  /// batch must not be cached) everything backward needs is kept on it, the hidden states before
  /// the final norm too.
  virtual void Forward(nn::Compute& compute, const Batch& batch, Tape* tape, nn::Mat hidden) = 0;
  /// From the gradient of `hidden` to gradients of every parameter, added to the store's. The
  /// weight gradients of half a layer run right after its input gradient unless `defer_weights`,
  /// which leaves them to Tape::RunWeightGrads.
  virtual void Backward(nn::Compute& compute, const Batch& batch, Tape& tape, nn::ConstMat dhidden,
                        bool defer_weights = false) = 0;

  /// The output head [V, d] for nn::Head and nn::HeadGrad.
  virtual const nn::PackedMatrix& head() const = 0;
  virtual nn::Parameter& head_weight() = 0;

  /// Experts per MoE layer, 0 for a dense model; Tape::loads has one entry per MoE layer.
  virtual int64_t moe_layers() const = 0;
  /// Loss-free balancing (DeepSeek-V3 §2.1.2): moves every router bias against its loads.
  virtual void BalanceBias(std::span<const std::vector<int64_t>> loads, double rate) = 0;
};

/// A model with weights drawn from the stream "init" of `seed`: normal(0, initializer_range) for
/// matrices, ones for norms, zeros for biases. Validates the configuration. Packed.
std::unique_ptr<LanguageModel> NewModel(const ModelConfig& config, uint64_t seed,
                                        nn::Compute& compute);

/// A tensor of a model as checkpoints name and shape it.
struct TensorShape {
  std::string name;
  std::vector<int64_t> shape;
  bool operator==(const TensorShape&) const = default;
};
/// Every tensor of such a model, in order; allocates none of them.
std::vector<TensorShape> TensorShapes(const ModelConfig& config);

}  // namespace retort::model
