#include "model/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/json.h"
#include "base/random.h"
#include "tests/model/testing.h"

namespace retort::model::safetensors_test {
namespace {

template <class T>
StoredTensor Tensor(std::string name, StoredType type, std::vector<int64_t> shape,
                    const std::vector<T>& values) {
  return {std::move(name), type, std::move(shape), std::as_bytes(std::span(values))};
}

std::string FileOf(const std::string& header, const std::string& buffer) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + buffer;
}

std::filesystem::path Write(const std::string& bytes) {
  return WritePlain(TestFolder() / "x.safetensors", bytes);
}

std::string ErrorOfFile(const std::string& bytes) {
  return ErrorOf([&] { OpenSafetensors(Write(bytes)); });
}

// The file that the reference implementation's own test suite writes for this tensor.
const char* const kPublishedHeader =
    R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})";

TEST(Safetensors, WritesThePublishedBytes) {
  const std::vector<float> values = {0, 1, 2, 3, 4, 5};
  const auto path = TestFolder() / "x.safetensors";
  WriteSafetensors(path, {FloatTensor("attn.0", {1, 2, 3}, values)}, {});
  ASSERT_EQ(std::strlen(kPublishedHeader), 64u);
  EXPECT_EQ(ReadFile(path),
            FileOf(kPublishedHeader, {reinterpret_cast<const char*>(values.data()), 24}));
}

TEST(Safetensors, ReadsAHandMadeFile) {
  const std::string header =
      R"({"b":{"dtype":"I32","shape":[2],"data_offsets":[2,10]},)"
      R"("__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}   )";
  const TensorSource file = OpenSafetensors(
      Write(FileOf(header, std::string("\x00\x3e\x07\x00\x00\x00\xff\xff\xff\xff", 10))));
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(ReadFloats(*file.Find("a")), std::vector<float>{1.5f});
  EXPECT_EQ(file.Find("c"), nullptr);
  const StoredTensor& b = *file.Find("b");
  EXPECT_EQ(b.type, StoredType::kI32);
  EXPECT_EQ(b.shape, std::vector<int64_t>{2});
  int32_t numbers[2];
  std::memcpy(numbers, b.data.data(), sizeof(numbers));
  EXPECT_EQ(numbers[0], 7);
  EXPECT_EQ(numbers[1], -1);
  EXPECT_PRED2(Contains, ErrorOf([&] { ReadFloats(b); }), "'b' is stored as I32");
}

TEST(Safetensors, EveryTypeRoundTripsInThePublishedOrder) {
  const std::vector<float> f32 = {1.5f, -0.0f, std::numeric_limits<float>::infinity()};
  const std::vector<double> f64 = {1e300};
  const std::vector<int64_t> i64 = {-1, 1};
  const std::vector<uint16_t> u16 = {0x3c00, 0x0001};
  const std::vector<uint8_t> u8 = {1, 0, 1, 255};
  const auto path = TestFolder() / "x.safetensors";
  WriteSafetensors(
      path, {Tensor("m", StoredType::kBool, {2, 2}, u8), Tensor("z", StoredType::kF32, {3}, f32),
             Tensor("b", StoredType::kF16, {2, 1}, u16),
             Tensor("e", StoredType::kF32, {0, 7}, std::vector<float>{}),
             Tensor("a", StoredType::kU8, {4}, u8), Tensor("y", StoredType::kF64, {}, f64),
             Tensor("x", StoredType::kI64, {2}, i64)});
  const std::string bytes = ReadFile(path);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  const Json header = ParseJson(bytes.substr(8, length), "header");
  std::string order;
  for (const auto& [name, entry] : header.items()) order += name + " ";
  EXPECT_EQ(order, "__metadata__ x y e z b a m ");

  const TensorSource file = OpenSafetensors(path);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const auto same = [&](const char* name, const auto& values) {
    const auto expected = std::as_bytes(std::span(values));
    const StoredTensor* tensor = file.Find(name);
    ASSERT_TRUE(tensor) << name;
    ASSERT_EQ(tensor->data.size(), expected.size()) << name;
    EXPECT_EQ(std::memcmp(tensor->data.data(), expected.data(), expected.size()), 0) << name;
  };
  same("z", f32);
  same("y", f64);
  same("x", i64);
  same("b", u16);
  same("m", u8);
  EXPECT_EQ(file.Find("e")->elements(), 0);
  EXPECT_EQ(file.Find("y")->shape, std::vector<int64_t>{});
  EXPECT_EQ(file.Find("m")->type, StoredType::kBool);
}

