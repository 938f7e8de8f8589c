#include "model/pass.h"

#include <algorithm>

namespace retort::model {

void CopyInto(nn::ConstMat from, nn::Mat to) {
  for (int64_t t = 0; t < from.rows; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
}

nn::Mat CopyOf(nn::Arena& arena, nn::ConstMat x) {
  const nn::Mat copy = arena.NewMat(x.rows, x.cols);
  CopyInto(x, copy);
  return copy;
}

nn::ConstMat Pass::KeyValues(nn::ConstMat fresh) const {
  if (!batch.cached()) return fresh;
  const nn::Mat rows = batch.cache()->layer(layer);
  for (int64_t t = 0; t < fresh.rows; ++t) {
    std::copy_n(fresh.row(t), fresh.cols, rows.row(batch.cache_rows()[static_cast<size_t>(t)]));
  }
  return rows;
}

}  // namespace retort::model
