#include <gtest/gtest.h>

#include "verifiers/code/internal/compare.h"
#include "verifiers/code/internal/wire.h"

namespace retort::verifiers::code_compare_test {
namespace {

bool Same(const std::string& wire, const Json& expected, double tolerance = 1e-9) {
  return SameResult(wire, expected, {.tolerance = tolerance});
}
bool SameInAnyOrder(const std::string& wire, const Json& expected) {
  return SameResult(wire, expected, {.tolerance = 1e-9, .unordered = true});
}

TEST(CodeWire, JsonThereAndBack) {
  const Json value{{"a", {1, -255, 1.5, true, nullptr, "\xC3\xA9"}},
                   {"b", Json::object()},
                   {"c", {INT64_MIN, UINT64_MAX}}};
  EXPECT_EQ(ToWire(value["a"]), "l6;i1;i-ff;f0x1.8p+0;TNs2:\xC3\xA9");
  EXPECT_TRUE(Same(ToWire(value), value));
  EXPECT_EQ(Frame("abc"), std::string("\0\0\0\3abc", 7));
}

TEST(CodeWire, RefusesWhatIsMalformed) {
  for (const char* bytes :
       {"", "x", "i1", "s3:ab", "s-1:", "s:", "l2;N", "d1;N", "l1;", "l99999999999999999999;",
        "l18446744073709551615;", "s99:a", "t1", "oCounter;", "l3;NN"}) {
    EXPECT_FALSE(WireReader(bytes).Whole()) << bytes;
    EXPECT_FALSE(Same(bytes, nullptr)) << bytes;
  }
  EXPECT_FALSE(Same("NN", nullptr));
  // As deep and as long as it likes: it is walked over, not built.
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "l1;";
  EXPECT_EQ(WireReader(deep + "N").Whole()->size(), deep.size() + 1);
  EXPECT_FALSE(Same(deep + "N", nullptr));
  EXPECT_FALSE(SameInAnyOrder(deep + "N", {nullptr}));
}

TEST(CodeCompare, ResultsHaveTheirTypes) {
  EXPECT_TRUE(Same("i5;", 5));
  EXPECT_FALSE(Same("i5;", 6));
  EXPECT_FALSE(Same("i05;", 5));  // no driver writes it so
  EXPECT_TRUE(Same("f0x1.4p+2;", 5));
  EXPECT_TRUE(Same("i5;", 5.0));
  EXPECT_FALSE(Same("T", 1));
  EXPECT_FALSE(Same("i1;", true));
  EXPECT_FALSE(Same("s1:5", 5));
  EXPECT_FALSE(Same("i5;", "5"));
  EXPECT_FALSE(Same("y1:a", "a"));
  EXPECT_FALSE(Same("N", false));
  EXPECT_FALSE(Same("h1;", nullptr));
  EXPECT_FALSE(Same("c0x1p+0,0x0p+0;", 1));
  EXPECT_TRUE(Same("t2;i1;i2;", {1, 2}));
  EXPECT_FALSE(Same("l2;i2;i1;", {1, 2}));
  EXPECT_FALSE(Same("e2;i1;i2;", {1, 2}));  // a set has no order
  EXPECT_FALSE(Same("z1;i1;", {1}));
  EXPECT_FALSE(Same("l2;i1;i2;", {1, 2, 3}));
  EXPECT_TRUE(Same("onamedtuple x y;t2;i1;i2;", {1, 2}));
  EXPECT_FALSE(Same("oDecimal;s1:1", "1"));
}

TEST(CodeCompare, AnyOrderWhereTheTaskSaysSo) {
  EXPECT_TRUE(SameInAnyOrder("l2;i2;i1;", {1, 2}));
  EXPECT_TRUE(SameInAnyOrder("e2;i2;i1;", {1, 2}));
  EXPECT_FALSE(SameInAnyOrder("e2;i2;i2;", {2, 2}));  // no set
  EXPECT_FALSE(SameInAnyOrder("l3;i2;i1;i2;", {1, 1, 2}));
  EXPECT_FALSE(SameInAnyOrder("l1;i1;", {1, 2}));
  EXPECT_FALSE(SameInAnyOrder("l1;l2;i2;i1;", {{1, 2}}));  // the outermost only
  EXPECT_TRUE(SameInAnyOrder("l2;d1;s1:af0x1p+0;l0;", {Json::array(), {{"a", 1}}}));
  EXPECT_TRUE(SameInAnyOrder("l2;f0x1.3333333333334p-2;i1;", {1.0, 0.3}));
  std::string floats;
  Json rounded = Json::array();
  for (int i = 0; i < 5'000; ++i) {
    floats += ToWire(Json((i * 37 % 5'000 + 0.1) * (1 + 1e-12)));
    rounded.push_back(i + 0.1);
  }
  EXPECT_TRUE(SameInAnyOrder("l5000;" + floats, rounded));
  rounded[7] = 7.2;
  EXPECT_FALSE(SameInAnyOrder("l5000;" + floats, rounded));
  EXPECT_FALSE(SameInAnyOrder("i1;", {1}));
  EXPECT_TRUE(SameInAnyOrder("i1;", 1));
}

TEST(CodeCompare, SetsMayBeLargeAndHoldAnything) {
  std::string wire, pairs, noisy, sets;
  Json expected = Json::array(), expected_pairs = expected, expected_sets = expected;
  constexpr int kSize = 20'000;
  for (int i = 0; i < kSize; ++i) {
    const std::string number = ToWire(Json(kSize - 1 - i));
    wire += number;
    expected.push_back(i);
    if (i >= 3'000) continue;
    pairs += "t2;" + ToWire(Json(i)) + ToWireText(StrCat(i));
    noisy += "t2;" + ToWire(Json(0.1 + (i % 7) * 1e-12)) + ToWire(Json(i));
    sets += "l2;s1:a" + ToWire(Json(i));
    expected_pairs.push_back({2'999 - i, StrCat(2'999 - i)});
    expected_sets.push_back({"a", 2'999 - i});
  }
  EXPECT_TRUE(SameInAnyOrder(WireOpen('e', kSize) + wire, expected));
  EXPECT_TRUE(SameInAnyOrder("e3000;" + pairs, expected_pairs));
  EXPECT_TRUE(SameInAnyOrder("e3000;" + sets, expected_sets));
  Json noise = Json::array();
  for (int i = 0; i < 3'000; ++i) noise.push_back({0.1, i});
  EXPECT_TRUE(SameInAnyOrder("e3000;" + noisy, noise));
  noise[5][1] = 3'000;
  EXPECT_FALSE(SameInAnyOrder("e3000;" + noisy, noise));
  expected[7] = kSize;
  EXPECT_FALSE(SameInAnyOrder(WireOpen('e', kSize) + wire, expected));
  EXPECT_TRUE(SameInAnyOrder("e4;Nf-0x1p+0;f-0x0p+0;s1:a", {"a", 0, -1, nullptr}));
  EXPECT_TRUE(SameInAnyOrder("e2;s300000:" + std::string(300'000, 'x') + "i1;",
                             {1, std::string(300'000, 'x')}));
}

TEST(CodeCompare, WhatJsonMayNestIsSentAndRead) {
  Json nested = 1;
  for (int i = 0; i < kMaxJsonDepth; ++i) nested = Json::array({nested});
  EXPECT_TRUE(Same(ToWire(nested), nested));
}

TEST(CodeCompare, DictsAreObjects) {
  const Json expected{{"1", 2}, {"b", Json::array()}};
  EXPECT_TRUE(Same("d2;s1:bl0;i1;i2;", expected));
  EXPECT_FALSE(Same("d1;i1;i2;", expected));
  EXPECT_FALSE(Same("d2;i1;i2;s1:1i2;", {{"1", 2}, {"b", 3}}));  // twice the same key
}

TEST(CodeCompare, BigIntegersAreExact) {
  const Json big = ParseJson("[100000000000000000000, -36893488147419103233]", "test");
  EXPECT_EQ(ToJsonLine(big), "[100000000000000000000,-36893488147419103233]");
  EXPECT_TRUE(Same("l2;i56bc75e2d63100000;i-20000000000000001;", big));
  EXPECT_FALSE(Same("l2;i56bc75e2d63100001;i-20000000000000001;", big));
  EXPECT_FALSE(Same("l2;f0x1.5af1d78b58c4p+66;i-20000000000000001;", big));

  EXPECT_TRUE(Same("iffffffffffffffff;", UINT64_MAX));
  EXPECT_FALSE(Same("ifffffffffffffffe;", UINT64_MAX));
  EXPECT_TRUE(Same("i1" + std::string(25, '0') + ";", std::pow(2.0, 100), 0));
  EXPECT_TRUE(Same("i-1" + std::string(25, '0') + ";", -std::pow(2.0, 100), 0));
}

TEST(CodeCompare, Tolerance) {
  EXPECT_TRUE(Same("f0x1.3333333333334p-2;", 0.3));  // 0.1 + 0.2
  EXPECT_FALSE(Same("f0x1.3333333333334p-2;", 0.3, 0));
  EXPECT_FALSE(Same("f0x1.08p+0;", 1, 0.04));  // an expected integer is one
  EXPECT_FALSE(Same("f0x1p+53;", int64_t{1} << 53 | 1));
  EXPECT_FALSE(Same("f0x1p+54;", int64_t{1} << 54));
  EXPECT_TRUE(Same("f0x1p+53;", int64_t{1} << 53));
  EXPECT_TRUE(Same("f0x1.08p+0;", 1.0, 0.04));
  EXPECT_FALSE(Same("f0x1.08p+0;", 1.0, 0.03));
  EXPECT_TRUE(Same("f0x1.9p+6;", 101.0, 0.01));  // 100: relative above 1
  EXPECT_FALSE(Same("i64;", 101, 0.01));         // two whole numbers
  EXPECT_FALSE(Same("fnan;", 1.0, 1));
  EXPECT_FALSE(Same("finf;", 1.0, 1));
}

TEST(CodeCompare, Text) {
  const auto same = [](std::string_view got, std::string_view expected) {
    return SameOutput(got, expected, OutputRule::kText, std::nullopt);
  };
  EXPECT_TRUE(same("a b\nc\n", "a b\nc"));
  EXPECT_TRUE(same("a \r\nb\n\n\n", "a\nb"));
  EXPECT_TRUE(same("", "\n"));
  EXPECT_FALSE(same(" a", "a"));
  EXPECT_FALSE(same("a  b", "a b"));
  EXPECT_FALSE(same("a", "a\nb"));
  EXPECT_FALSE(same("a\nb\ngarbage", "a\nb"));
  EXPECT_FALSE(same("\na", "a"));
  EXPECT_FALSE(same(std::string_view("a\0", 2), "a"));
  EXPECT_FALSE(same("0.30", "0.3"));
}

TEST(CodeCompare, Tokens) {
  const auto same = [](std::string_view got, std::string_view expected,
                       std::optional<double> tolerance = std::nullopt) {
    return SameOutput(got, expected, OutputRule::kTokens, tolerance);
  };
  EXPECT_TRUE(same(" a\n\nb ", "a b"));
  EXPECT_FALSE(same("a b c", "a b"));
  EXPECT_FALSE(same("a", "a b"));
  EXPECT_FALSE(same("1.0", "1"));
  EXPECT_TRUE(same("x 1.0 +2", "x 1 2", 0));
  EXPECT_TRUE(same("007 -0", "7 0", 0));
  EXPECT_FALSE(same("2e0", "2", 0));
  EXPECT_FALSE(same("3.001", "3", 0.01));
  EXPECT_FALSE(same("100000000000000001", "100000000000000000", 1e-3));
  EXPECT_FALSE(same("100000000000000000.0", "100000000000000000", 1e-3));
  EXPECT_TRUE(same("2", "2.0", 0));
  EXPECT_TRUE(same("3.1416", "3.14159", 1e-4));
  EXPECT_FALSE(same("3.15", "3.14159", 1e-4));
  EXPECT_FALSE(same("nan", "1", 1));
  EXPECT_FALSE(same("0x1", "1", 1));
  EXPECT_FALSE(same("1e400", "1", 1));
  EXPECT_TRUE(SameOutput("0.30\n", "0.3", OutputRule::kText, 1e-6));
}

TEST(CodeCompare, JsonText) {
  const auto same = [](std::string_view got, std::string_view expected, double tolerance = 0) {
    return SameOutput(got, expected, OutputRule::kJson, tolerance);
  };
  EXPECT_TRUE(same("{\"b\": [1, 2], \"a\": null}\n", "{\"a\":null,\"b\":[1,2]}"));
  EXPECT_TRUE(same("[1.0]", "[1]"));
  EXPECT_TRUE(same("[1]", "[1.0]"));
  EXPECT_FALSE(same("[1.001]", "[1]", 0.01));
  EXPECT_FALSE(same("[9007199254740992.0]", "[9007199254740993]"));
  EXPECT_FALSE(same("100000000000000000000", "100000000000000000001"));
  EXPECT_TRUE(same("100000000000000000001", "100000000000000000001"));
  EXPECT_TRUE(same("[0.301]", "[0.3]", 0.01));
  EXPECT_FALSE(same("[1, 2]", "[2, 1]"));
  EXPECT_FALSE(same("[true]", "[1]"));
  EXPECT_FALSE(same("{\"a\": 1}", "{\"b\": 1}"));
  EXPECT_FALSE(same("[1", "[1]"));
  EXPECT_FALSE(same(std::string(100'000, '['), "[1]"));
}

}  // namespace
}  // namespace retort::verifiers::code_compare_test
