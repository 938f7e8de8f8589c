#include "model/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "base/strings.h"

namespace retort::model {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

constexpr uint64_t kLargestHeader = 100'000'000;
constexpr size_t kLengthBytes = 8;

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

StoredType ReadType(const Json& json, const std::string& where) {
  std::vector<std::string> names;
  for (const TypeInfo& info : kTypes) {
    if (json == info.name) return info.type;
    names.emplace_back(info.name);
  }
  Fail(where, ": dtype ", Excerpt(ToJsonLine(json)), " is unsupported, expected one of ",
       Join(names, ", "));
}

uint64_t ReadCount(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_number_unsigned(), where, ": got ", Excerpt(ToJsonLine(json)),
               ", expected a whole number that is not negative");
  return json.get<uint64_t>();
}

/// Product of the shape times the element size; Error when it exceeds what memory can address.
uint64_t ByteCount(const StoredTensor& tensor, const std::string& where) {
  auto bytes = static_cast<uint64_t>(BytesPerElement(tensor.type));
  for (const int64_t extent : tensor.shape) {
    RETORT_CHECK(!__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes), where,
                 ": the shape overflows");
  }
  return bytes;
}

StoredTensor ReadEntry(const std::string& name, const Json& entry,
                       std::span<const std::byte> buffer, const std::string& where) {
  RETORT_CHECK(entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
                   entry.contains("shape") && entry.contains("data_offsets"),
               where, ": expected an object of dtype, shape and data_offsets");
  StoredTensor tensor;
  tensor.name = name;
  tensor.type = ReadType(entry["dtype"], where);
  RETORT_CHECK(entry["shape"].is_array(), where, ": shape: expected a list");
  for (const Json& extent : entry["shape"]) {
    const uint64_t count = ReadCount(extent, where + ": shape");
    RETORT_CHECK(count <= INT64_MAX, where, ": the shape overflows");
    tensor.shape.push_back(static_cast<int64_t>(count));
  }
  const Json& offsets = entry["data_offsets"];
  RETORT_CHECK(offsets.is_array() && offsets.size() == 2, where,
               ": data_offsets: expected [begin, end]");
  const uint64_t begin = ReadCount(offsets[0], where + ": data_offsets");
  const uint64_t end = ReadCount(offsets[1], where + ": data_offsets");
  RETORT_CHECK(begin <= end && end <= buffer.size(), where, ": data_offsets [", begin, ", ", end,
               "] leave the buffer of ", buffer.size(), " bytes. Is the file truncated?");
  const uint64_t bytes = ByteCount(tensor, where);
  RETORT_CHECK(bytes == end - begin, where, ": the shape needs ", bytes,
               " bytes, data_offsets give ", end - begin);
  tensor.data = buffer.subspan(begin, bytes);
  return tensor;
}

