#include "model/internal/pass.h"

#include <algorithm>

#include "base/options.h"

namespace retort::model {

void CopyRows(nn::Compute& compute, nn::ConstMat from, nn::Mat to) {
  constexpr int64_t kTile = 64;
  compute.ForRows("copy", from.rows, kTile, [&](int64_t begin, int64_t end, nn::Arena&) {
    for (int64_t t = begin; t < end; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
  });
}

namespace {

constexpr int64_t kKeyTile = 16;

// Puts each token where attention looks for it (see AttentionShape::paged): keys of all heads come
// first, then values; in the cache a head's values follow its keys, which lie across.
template <class T, class Convert>
void Store(const Pass& pass, nn::ConstMat fresh, nn::MatrixView<T> rows, const Convert& convert) {
  const KvCache& cache = *pass.batch.cache();
  const int64_t heads = cache.segments() / 2;  // 0: one segment with both
  const int64_t size = cache.segment();
  const auto store = [&](int64_t begin, int64_t end, nn::Arena& scratch) {
    T* key = scratch.New<T>(size);
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = pass.batch.cache_rows()[static_cast<size_t>(t)];
      const int64_t token = row % KvCache::kPageTokens;
      if (heads == 0) convert(fresh.row(t), size, rows.row(row));
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t segment = row - token + 2 * h * KvCache::kPageTokens;
        T* keys = rows.row(segment) + token;
        convert(fresh.row(t) + h * size, size, key);
        for (int64_t i = 0; i < size; ++i) keys[i * KvCache::kPageTokens] = key[i];
        convert(fresh.row(t) + (heads + h) * size, size,
                rows.row(segment + KvCache::kPageTokens + token));
      }
    }
  };
  pass.compute.ForRows("cache", fresh.rows, kKeyTile, store);
}

}  // namespace

void Pass::SetKeyValues(nn::Mat fresh, nn::AttentionArgs& args) const {
  if (!batch.cached()) {
    args.kv = fresh;
    if (weights.precision().cache == nn::Dtype::kFloat32) return;
    compute.ForRows("round", fresh.rows, kKeyTile, [&](int64_t begin, int64_t end, nn::Arena&) {
      for (int64_t t = begin; t < end; ++t) nn::RoundToBFloat16(fresh.row(t), fresh.cols);
    });
    return;
  }
  KvCache& cache = *batch.cache();
  RETORT_CHECK(cache.dtype() == weights.precision().cache, "the cache holds ",
               EnumName(cache.dtype()), ", the weights want ", EnumName(weights.precision().cache),
               ". Make it by their NewCache()");
  args.shape.paged = cache.segments() > 1;
  if (cache.dtype() == nn::Dtype::kFloat32) {
    args.kv = cache.layer(layer);
    Store(*this, fresh, cache.layer(layer), [](auto... args) { std::copy_n(args...); });
  } else {
    args.kv16 = cache.layer16(layer);
    Store(*this, fresh, cache.layer16(layer), [](auto... args) { nn::ToBFloat16(args...); });
  }
}

}  // namespace retort::model
