#pragma once
// The weights of a network as its kernels read them: immutable, so that any number of threads may
// sample from them while their source is trained on.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "model/network.h"
#include "nn/aligned.h"
#include "nn/compute.h"
#include "nn/gemm.h"
#include "nn/parameters.h"

namespace retort::model {

class PackedWeights {
 public:
  const Network& network() const { return *network_; }
  const nn::Precision& precision() const { return precision_; }
  /// Whose values they are: counts the changes of the model they were packed from.
  int64_t version() const { return version_; }
  /// Of all that is held; with adapters, of those alone.
  int64_t bytes() const;
  /// The weights that adapters stand beside, or these themselves. Their products have their own
  /// precision; cache and gradients have this one's.
  const PackedWeights& base() const { return base_ ? *base_ : *this; }

  /// A cache for passes with these weights.
  KvCache NewCache() const;
  /// The output head [V, d] for nn::Head.
  const nn::PackedMatrix& head() const;

  // For the blocks of the network.
  const nn::PackedMatrix& matrix(int32_t packed, bool adapter) const {
    return (adapter ? *this : base()).matrices_[static_cast<size_t>(packed)];
  }
  /// The numbers of a parameter of one dimension.
  const float* vector(nn::ParameterId id) const {
    return base().vectors_.data() + base().vector_begin_[static_cast<size_t>(id)];
  }
  void Embed(nn::Compute& compute, std::span<const int32_t> ids, nn::Mat y) const;  // [T, d]

 private:
  friend class Network;
  struct Source;
  PackedWeights() = default;
  static std::shared_ptr<PackedWeights> Begin(const Network& network, Network::PackOptions options);
  void Fill(nn::Compute& compute, const Source& source);
  struct Wanted;
  void PackMatrices(nn::Compute& compute, const Source& source, const Wanted& wanted);

  std::shared_ptr<const Network> network_;
  nn::Precision precision_;
  int64_t version_ = 0;
  std::shared_ptr<const PackedWeights> base_;  // null without adapters
  std::vector<nn::PackedMatrix> matrices_;
  nn::AlignedVector<float> panels_;  // what they borrow from
  std::vector<float> vectors_;
  std::vector<size_t> vector_begin_;    // by parameter
  nn::StoredMat embedding_;             // [V, d], empty where the head's rows serve
  nn::AlignedVector<std::byte> table_;  // what it borrows from
};

}  // namespace retort::model