/// No holes and no overlaps: sorted by place, each tensor begins where the one before ends.
void CheckTiling(const std::vector<StoredTensor>& tensors, std::span<const std::byte> buffer,
                 const std::string& where) {
  std::vector<const StoredTensor*> order;
  for (const StoredTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const StoredTensor* a, const StoredTensor* b) {
    return std::pair(a->data.data(), a->data.size()) < std::pair(b->data.data(), b->data.size());
  });
  const std::byte* expected = buffer.data();
  for (const StoredTensor* tensor : order) {
    RETORT_CHECK(tensor->data.data() == expected, where, ": tensor '", tensor->name, "' begins at ",
                 tensor->data.data() - buffer.data(), ", expected ", expected - buffer.data(),
                 ": the tensors overlap or leave a hole");
    expected += tensor->data.size();
  }
  RETORT_CHECK(expected == buffer.data() + buffer.size(), where, ": the tensors end at ",
               expected - buffer.data(), ", but the buffer has ", buffer.size(), " bytes");
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  }
  if (exponent == 0) {  // subnormal: mantissa · 2^-24, exact in float
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

template <class Element, class Convert>
void ConvertEach(std::span<const std::byte> data, std::span<float> out, const Convert& convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    Element element;
    std::memcpy(&element, data.data() + i * sizeof(Element), sizeof(Element));
    out[i] = convert(element);
  }
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

void ReadFloats(const StoredTensor& tensor, std::span<float> out) {
  RETORT_CHECK(static_cast<int64_t>(out.size()) == tensor.elements(), "tensor '", tensor.name,
               "' has ", tensor.elements(), " elements, expected ", out.size());
  switch (tensor.type) {
    case StoredType::kF32:
      ConvertEach<float>(tensor.data, out, [](float value) { return value; });
      return;
    case StoredType::kF16:
      ConvertEach<uint16_t>(tensor.data, out, HalfToFloat);
      return;
    case StoredType::kBF16:
      ConvertEach<uint16_t>(tensor.data, out, [](uint16_t bits) {
        return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
      });
      return;
    default:
      Fail("tensor '", tensor.name, "' is stored as ", StoredTypeName(tensor.type),
           ", expected F32, F16 or BF16");
  }
}

std::vector<float> ReadFloats(const StoredTensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  ReadFloats(tensor, values);
  return values;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : file_(std::make_unique<MappedFile>(path)) {
  const std::string where = path.string();
  const std::span<const std::byte> bytes(file_->data(), file_->size());
  RETORT_CHECK(bytes.size() >= kLengthBytes, where, ": ", bytes.size(),
               " bytes are too few for a safetensors file. Is it truncated?");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  RETORT_CHECK(length <= kLargestHeader && length <= bytes.size() - kLengthBytes, where,
               ": the header claims ", length, " bytes, the file has ", bytes.size(),
               ". Is it truncated, or not a safetensors file?");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  RETORT_CHECK(header.starts_with('{'), where, ": the header does not begin with '{'");
  const std::span<const std::byte> buffer = bytes.subspan(kLengthBytes + length);
  const Json json = ParseJson(header, where + ": header");
  for (const auto& [name, entry] : json.items()) {
    if (name != "__metadata__") {
      tensors_.push_back(ReadEntry(name, entry, buffer, where + ": tensor '" + name + "'"));
      continue;
    }
    RETORT_CHECK(entry.is_object(), where, ": __metadata__: expected an object");
    for (const auto& [key, value] : entry.items()) {
      RETORT_CHECK(value.is_string(), where, ": __metadata__.", key, ": expected a string");
      metadata_[key] = value.get<std::string>();
    }
  }
  std::ranges::sort(tensors_, {}, &StoredTensor::name);
  CheckTiling(tensors_, buffer, where);
}

const StoredTensor* SafetensorsFile::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const StoredTensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void WriteSafetensors(const std::filesystem::path& path, std::vector<StoredTensor> tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::pair(-BytesPerElement(a.type), std::string_view(a.name)) <
           std::pair(-BytesPerElement(b.type), std::string_view(b.name));
  });
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names = {"__metadata__"};
  size_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    const std::string where = StrCat(path.string(), ": tensor '", tensor.name, "'");
    RETORT_CHECK(names.insert(tensor.name).second, where, ": the name is taken");
    RETORT_CHECK(ByteCount(tensor, where) == tensor.data.size(), where, ": the shape needs ",
                 ByteCount(tensor, where), " bytes, got ", tensor.data.size());
    header[tensor.name] = {{"dtype", StoredTypeName(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.data.size()}}};
    offset += tensor.data.size();
  }
  std::string text = ToJsonLine(header);
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  const uint64_t length = text.size();
  RETORT_CHECK(length <= kLargestHeader, path.string(), ": a header of ", length,
               " bytes is too large for the format");
  AtomicFile file(path);
  file.Write(&length, sizeof(length));
  file.Write(text);
  for (const StoredTensor& tensor : tensors) file.Write(tensor.data.data(), tensor.data.size());
  file.Commit();
}

WeightFiles::WeightFiles(const std::filesystem::path& folder) {
  const std::filesystem::path single = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  std::map<std::string, std::string> file_of_tensor;
  if (std::filesystem::exists(single)) {
    files_.emplace_back(single);
  } else {
    RETORT_CHECK(std::filesystem::exists(index), folder.string(),
                 ": found neither model.safetensors nor model.safetensors.index.json");
    const Json json = ParseJson(ReadFile(index), index.string());
    const Json map = json.is_object() ? json.value("weight_map", Json()) : Json();
    RETORT_CHECK(map.is_object(), index.string(), ": weight_map is missing");
    std::set<std::string> shards;
    for (const auto& [tensor, file] : map.items()) {
      const std::string shard = file.is_string() ? file.get<std::string>() : "";
      RETORT_CHECK(!shard.empty() && shard.find('/') == std::string::npos, index.string(),
                   ": weight_map.", tensor, ": expected a file name, got ",
                   Excerpt(ToJsonLine(file)));
      shards.insert(shard);
    }
    for (const std::string& shard : shards) {
      files_.emplace_back(folder / shard);
      for (const StoredTensor& tensor : files_.back().tensors()) {
        RETORT_CHECK(map.value(tensor.name, "") == shard, (folder / shard).string(), ": tensor '",
                     tensor.name, "' is not listed for this file in ", index.filename().string());
      }
    }
    for (const auto& [tensor, file] : map.items()) file_of_tensor[tensor] = file;
  }
  for (const SafetensorsFile& file : files_) {
    for (const StoredTensor& tensor : file.tensors()) by_name_.emplace(tensor.name, &tensor);
  }
  for (const auto& [tensor, file] : file_of_tensor) {
    RETORT_CHECK(by_name_.contains(tensor), (folder / file).string(), ": tensor '", tensor,
                 "' is listed in ", index.filename().string(), " but not in the file");
  }
}

const StoredTensor* WeightFiles::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> WeightFiles::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : by_name_) names.push_back(name);
  return names;
}

}  // namespace retort::model
