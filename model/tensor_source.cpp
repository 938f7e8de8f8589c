#include "model/tensor_source.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/strings.h"

namespace retort::model {
namespace {

struct TypeInfo {
  StoredType type;
  const char* name;
  int64_t bytes;
};

constexpr std::array kTypes = {
    TypeInfo{StoredType::kBool, "BOOL", 1},      TypeInfo{StoredType::kU8, "U8", 1},
    TypeInfo{StoredType::kI8, "I8", 1},          TypeInfo{StoredType::kF8E4M3, "F8_E4M3", 1},
    TypeInfo{StoredType::kF8E5M2, "F8_E5M2", 1}, TypeInfo{StoredType::kI16, "I16", 2},
    TypeInfo{StoredType::kU16, "U16", 2},        TypeInfo{StoredType::kF16, "F16", 2},
    TypeInfo{StoredType::kBF16, "BF16", 2},      TypeInfo{StoredType::kI32, "I32", 4},
    TypeInfo{StoredType::kU32, "U32", 4},        TypeInfo{StoredType::kF32, "F32", 4},
    TypeInfo{StoredType::kI64, "I64", 8},        TypeInfo{StoredType::kU64, "U64", 8},
    TypeInfo{StoredType::kF64, "F64", 8}};

const TypeInfo& Info(StoredType type) {
  for (const TypeInfo& info : kTypes) {
    if (info.type == type) return info;
  }
  Fail("stored type without a name");
}

}  // namespace

int64_t BytesPerElement(StoredType type) { return Info(type).bytes; }
const char* StoredTypeName(StoredType type) { return Info(type).name; }

int64_t StoredTensor::elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

StoredTensor FloatTensor(std::string name, std::vector<int64_t> shape,
                         std::span<const float> values) {
  return {std::move(name), StoredType::kF32, std::move(shape), std::as_bytes(values)};
}

nn::StoredMat StoredTensor::mat() const {
  using Type = nn::StoredMat::Type;
  RETORT_CHECK(shape.size() == 1 || shape.size() == 2, "tensor '", name, "' has ", shape.size(),
               " dimensions, expected a matrix or a vector");
  const int64_t rows = shape.size() == 2 ? shape[0] : 1;
  switch (type) {
    case StoredType::kF32:
      return {data.data(), Type::kFloat32, rows, shape.back()};
    case StoredType::kF16:
      return {data.data(), Type::kFloat16, rows, shape.back()};
    case StoredType::kBF16:
      return {data.data(), Type::kBFloat16, rows, shape.back()};
    case StoredType::kF8E4M3:
      if (scales) {
        nn::StoredMat codes(data.data(), Type::kFloat8E4M3, rows, shape.back());
        codes.scales = scales.get();
        return codes;
      }
      [[fallthrough]];
    default:
      Fail("tensor '", name, "' is stored as ", StoredTypeName(type),
           ", expected F32, F16 or BF16, or F8_E4M3 with weight_scale_inv");
  }
}

void ReadFloats(const StoredTensor& tensor, std::span<float> out) {
  RETORT_CHECK(std::ssize(out) == tensor.elements(), "tensor '", tensor.name, "' has ",
               tensor.elements(), " elements, expected ", out.size());
  if (out.empty()) return;  // of any number of rows
  StoredTensor rows = tensor;
  if (!tensor.scales) rows.shape = {tensor.elements()};
  const nn::StoredMat mat = rows.mat();
  for (int64_t r = 0; r < mat.rows; ++r) mat.ReadRow(r, out.data() + r * mat.cols);
}

std::vector<float> ReadFloats(const StoredTensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  ReadFloats(tensor, values);
  return values;
}

TensorSource::TensorSource(std::shared_ptr<const MappedFile> file,
                           std::vector<StoredTensor> tensors,
                           std::map<std::string, std::string> metadata)
    : tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
  files_.push_back(std::move(file));
  Sort();
}

TensorSource TensorSource::Join(std::vector<TensorSource> sources) {
  TensorSource all;
  for (TensorSource& source : sources) {
    all.files_.insert(all.files_.end(), source.files_.begin(), source.files_.end());
    all.tensors_.insert(all.tensors_.end(), std::make_move_iterator(source.tensors_.begin()),
                        std::make_move_iterator(source.tensors_.end()));
    all.metadata_.merge(source.metadata_);
  }
  all.Sort();
  return all;
}

void TensorSource::Sort() {
  std::ranges::sort(tensors_, {}, &StoredTensor::name);
  const auto twice = std::ranges::adjacent_find(tensors_, {}, &StoredTensor::name);
  RETORT_CHECK(twice == tensors_.end(), "tensor '", twice->name, "' is stored twice");
}

const StoredTensor* TensorSource::Find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      tensors_, name, {}, [](const StoredTensor& tensor) { return std::string_view(tensor.name); });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

namespace {

std::shared_ptr<const nn::BlockScales> ReadScales(const StoredTensor& codes,
                                                  const StoredTensor& scales, int64_t block_rows,
                                                  int64_t block_cols, const std::string& where) {
  RETORT_CHECK(codes.shape.size() == 2, where, ": tensor '", codes.name, "' has ",
               codes.shape.size(), " dimensions and scales, expected a matrix");
  const auto blocks = [](int64_t n, int64_t of) { return n / of + (n % of != 0); };
  const int64_t rows = blocks(codes.shape[0], block_rows),
                cols = blocks(codes.shape[1], block_cols);
  RETORT_CHECK(scales.shape == (std::vector<int64_t>{rows, cols}), where, ": tensor '", scales.name,
               "': expected the shape [", rows, ", ", cols, "], one number for each ", block_rows,
               " × ", block_cols, " of '", codes.name, "'");
  nn::BlockScales read{block_rows, block_cols, cols, ReadFloats(scales)};
  for (const float scale : read.scales) {
    RETORT_CHECK(std::isfinite(scale), where, ": tensor '", scales.name, "' holds ", scale,
                 ", expected finite numbers. The file is damaged");
  }
  return std::make_shared<const nn::BlockScales>(std::move(read));
}

}  // namespace

void TensorSource::TakeScales(int64_t block_rows, int64_t block_cols, const std::string& where) {
  constexpr std::string_view kSuffix = "_scale_inv";
  std::set<std::string> taken;
  for (StoredTensor& tensor : tensors_) {
    if (tensor.type != StoredType::kF8E4M3) continue;
    const StoredTensor* scales = Find(StrCat(tensor.name, kSuffix));
    RETORT_CHECK(scales, where, ": tensor '", tensor.name,
                 "' is stored as F8_E4M3, but there is no '", tensor.name, kSuffix, "' beside it");
    tensor.scales = ReadScales(tensor, *scales, block_rows, block_cols, where);
    taken.insert(scales->name);
  }
  Remove([&](const StoredTensor& tensor) { return taken.contains(tensor.name); });
}

void TensorSource::Remove(const std::function<bool(const StoredTensor&)>& unwanted) {
  std::erase_if(tensors_, unwanted);
}

std::vector<std::string> TensorSource::Names() const {
  std::vector<std::string> names;
  for (const StoredTensor& tensor : tensors_) names.push_back(tensor.name);
  return names;
}

void TensorSource::Forget(const nn::StoredMat& rows) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(rows.at(0, 0)) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(rows.at(rows.rows, 0));
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace retort::model
