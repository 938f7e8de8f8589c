#pragma once
// Tensors by name, wherever they are stored: what a reader of a file format hands over.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "nn/tensor.h"

namespace retort::model {

/// Element types as stored.
enum class StoredType {
  kBool,
  kU8,
  kI8,
  kF8E4M3,
  kF8E5M2,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kI64,
  kU64,
  kF64
};
int64_t BytesPerElement(StoredType type);
const char* StoredTypeName(StoredType type);  ///< "F32", as safetensors spells it

/// One tensor; a view that does not own the data.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::kF32;
  std::vector<int64_t> shape;       ///< row-major; empty for a scalar
  std::span<const std::byte> data;  ///< elements() * BytesPerElement(type) bytes, maybe unaligned
  /// Of F8_E4M3: what its numbers are multiplied by.
  std::shared_ptr<const nn::BlockScales> scales = {};

  int64_t elements() const;
  /// A matrix [rows, cols], or a vector as [1, n], to be read as floats. Throws Error naming the
  /// tensor where it is not F32, F16, BF16 or F8_E4M3 with scales, or has other dimensions.
  nn::StoredMat mat() const;
};

/// A view of `values` as the F32 tensor `name`.
StoredTensor FloatTensor(std::string name, std::vector<int64_t> shape,
                         std::span<const float> values);

/// The elements as float: throws Error naming the tensor where mat() does, or
/// when `out` has another number of elements.
void ReadFloats(const StoredTensor& tensor, std::span<float> out);
std::vector<float> ReadFloats(const StoredTensor& tensor);

/// Tensors in mapped files; they live as long as it does. Safe to share between threads.
class TensorSource {
 public:
  /// In the order of the names, which differ.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const StoredTensor* Find(std::string_view name) const;  ///< null when absent
  std::vector<std::string> Names() const;                 ///< sorted
  /// DeepSeek's form of FP8: gives every F8_E4M3 matrix "X.weight" the blocks' scales in
  /// "X.weight_scale_inv" (multipliers, whatever the name says), which are then no tensors any
  /// more. Throws Error naming a tensor without them, or scales that are no such grid of finite
  /// numbers.
  void TakeScales(int64_t block_rows, int64_t block_cols, const std::string& where);
  /// Forgets the tensors of which `unwanted` is true.
  void Remove(const std::function<bool(const StoredTensor&)>& unwanted);
  /// What the file says besides.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// Rows of a tensor's matrix take no memory until they are read again, by whomever.
  static void Forget(const nn::StoredMat& rows);

  // For readers of formats.
  TensorSource() = default;
  /// `tensors` are views into `file`.
  TensorSource(std::shared_ptr<const MappedFile> file, std::vector<StoredTensor> tensors,
               std::map<std::string, std::string> metadata = {});
  /// All of them; throws Error where two have a tensor of one name.
  static TensorSource Join(std::vector<TensorSource> sources);

 private:
  void Sort();

  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace retort::model
