#pragma once
// Views of row-major matrices. A view owns nothing; storage lives in an Arena, a Parameter or a
// std::vector, and must outlive the view. Shapes are written behind every tensor: `Mat x;  // [T,
// d]`.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

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

/// What the codes of a matrix are multiplied by, one number for each block of rows and columns.
struct BlockScales {
  int64_t block_rows = 128, block_cols = 128;
  int64_t stride = 0;         ///< blocks beside each other
  std::vector<float> scales;  ///< [blocks below each other, stride]
};

/// A matrix as a file holds it: of floats, of halves of either kind, or of codes of eight bits with
/// scales; perhaps unaligned.
struct StoredMat {
  enum class Type { kFloat32, kBFloat16, kFloat16, kFloat8E4M3 };

  const std::byte* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  ///< elements from one row to the next
  Type type = Type::kFloat32;
  const BlockScales* scales = nullptr;     ///< of kFloat8E4M3
  int64_t scales_row = 0, scales_col = 0;  ///< where the scaled matrix has this one's first number

  StoredMat() = default;
  StoredMat(const std::byte* data, Type type, int64_t rows, int64_t cols)
      : data(data), rows(rows), cols(cols), stride(cols), type(type) {}
  StoredMat(ConstMat m)  // NOLINT: every matrix can be read as a stored one
      : data(reinterpret_cast<const std::byte*>(m.data)),
        rows(m.rows),
        cols(m.cols),
        stride(m.stride) {}
  StoredMat(Mat m) : StoredMat(ConstMat(m)) {}  // NOLINT

  int64_t element_bytes() const {
    return type == Type::kFloat32 ? 4 : type == Type::kFloat8E4M3 ? 1 : 2;
  }
  const std::byte* at(int64_t r, int64_t c) const {
    return data + (r * stride + c) * element_bytes();
  }
  StoredMat Rows(int64_t begin, int64_t count) const {
    RETORT_DCHECK(begin >= 0 && count >= 0 && begin + count <= rows);
    StoredMat part = *this;
    part.data = at(begin, 0);
    part.rows = count;
    part.scales_row += begin;
    return part;
  }
  StoredMat Cols(int64_t begin, int64_t count) const {
    RETORT_DCHECK(begin >= 0 && count >= 0 && begin + count <= cols);
    StoredMat part = *this;
    part.data = at(0, begin);
    part.cols = count;
    part.scales_col += begin;
    return part;
  }
  /// Row `r` as floats [cols]: exactly, or codes times their scales.
  void ReadRow(int64_t r, float* out) const;
};

}  // namespace retort::nn
