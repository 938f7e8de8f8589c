#include "model/pass.h"

#include <algorithm>

namespace retort::model {

void CopyRows(nn::Compute& compute, nn::ConstMat from, nn::Mat to) {
  constexpr int64_t kTile = 64;
  compute.ForRows(from.rows, kTile, [&](int64_t begin, int64_t end, nn::Arena&) {
    for (int64_t t = begin; t < end; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
  });
}

nn::ConstMat Pass::KeyValues(nn::ConstMat fresh, nn::AttentionShape& shape) const {
  if (!batch.cached()) return fresh;
  const KvCache& cache = *batch.cache();
  const nn::Mat rows = batch.cache()->layer(layer);
  for (int64_t t = 0; t < fresh.rows; ++t) {
    const int64_t row = batch.cache_rows()[static_cast<size_t>(t)];
    for (int64_t s = 0; s < cache.segments(); ++s) {
      std::copy_n(fresh.row(t) + s * cache.segment(), cache.segment(),
                  rows.row(row + s * KvCache::kPageTokens));
    }
  }
  if (cache.segments() > 1) {
    shape.key_stride = shape.value_stride = KvCache::kPageTokens * cache.segment();
    shape.value_begin *= KvCache::kPageTokens;
  }
  return rows;
}

}  // namespace retort::model
