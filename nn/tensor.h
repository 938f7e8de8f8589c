#pragma once
// Views of row-major matrices. A view owns nothing; storage lives in an Arena, a Parameter or a
// std::vector, and must outlive the view. Shapes are written behind every tensor: `Mat x;  // [T,
// d]`.

#include <cstdint>
#include <type_traits>

#include "base/error.h"

namespace retort::nn {

template <class T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  ///< elements from one row to the next, >= cols

  MatrixView() = default;
  MatrixView(T* data, int64_t rows, int64_t cols) : MatrixView(data, rows, cols, cols) {}
  MatrixView(T* data, int64_t rows, int64_t cols, int64_t stride)
      : data(data), rows(rows), cols(cols), stride(stride) {}
  /// A view of T converts to a view of const T.
  template <class U>
  requires std::is_same_v<T, const U> MatrixView(const MatrixView<U>& other)
      : MatrixView(other.data, other.rows, other.cols, other.stride) {}

  T* row(int64_t r) const {
    RETORT_DCHECK(r >= 0 && r < rows);
    return data + r * stride;
  }
  T& operator()(int64_t r, int64_t c) const { return row(r)[c]; }
  explicit operator bool() const { return data != nullptr; }

  /// Rows [begin, begin + count).
  MatrixView Rows(int64_t begin, int64_t count) const {
    RETORT_DCHECK(begin >= 0 && count >= 0 && begin + count <= rows);
    return {data + begin * stride, count, cols, stride};
  }
  /// Columns [begin, begin + count).
  MatrixView Cols(int64_t begin, int64_t count) const {
    RETORT_DCHECK(begin >= 0 && count >= 0 && begin + count <= cols);
    return {data + begin, rows, count, stride};
  }
};

using Mat = MatrixView<float>;
using ConstMat = MatrixView<const float>;

}  // namespace retort::nn