TEST(Safetensors, HalfPrecisionConvertsExactly) {
  // Values from IEEE 754-2019, table 3.5's parameters: sign, 5 exponent bits, 10 mantissa bits.
  const std::vector<uint16_t> half = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x03ff,
                                      0x8001, 0x0000, 0x7c00, 0xfc00, 0x3555};
  const std::vector<float> expected = {
      1,         -2, 65504,    0x1p-14f,  0x1p-24f,       1023 * 0x1p-24f,
      -0x1p-24f, 0,  INFINITY, -INFINITY, 0.333251953125f};
  EXPECT_EQ(ReadFloats(Tensor("h", StoredType::kF16, {11}, half)), expected);
  const std::vector<uint16_t> bad = {0x7e00};
  EXPECT_TRUE(std::isnan(ReadFloats(Tensor("n", StoredType::kF16, {1}, bad))[0]));
  const std::vector<uint16_t> brain = {0x3f80, 0xc049, 0x0001, 0x7f80};
  EXPECT_EQ(ReadFloats(Tensor("b", StoredType::kBF16, {4}, brain)),
            (std::vector<float>{1, -3.140625f, std::bit_cast<float>(0x10000u), INFINITY}));
  std::vector<float> three(3);
  EXPECT_PRED2(Contains,
               ErrorOf([&] { ReadFloats(Tensor("b", StoredType::kBF16, {4}, brain), three); }),
               "4 elements, expected 3");
}

TEST(Safetensors, RefusesEveryKindOfDamage) {
  const std::string data(24, 'x');
  const auto error = [&](const std::string& header) { return ErrorOfFile(FileOf(header, data)); };
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  EXPECT_EQ(error(kPublishedHeader), "(no error)");
  EXPECT_PRED2(Contains, ErrorOfFile(""), "too few");
  EXPECT_PRED2(Contains, ErrorOfFile(std::string(8, '\xff')), "header claims");
  EXPECT_PRED2(Contains, error(" {}"), "begin with '{'");
  EXPECT_PRED2(Contains, error("{}"), "the buffer has 24");
  EXPECT_PRED2(Contains, error("{"), "not valid JSON");
  EXPECT_PRED2(Contains,
               error(R"({"a":)" + entry("[1,2,3]", "[0,24]") + R"(,"a":)" +
                     entry("[1,2,3]", "[0,24]") + "}"),
               "occurs twice");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[6]", "[0,28]") + "}"), "truncated");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[6]", "[24,0]") + "}"), "truncated");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[5]", "[0,24]") + "}"), "needs 20 bytes");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[-6]", "[0,24]") + "}"), "not negative");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[6.0]", "[0,24]") + "}"), "whole number");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[4611686018427387904,4,6]", "[0,24]") + "}"),
               "overflows");
  EXPECT_PRED2(Contains, error(R"({"a":)" + entry("[18446744073709551615]", "[0,24]") + "}"),
               "overflows");
  EXPECT_PRED2(
      Contains,
      error(R"({"a":)" + entry("[2]", "[0,8]") + R"(,"b":)" + entry("[3]", "[12,24]") + "}"),
      "hole");
  EXPECT_PRED2(
      Contains,
      error(R"({"a":)" + entry("[4]", "[0,16]") + R"(,"b":)" + entry("[3]", "[12,24]") + "}"),
      "overlap");
  EXPECT_PRED2(Contains, error(R"({"a":{"dtype":"F31","shape":[6],"data_offsets":[0,24]}})"),
               "F31");
  EXPECT_PRED2(Contains, error(R"({"a":{"dtype":"F32","shape":[6]}})"), "data_offsets");
  const std::string digits(30, '9');
  EXPECT_PRED2(Contains,
               error(R"({"a":{"dtype":)" + digits + R"(,"shape":[6],"data_offsets":[0,24]}})"),
               "dtype " + digits + " is unsupported");
  EXPECT_PRED2(Contains,
               error(R"({"a":{"dtype":"F32","shape":[)" + digits + R"(],"data_offsets":[0,24]}})"),
               "got " + digits + ", expected");
  EXPECT_PRED2(Contains, error(R"({"__metadata__":{"a":1}})"), "expected a string");
}

