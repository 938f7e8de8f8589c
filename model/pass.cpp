#include "model/pass.h"

#include <algorithm>

namespace retort::model {

void CopyRows(nn::Compute& compute, nn::ConstMat from, nn::Mat to) {
  constexpr int64_t kTile = 64;
  compute.ForRows("copy", from.rows, kTile, [&](int64_t begin, int64_t end, nn::Arena&) {
    for (int64_t t = begin; t < end; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
  });
}

nn::ConstMat Pass::KeyValues(nn::ConstMat fresh, nn::AttentionShape& shape) const {
  if (!batch.cached()) return fresh;
  const KvCache& cache = *batch.cache();
  const nn::Mat rows = batch.cache()->layer(layer);
  const int64_t heads = cache.segments() / 2;  // 0: one segment with both
  for (int64_t t = 0; t < fresh.rows; ++t) {
    const int64_t row = batch.cache_rows()[static_cast<size_t>(t)];
    // Keys of all heads, then values; in the cache a head's value follows its key.
    for (int64_t s = 0; s < cache.segments(); ++s) {
      const int64_t from = s % 2 * heads + s / 2;
      std::copy_n(fresh.row(t) + from * cache.segment(), cache.segment(),
                  rows.row(row + s * KvCache::kPageTokens));
    }
  }
  if (heads > 0) shape.page = KvCache::kPageTokens;
  return rows;
}

}  // namespace retort::model
