#include "model/safetensors.h"

#include <algorithm>
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

StoredType ReadType(const Json& json, const std::string& where) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(StoredType::kF64); ++i) {
    const auto type = static_cast<StoredType>(i);
    if (json == StoredTypeName(type)) return type;
    names.emplace_back(StoredTypeName(type));
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

}  // namespace

TensorSource OpenSafetensors(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
  const std::string where = path.string();
  const std::span<const std::byte> bytes(file->data(), file->size());
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
      tensors.push_back(ReadEntry(name, entry, buffer, where + ": tensor '" + name + "'"));
      continue;
    }
    RETORT_CHECK(entry.is_object(), where, ": __metadata__: expected an object");
    for (const auto& [key, value] : entry.items()) {
      RETORT_CHECK(value.is_string(), where, ": __metadata__.", key, ": expected a string");
      metadata[key] = value.get<std::string>();
    }
  }
  CheckTiling(tensors, buffer, where);
  return TensorSource(std::move(file), std::move(tensors), std::move(metadata));
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

TensorSource OpenWeights(const std::filesystem::path& folder) {
  const std::filesystem::path single = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(single)) return OpenSafetensors(single);
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
  std::vector<TensorSource> files;
  for (const std::string& shard : shards) {
    const TensorSource& file = files.emplace_back(OpenSafetensors(folder / shard));
    for (const StoredTensor& tensor : file.tensors()) {
      RETORT_CHECK(map.value(tensor.name, "") == shard, (folder / shard).string(), ": tensor '",
                   tensor.name, "' is not listed for this file in ", index.filename().string());
    }
  }
  TensorSource weights = TensorSource::Join(std::move(files));
  for (const auto& [tensor, file] : map.items()) {
    RETORT_CHECK(weights.Find(tensor), (folder / file.get<std::string>()).string(), ": tensor '",
                 tensor, "' is listed in ", index.filename().string(), " but not in the file");
  }
  return weights;
}

}  // namespace retort::model