TEST(Safetensors, TruncationAndBitFlipsNeverCrash) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::vector<uint8_t> bytes = {1, 2, 3};
  const auto path = TestFolder() / "whole.safetensors";
  WriteSafetensors(
      path, {FloatTensor("w.weight", {2, 3}, values), Tensor("u", StoredType::kU8, {3}, bytes)});
  const std::string whole = ReadFile(path);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(ErrorOfFile(whole.substr(0, length)), "(no error)") << length;
  }
  EXPECT_NE(ErrorOfFile(whole + "x"), "(no error)");
  const size_t header_end = whole.size() - 27;
  int accepted = 0;
  for (size_t bit = 0; bit < header_end * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    try {
      const TensorSource file = OpenSafetensors(Write(damaged));  // a name may still be a name
      size_t total = 0;
      for (const StoredTensor& tensor : file.tensors()) {
        EXPECT_EQ(static_cast<size_t>(tensor.elements() * BytesPerElement(tensor.type)),
                  tensor.data.size());
        total += tensor.data.size();
      }
      EXPECT_EQ(total, 27u);
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_LT(accepted, 300) << "of " << header_end * 8;
}

TEST(Safetensors, TheWriterRefusesWhatItCouldNotReadBack) {
  const std::vector<float> values = {1, 2, 3};
  const auto path = TestFolder() / "refused.safetensors";
  EXPECT_PRED2(
      Contains, ErrorOf([&] {
        WriteSafetensors(path, {FloatTensor("a", {3}, values), FloatTensor("a", {3}, values)});
      }),
      "name is taken");
  EXPECT_PRED2(Contains, ErrorOf([&] { WriteSafetensors(path, {FloatTensor("a", {4}, values)}); }),
               "needs 16 bytes, got 12");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(OpenWeights, ReadOneFileOrShards) {
  const std::vector<float> a = {1, 2}, b = {3};
  const auto single = TestFolder() / "single";
  const auto sharded = TestFolder() / "sharded";
  std::filesystem::create_directories(single);
  std::filesystem::create_directories(sharded);
  WriteSafetensors(single / "model.safetensors",
                   {FloatTensor("a", {2}, a), FloatTensor("b", {1}, b)});
  const std::string first = "model-00001-of-00002.safetensors";
  const std::string second = "model-00002-of-00002.safetensors";
  WriteSafetensors(sharded / first, {FloatTensor("b", {1}, b)});
  WriteSafetensors(sharded / second, {FloatTensor("a", {2}, a)});
  const auto write_index = [&](const Json& map) {
    WriteFileAtomic(sharded / "model.safetensors.index.json",
                    Json{{"metadata", {{"total_size", 12}}}, {"weight_map", map}}.dump());
  };
  write_index({{"a", second}, {"b", first}});
  for (const auto& folder : {single, sharded}) {
    const TensorSource weights = OpenWeights(folder);
    EXPECT_EQ(weights.Names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(ReadFloats(*weights.Find("a")), a);
    EXPECT_EQ(ReadFloats(*weights.Find("b")), b);
    EXPECT_EQ(weights.Find("c"), nullptr);
  }
  const auto error = [&] { return ErrorOf([&] { OpenWeights(sharded); }); };
  write_index({{"a", second}, {"b", first}, {"c", first}});
  EXPECT_PRED2(Contains, error(), "'c' is listed");
  write_index({{"a", first}, {"b", first}});
  EXPECT_PRED2(Contains, error(), "'a' is listed");
  write_index({{"a", first}, {"b", second}});
  EXPECT_PRED2(Contains, error(), "is not listed for this file");
  write_index({{"a", "../x"}});
  EXPECT_PRED2(Contains, error(), "expected a file name");
  EXPECT_PRED2(Contains, ErrorOf([] { OpenWeights(TestFolder()); }), "found neither");
}

}  // namespace
}  // namespace retort::model::safetensors_test
