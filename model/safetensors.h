#pragma once
// safetensors files: u64 length N (little-endian), N bytes of JSON header, then the tensors.
//
// A header entry is "name": {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from
// the end of the header; "__metadata__" maps strings to strings. The reader trusts nothing: every
// byte of the buffer belongs to exactly one tensor and every size is checked against its shape, so
// a truncated or damaged header gives Error, never a wild pointer. (Damaged tensor *values* cannot
// be seen: the format has no checksum.) Tensors are row-major, little-endian.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace retort::model {

/// Element types as stored. FP8 is read as raw bytes until there is a kernel for it.
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
const char* StoredTypeName(StoredType type);  ///< "F32", as in the header

/// One tensor of a file; a view that does not own the data.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::kF32;
  std::vector<int64_t> shape;       ///< row-major; empty for a scalar
  std::span<const std::byte> data;  ///< elements() * BytesPerElement(type) bytes, maybe unaligned

  int64_t elements() const;
};

/// A view of `values` as the F32 tensor `name`.
StoredTensor FloatTensor(std::string name, std::vector<int64_t> shape,
                         std::span<const float> values);

/// The elements as float. F32, F16 and BF16 only: throws Error naming the tensor otherwise, or when
/// `out` has another number of elements.
void ReadFloats(const StoredTensor& tensor, std::span<float> out);
std::vector<float> ReadFloats(const StoredTensor& tensor);

/// A mapped file; the tensors it hands out live as long as it does. Safe to share between threads.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// In the order of the names.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const StoredTensor* Find(std::string_view name) const;  ///< null when absent

 private:
  std::unique_ptr<MappedFile> file_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes the tensors in the published order (largest element first, then by name) straight from
/// where they lie, under the final name only once complete. Names must differ.
void WriteSafetensors(const std::filesystem::path& path, std::vector<StoredTensor> tensors,
                      const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

/// The weights of a Hugging Face folder: model.safetensors, or the shards that
/// model.safetensors.index.json lists (the index must name exactly the tensors the shards hold).
class WeightFiles {
 public:
  explicit WeightFiles(const std::filesystem::path& folder);

  const StoredTensor* Find(std::string_view name) const;  ///< null when absent
  /// Every name, sorted.
  std::vector<std::string> Names() const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const StoredTensor*, std::less<>> by_name_;
};

}  // namespace retort::model
