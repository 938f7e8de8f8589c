#include "base/options.h"

#include <gtest/gtest.h>

namespace retort::options_test {
namespace {

enum class Shape { kRound, kSquare };
constexpr auto EnumNames(Shape) {
  return std::array{std::pair{Shape::kRound, "round"}, std::pair{Shape::kSquare, "square"}};
}

struct InnerOptions {
  double rate = 0.5;
  template <class V>
  void Visit(V& v) {
    v("rate", rate, "A rate.", Bounds{0, 1});
  }
};

struct OuterOptions {
  bool enabled = false;
  int count = 3;
  int64_t wide = 7;
  std::string name = "x";
  Shape shape = Shape::kRound;
  std::optional<double> limit;
  std::vector<int64_t> sizes = {1, 2};
  std::vector<std::string> words;
  InnerOptions inner;
  template <class V>
  void Visit(V& v) {
    v("enabled", enabled, "On or off.");
    v("count", count, "How many.", Bounds{1, 10});
    v("wide", wide, "A wide one.");
    v("name", name, "A name.");
    v("shape", shape, "The shape.");
    v("limit", limit, "A limit, or null.", Bounds{0, 100});
    v("sizes", sizes, "Some sizes.", Bounds{1, 99});
    v("words", words, "Some words.");
    v("inner", inner, "The inner part.");
  }
};

OuterOptions Read(const std::string& text) {
  OuterOptions options;
  ReadOptions(ParseJson(text, "test"), "recipe.json", options);
  return options;
}

std::string MessageOf(const std::string& text) {
  try {
    Read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void ExpectMessage(const std::string& text, const std::vector<std::string>& parts) {
  const std::string message = MessageOf(text);
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << text << " gave: " << message;
  }
}

TEST(Options, AbsentMembersKeepTheirDefaults) {
  const OuterOptions options = Read("{}");
  EXPECT_EQ(options.count, 3);
  EXPECT_EQ(options.sizes, (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(options.limit.has_value());
}

TEST(Options, EveryKindOfFieldIsReadAndWritten) {
  const std::string text =
      R"({"enabled":true,"count":9,"wide":-9223372036854775808,"name":"é","shape":"square",)"
      R"("limit":2.5,"sizes":[],"words":["a","b"],"inner":{"rate":0.25}})";
  OuterOptions options = Read(text);
  EXPECT_TRUE(options.enabled);
  EXPECT_EQ(options.count, 9);
  EXPECT_EQ(options.wide, INT64_MIN);
  EXPECT_EQ(options.name, "é");
  EXPECT_EQ(options.shape, Shape::kSquare);
  EXPECT_EQ(options.limit, 2.5);
  EXPECT_TRUE(options.sizes.empty());
  EXPECT_EQ(options.words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.inner.rate, 0.25);
  EXPECT_EQ(ToJsonLine(WriteOptions(options)), text);  // same text, same order of keys
}

TEST(Options, NullEmptiesAnOptional) {
  OuterOptions options;
  options.limit = 4;
  ReadOptions(ParseJson(R"({"limit":null})", "test"), "r", options);
  EXPECT_FALSE(options.limit.has_value());
  EXPECT_TRUE(WriteOptions(options)["limit"].is_null());
}

TEST(Options, ARefusedValueLeavesAnEmptyOptionalEmpty) {
  OuterOptions options;
  EXPECT_THROW(ReadOptions(ParseJson(R"({"limit":-1})", "test"), "r", options), Error);
  EXPECT_FALSE(options.limit.has_value());
}

TEST(Options, UnknownKeyNamesTheNearest) {
  ExpectMessage(R"({"cuont":1})", {"recipe.json", "'cuont'", "Did you mean 'count'?"});
  ExpectMessage(R"({"inner":{"rat":1}})", {"recipe.json.inner", "'rat'", "'rate'"});
  ExpectMessage(R"({"wholly_different":1})", {"Known keys: enabled, count"});
  EXPECT_EQ(MessageOf(R"({"wholly_different":1})").find("Did you mean"), std::string::npos);
}

TEST(Options, BoundsAreInclusiveAndNamed) {
  EXPECT_EQ(Read(R"({"count":1})").count, 1);
  EXPECT_EQ(Read(R"({"count":10})").count, 10);
  ExpectMessage(R"({"count":11})", {"recipe.json.count", "got 11", "from 1 to 10"});
  ExpectMessage(R"({"count":0})", {"got 0"});
  ExpectMessage(R"({"limit":100.5})", {"recipe.json.limit", "got 100.5"});
  ExpectMessage(R"({"sizes":[4,100]})", {"recipe.json.sizes[1]", "got 100"});
  ExpectMessage(R"({"inner":{"rate":1.01}})", {"recipe.json.inner.rate", "1.01"});
}

TEST(Options, IntegersAcceptWholeFloatsOnlyAndNeverWrap) {
  EXPECT_EQ(Read(R"({"count":4.0})").count, 4);
  EXPECT_EQ(Read(R"({"wide":1e3})").wide, 1000);
  EXPECT_EQ(Read(R"({"wide":9223372036854775807})").wide, INT64_MAX);
  ExpectMessage(R"({"count":4.5})", {"got 4.5", "expected an integer"});
  ExpectMessage(R"({"wide":9223372036854775808})", {"expected an integer"});
  ExpectMessage(R"({"wide":18446744073709551615})", {"expected an integer"});
  ExpectMessage(R"({"wide":1e300})", {"expected an integer"});
  ExpectMessage(R"({"count":4294967297})", {"recipe.json.count"});
}

TEST(Options, WrongTypesSayWhatWasExpected) {
  ExpectMessage(R"({"enabled":1})", {"recipe.json.enabled", "got 1", "true or false"});
  ExpectMessage(R"({"count":"3"})", {"got \"3\"", "expected an integer"});
  ExpectMessage(R"({"name":3})", {"expected a string"});
  ExpectMessage(R"({"limit":"a"})", {"expected a number"});
  ExpectMessage(R"({"sizes":3})", {"expected a list"});
  ExpectMessage(R"({"words":["a",1]})", {"words[1]", "expected a string"});
  ExpectMessage(R"({"inner":[]})", {"recipe.json.inner", "expected an object"});
  ExpectMessage(R"([1])", {"recipe.json", "expected an object"});
  ExpectMessage(R"({"shape":"sqare"})", {"one of round, square", "Did you mean 'square'?"});
}

TEST(Options, LongValuesAreShortenedToValidText) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "é";
  const std::string message = MessageOf(R"({"count":")" + text + R"("})");
  EXPECT_NE(message.find("..."), std::string::npos);
  EXPECT_LT(message.size(), 140u);
  EXPECT_NO_THROW(Json(message).dump());  // strict about UTF-8
}

TEST(Options, FieldsDescribeThemselves) {
  OuterOptions options;
  const std::vector<Field> fields = ListFields(options);
  ASSERT_EQ(fields.size(), 9u);
  EXPECT_EQ(fields[1].name, "count");
  EXPECT_EQ(fields[1].help, "How many.");
  EXPECT_EQ(fields[1].type, "integer");
  EXPECT_EQ(fields[1].bounds.max, 10);
  EXPECT_EQ(fields[4].choices, (std::vector<std::string>{"round", "square"}));
  EXPECT_EQ(fields[5].type, "number");
  EXPECT_EQ(fields[8].type, "options");
  ASSERT_EQ(fields[8].children.size(), 1u);
  fields[1].set(Json(5), "--set count");
  EXPECT_EQ(options.count, 5);
  EXPECT_EQ(fields[1].get(), Json(5));
}

TEST(Options, EnumNameGivesTheTextOfJson) { EXPECT_EQ(EnumName(Shape::kSquare), "square"); }

}  // namespace
}  // namespace retort::options_test
