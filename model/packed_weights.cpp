#include "model/packed_weights.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "model/internal/network_parts.h"
#include "model/tensor_source.h"
#include "nn/embedding.h"

namespace retort::model {
namespace {

nn::Dtype DtypeOf(PackItem::Kind kind, nn::Dtype products) {
  switch (kind) {
    case PackItem::Kind::kWeight:
      return products;
    case PackItem::Kind::kRouter:
      return nn::Dtype::kFloat32;
    case PackItem::Kind::kHead:
      return products == nn::Dtype::kFloat8E4M3 ? nn::Dtype::kFloat32 : products;
  }
  Fail("a kind of matrix without a dtype");
}

}  // namespace

/// Where the numbers are.
struct PackedWeights::Source {
  std::function<nn::StoredMat(nn::ParameterId)> at;
  /// Told what has been read; may be null.
  std::function<void(const nn::StoredMat&)> on_read = {};
};

std::shared_ptr<PackedWeights> PackedWeights::Begin(const Network& network,
                                                    Network::PackOptions options) {
  nn::RequireRunnable(options.precision);
  std::shared_ptr<PackedWeights> packed;
  if (options.old.use_count() == 1) {
    // Dropping a reference orders what others did before they dropped theirs.
    std::shared_ptr<const PackedWeights>(options.old).reset();
    packed = std::const_pointer_cast<PackedWeights>(std::move(options.old));
  } else {
    packed = std::shared_ptr<PackedWeights>(new PackedWeights());
  }
  packed->network_ = network.shared_from_this();
  packed->precision_ = options.precision;
  packed->version_ = options.version;
  packed->base_ = std::move(options.base);
  const bool fits = packed->base_ ? packed->base_->network().config() == network.config() &&
                                        packed->base_->network().trains_base()
                                  : network.trains_base();
  RETORT_CHECK(fits,
               "pack: adapters need the weights that they stand beside, those of a network of "
               "the same configuration without adapters");
  return packed;
}

/// Matrices, and how they are to lie in memory; an empty order is theirs.
struct PackedWeights::Wanted {
  std::span<const PackItem> items;
  std::span<const PackedId> order = {};
};

void PackedWeights::PackMatrices(nn::Compute& compute, const Source& source, const Wanted& wanted) {
  matrices_.resize(wanted.items.size());
  std::vector<nn::PackJob> jobs;
  int64_t size = 0;
  for (size_t n = 0; n < wanted.items.size(); ++n) {
    const size_t i = wanted.order.empty() ? n : static_cast<size_t>(wanted.order[n]);
    const PackItem& item = wanted.items[i];
    jobs.push_back({&matrices_[i], source.at(item.source).Rows(item.first, item.rows),
                    DtypeOf(item.kind, precision_.products), item.transpose});
    size += jobs.back().size();
  }
  panels_.resize(static_cast<size_t>(size));
  nn::Pack(compute, jobs, panels_.data(), source.on_read);
}

void PackedWeights::Fill(nn::Compute& compute, const Source& source) {
  const Network::Parts& parts = *network_->parts_;
  if (base_) return PackMatrices(compute, source, {parts.items.adapters});
  PackMatrices(compute, source, {parts.items.base, parts.items.order});

  vectors_.clear();
  vector_begin_.clear();
  const auto& parameters = network_->layout()->all();
  for (nn::ParameterId id = 0; id < std::ssize(parameters); ++id) {
    vector_begin_.push_back(vectors_.size());
    if (parameters[static_cast<size_t>(id)].shape.size() != 1) continue;
    const nn::StoredMat vector = source.at(id);
    vectors_.resize(vectors_.size() + static_cast<size_t>(vector.cols));
    vector.ReadRow(0, vectors_.data() + vector_begin_.back());
  }

  // Rows of a head in float32 are the numbers themselves; other forms are not.
  embedding_ = {};
  if (parts.head == parts.embedding && head().dtype() == nn::Dtype::kFloat32) return;
  const nn::StoredMat table = source.at(parts.embedding);
  const auto row = static_cast<size_t>(table.cols * table.element_bytes());
  table_.resize(static_cast<size_t>(table.rows) * row);
  constexpr int64_t kRows = 1024;
  compute.ForRows("pack", table.rows, kRows, [&](int64_t begin, int64_t end, nn::Arena&) {
    const nn::StoredMat some = table.Rows(begin, end - begin);
    std::memcpy(table_.data() + static_cast<size_t>(begin) * row, some.data,
                static_cast<size_t>(some.rows) * row);
    if (source.on_read) source.on_read(some);
  });
  embedding_ = {table_.data(), table.type, table.rows, table.cols};
}

std::shared_ptr<const PackedWeights> Network::Pack(nn::Compute& compute,
                                                   const nn::ParameterStore& values,
                                                   PackOptions options) const {
  RETORT_CHECK(values.shared_layout() == layout_, "pack: the values are those of another network");
  const auto packed = PackedWeights::Begin(*this, std::move(options));
  packed->Fill(compute, {.at = [&](nn::ParameterId id) { return values.mat(id); }});
  return packed;
}

std::shared_ptr<const PackedWeights> Network::Pack(nn::Compute& compute, const TensorSource& source,
                                                   PackOptions options) const {
  const auto tensor = [&](nn::ParameterId id) -> const StoredTensor& {
    const StoredTensor* found = source.Find((*layout_)[id].name);
    RETORT_CHECK(found && found->shape == (*layout_)[id].shape, "pack: tensor '",
                 (*layout_)[id].name, "' is missing or has another shape");
    return *found;
  };
  RETORT_CHECK(trains_base(), "pack: adapters are not read from files yet");
  const auto packed = PackedWeights::Begin(*this, std::move(options));
  packed->Fill(compute, {.at = [&](nn::ParameterId id) { return tensor(id).mat(); },
                         .on_read = TensorSource::Forget});
  return packed;
}

void PackedWeights::Embed(nn::Compute& compute, std::span<const int32_t> ids, nn::Mat y) const {
  if (base().embedding_.data) {
    nn::Embed(compute, base().embedding_, ids.data(), y);
  } else {
    nn::Embed(compute, head(), ids.data(), y);
  }
}

int64_t PackedWeights::bytes() const {
  return static_cast<int64_t>((panels_.size() + vectors_.size()) * sizeof(float) + table_.size());
}

KvCache PackedWeights::NewCache() const {
  return KvCache(network_->parts_->spec.CacheShape(), precision_.cache);
}

const nn::PackedMatrix& PackedWeights::head() const {
  return matrix(network_->parts_->packed_head, /*adapter=*/false);
}

}  // namespace retort::model
