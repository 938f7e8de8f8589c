// json, strings, error, fingerprint: the small text helpers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/fingerprint.h"
#include "base/json.h"
#include "base/random.h"
#include "base/strings.h"

namespace retort::text_test {
namespace {

std::string ParseMessage(const std::string& text, bool comments = false) {
  try {
    ParseJson(text, "problems.jsonl:12", comments);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonText, ALineDrivesNoTerminal) {
  const std::string text = "a\x1b[2J\x7f \u009b31m \u00a0\u00e4\xc2";
  const std::string line = ToJsonLine({{text, text}});
  for (size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    EXPECT_TRUE(byte >= 0x20 && byte != 0x7f) << i;
    EXPECT_TRUE(byte != 0xC2 || static_cast<unsigned char>(line[i + 1]) >= 0xA0) << i;
  }
  EXPECT_EQ(ParseJson(line, "line").begin().key(), "a\x1b[2J\x7f \u009b31m \u00a0\u00e4\ufffd");
  EXPECT_EQ(ToJsonLine("\x7f"), R"("\u007f")");
}

TEST(JsonText, KeysKeepTheirOrder) {
  const std::string text = R"({"z":1,"a":[true,null],"m":{"y":0.1,"b":"é"}})";
  EXPECT_EQ(ToJsonLine(ParseJson(text, "here")), text);
}

TEST(JsonText, AnObjectOfManyKeysIsAnObjectOfFew) {
  for (const int64_t size : {3, 8, 9, 10, 1000}) {
    Json object = Json::object();
    for (int64_t i = 0; i < size; ++i) object[StrCat("k", size - i)] = i;
    const Json copy = object;
    Json moved = object;
    const Json taken = std::move(moved);
    EXPECT_EQ(taken, copy);
    EXPECT_EQ(object.size(), static_cast<size_t>(size));
    for (int64_t i = 0; i < size; ++i) {
      EXPECT_EQ(object[StrCat("k", size - i)], i);  // finds it, adds nothing
      EXPECT_EQ(copy.at(StrCat("k", size - i)), i);
    }
    EXPECT_FALSE(object.contains("k0"));
    EXPECT_EQ(object.size(), static_cast<size_t>(size));
    EXPECT_EQ(object.begin().key(), StrCat("k", size));  // in the order they came in
    EXPECT_EQ(ParseJson(ToJsonLine(object), "again"), object);

    EXPECT_EQ(object.erase("k2"), 1u);
    EXPECT_EQ(object.erase("k2"), 0u);
    EXPECT_FALSE(object.contains("k2"));
    EXPECT_TRUE(copy.contains("k2"));
    object.erase(object.find("k1"));
    object["k2"] = "again";  // goes to the end
    EXPECT_EQ(object.items().begin().key(), StrCat("k", size));
    EXPECT_EQ(object.back(), "again");
    EXPECT_NE(object, copy);
    object.update({{"k3", "changed"}, {"new", 1}});
    EXPECT_EQ(object["k3"], "changed");
    EXPECT_EQ(object.size(), static_cast<size_t>(size));

    Json reversed = Json::object();
    for (auto member = copy.rbegin(); member != copy.rend(); ++member) {
      reversed[member.key()] = member.value();
    }
    EXPECT_NE(reversed, copy);  // the order counts
    object.clear();
    EXPECT_TRUE(object.empty() && !object.contains("k3"));
  }
}

TEST(JsonText, ErrorsNameThePlace) {
  const std::string message = ParseMessage("{\n  \"a\": 1,\n  \"b\" : x\n}");
  EXPECT_EQ(message.find("problems.jsonl:12: not valid JSON: "), 0u) << message;
  EXPECT_NE(message.find("line 3, column 9"), std::string::npos) << message;
  for (const char* text : {"", "{", "[1,]", "{} {}", "{'a':1}", "nan", "\"\xff\"", "1e999"}) {
    EXPECT_EQ(ParseMessage(text).find("problems.jsonl:12: "), 0u) << text;
  }
}

TEST(JsonText, CommentsOnlyWhereAllowed) {
  const std::string text = "{ // why\n \"a\": /* what */ 1 }";
  EXPECT_EQ(ParseJson(text, "recipe", true)["a"], 1);
  EXPECT_NE(ParseMessage(text), "");
}

TEST(JsonText, DeepNestingIsAnErrorThatNamesThePlace) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  EXPECT_EQ(ParseMessage(nested(kMaxJsonDepth)), "");
  EXPECT_NE(ParseMessage(nested(kMaxJsonDepth + 1)).find("column 513: nested deeper than 512"),
            std::string::npos);
  std::string objects;
  for (int i = 0; i < 120000; ++i) objects += "{\"a\":";
  for (const std::string& text : {nested(120000), std::string(120000, '['), objects}) {
    EXPECT_NE(ParseMessage(text).find("nested deeper"), std::string::npos);
    EXPECT_FALSE(TryParseJson(text));
    EXPECT_THROW(JsonOrText(text, "--set a"), Error);
  }
}

TEST(JsonText, AKeyThatOccursTwiceIsNamedWithItsPlace) {
  const std::string message = ParseMessage("{\"a\": 1,\n \"b\": {\"a\": 2},\n \"a\": 3}");
  EXPECT_NE(message.find("line 3, column 4: the key \"a\" occurs twice"), std::string::npos)
      << message;
  EXPECT_NE(ParseMessage(R"([{"x":1,"\u0078":2}])").find("\"x\" occurs twice"), std::string::npos);
  EXPECT_EQ(ParseMessage(R"([{"a":1},{"a":{"a":1}}])"), "");
  EXPECT_FALSE(TryParseJson(R"({"a":1,"a":1})"));
}

// Were each key searched among those before it, this would take minutes.
TEST(JsonText, AHundredThousandKeysAreReadInLinearTime) {
  std::string text = "{\"key-0\":0";
  for (int i = 1; i < 200000; ++i) text += StrCat(",\"key-", i, "\":", i);
  const Json json = ParseJson(text + "}", "large");
  EXPECT_EQ(json.size(), 200000u);
  EXPECT_EQ(json.back(), 199999);
  EXPECT_NE(ParseMessage(text + ",\"key-77\":0}").find("\"key-77\" occurs twice"),
            std::string::npos);
}

TEST(JsonText, NumbersThatNoDoubleHoldsAreNotInfinity) {
  const std::string message = ParseMessage("[1,\n -1e999]");
  EXPECT_NE(message.find("line 2"), std::string::npos) << message;
  EXPECT_NE(message.find("-1e999"), std::string::npos) << message;
  EXPECT_NE(message.find("out of range"), std::string::npos) << message;
  EXPECT_EQ(ParseJson("[1e-999]", "tiny")[0], 0.0);
}

TEST(JsonText, AMessageQuotesABoundedPart) {
  const std::string much(1 << 20, '7');
  for (const std::string& text :
       {"{\"" + much + "\":1,\"" + much + "\":1}", much + "e999", "[\"" + much, "{\"a\" \"" + much,
        "x" + much, "\"" + much + "\xff"}) {
    const std::string message = ParseMessage(text);
    EXPECT_LT(message.size(), 300u) << message.substr(0, 300);
    EXPECT_EQ(message.find("problems.jsonl:12: not valid JSON: "), 0u);
  }
}

TEST(JsonText, ACommandLineTakesJsonOrText) {
  EXPECT_EQ(JsonOrText("5", "--set"), 5);
  EXPECT_EQ(JsonOrText("[1, true]", "--set"), (Json{1, true}));
  for (const char* text : {"", "a b", "[a", "{\"a\":", "1 2"}) {
    EXPECT_EQ(JsonOrText(text, "--set"), text);
  }
  for (const char* text : {R"({"a":1,"a":2})", "1e999"}) {
    EXPECT_THROW(JsonOrText(text, "--set"), Error) << text;
  }
}

TEST(JsonText, ALineStaysOneLineAndValid) {
  const std::string line = ToJsonLine(Json{{"text", std::string("a\nb\xff") + "c"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(ParseJson(line, "line")["text"],
            "a\nb\xEF\xBF\xBD"
            "c");
}

TEST(Errors, MessagesAreStreamedTogether) {
  EXPECT_EQ(StrCat("row ", 3, ": ", 0.1, ' ', std::string("x")), "row 3: 0.1 x");
  try {
    RETORT_CHECK(1 > 2, "got ", 1, ", expected ", 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "got 1, expected 2");
  }
  EXPECT_NO_THROW(RETORT_CHECK(true, "never"));
}

TEST(Strings, SplitAndJoinAreInverse) {
  EXPECT_EQ(Split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
  EXPECT_EQ(Split("", ','), std::vector<std::string>{""});
  for (const char* text : {"", ",", "a", "a,b", ",a,,b,"}) {
    EXPECT_EQ(Join(Split(text, ','), ","), text);
  }
  EXPECT_EQ(Join({"a", "b", "c"}, " - "), "a - b - c");
  EXPECT_EQ(Join({}, ","), "");
}

TEST(Strings, AnExcerptKeepsWholeCharacters) {
  EXPECT_EQ(Excerpt("abc", 3), "abc");
  EXPECT_EQ(Excerpt("abcd", 3), "abc…");
  EXPECT_EQ(Excerpt("aéé", 3), "aé…");
  EXPECT_EQ(Excerpt("aéé", 4), "aé…");
  EXPECT_EQ(Excerpt("éé", 1), "…");
}

TEST(Strings, AListOfNamesIsBounded) {
  EXPECT_EQ(ListNames({}), "none");
  EXPECT_EQ(ListNames({"a", "b"}), "a, b");
  const std::string list = ListNames(std::vector<std::string>(1000, std::string(1000, 'x')));
  EXPECT_LT(list.size(), 1400u);
  EXPECT_TRUE(list.ends_with(", … (980 more)")) << list;
}

TEST(Strings, TrimTakesSpaceFromBothEnds) {
  EXPECT_EQ(Trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(Trim(" \n "), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Strings, ReplaceAllDoesNotReplaceItsOwnOutput) {
  EXPECT_EQ(ReplaceAll("aaa", "a", "aa"), "aaaaaa");
  EXPECT_EQ(ReplaceAll("aaaa", "aa", "b"), "bb");
  EXPECT_EQ(ReplaceAll("abc", "x", "y"), "abc");
  EXPECT_EQ(ReplaceAll("a-b-", "-", ""), "ab");
}

TEST(Strings, DidYouMeanNamesTheNearestOrNothing) {
  const std::vector<std::string> names = {"temperature", "top_k", "top_p"};
  EXPECT_EQ(DidYouMean("temprature", names), " Did you mean 'temperature'?");
  EXPECT_EQ(DidYouMean("top_q", names), " Did you mean 'top_k'?");
  EXPECT_EQ(DidYouMean("learning_rate", names), "");
  EXPECT_EQ(DidYouMean("x", {}), "");
  // Not the product of their lengths.
  const std::string endless(10'000'000, 'x');
  EXPECT_EQ(DidYouMean(endless, {endless + "y", "top_k"}), "");
  EXPECT_EQ(DidYouMean("top_q", {endless, "top_k"}), " Did you mean 'top_k'?");
}

TEST(Strings, NumbersReadBackToTheSameDouble) {
  EXPECT_EQ(FormatNumber(0.1), "0.1");
  EXPECT_EQ(FormatNumber(3), "3");
  EXPECT_EQ(FormatNumber(std::nan("")), "nan");
  RandomStream random({1, "format-number", 0, 0, 0});
  for (int i = 0; i < 2000; ++i) {
    const double value = std::ldexp(random.Normal(), static_cast<int>(random.Between(-1000, 1000)));
    ASSERT_EQ(std::strtod(FormatNumber(value).c_str(), nullptr), value);
  }
}

TEST(Utf8, TheEdgesOfTheEncoding) {
  for (const char* good :
       {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << testing::PrintToString(good);
    EXPECT_EQ(ToValidUtf8(good), good);
  }
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
        "a\xC3(", "\xE2\x28\xA1"}) {
    EXPECT_FALSE(IsUtf8(bad)) << testing::PrintToString(bad);
    EXPECT_TRUE(IsUtf8(ToValidUtf8(bad)));
  }
}

TEST(Utf8, EachMalformedByteBecomesOneReplacement) {
  for (const auto& [text, unfinished] :
       std::vector<std::pair<std::string, size_t>>{{"", 0},
                                                   {"a", 0},
                                                   {"ä", 0},
                                                   {"a\xC3", 1},
                                                   {"\xE2\x82", 2},
                                                   {"\xF0\x9F\x98", 3},
                                                   {"😀", 0},
                                                   {"\x82\x82\x82", 0},
                                                   {"\xFF", 0},
                                                   {"\xC0", 0},
                                                   {"\xE2\x82x", 0}}) {
    EXPECT_EQ(UnfinishedUtf8(text), unfinished) << text;
  }
  EXPECT_EQ(ToValidUtf8("a\xFF"
                        "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(ToValidUtf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  RandomStream random({1, "utf8", 0, 0, 0});
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (int j = 0; j < 12; ++j) bytes += static_cast<char>(random.Below(256));
    const std::string valid = ToValidUtf8(bytes);
    ASSERT_TRUE(IsUtf8(valid));
    ASSERT_EQ(IsUtf8(bytes), valid == bytes);
    ASSERT_NO_THROW(Json(valid).dump());  // a second opinion: nlohmann-json is strict
  }
}

// These names are stored in databases and seed every stream: they must never change.
TEST(Fingerprints, AreStableAndFramed) {
  EXPECT_NE(Fingerprint().Add("ab").Add("c").value(), Fingerprint().Add("a").Add("bc").value());
  EXPECT_NE(Fingerprint().Add("").value(), Fingerprint().value());
  EXPECT_EQ(FingerprintOf("x"), Fingerprint().Add("x").value());
  // FNV-1a over the framed bytes and murmur3's finaliser, computed apart from this code.
  // FNV's own test vectors (Noll).
  EXPECT_EQ(Fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a("foobar"), 0x85944171f73967e8u);
  const std::string one = Fingerprint128({"ab", "c"}), other = Fingerprint128({"a", "bc"});
  EXPECT_EQ(one.size(), 16u);
  EXPECT_NE(one, other);
  EXPECT_NE(Fingerprint128({""}), Fingerprint128({}));
  // 128 bits of FNV-1a by its definition, in Python: the length in 8 bytes, then the text.
  EXPECT_EQ(Fingerprint128({}), "\x8d\xc5\x95\x62\x75\x21\xb8\x62\x42\x01\xbb\x07\x2e\x27\x62\x6c");
  EXPECT_EQ(Fingerprint128({"retort"}),
            std::string("\x79\xdd\xa6\x8e\x91\xec\x35\x83\xea\x24\x00\x67\x98\xae\x63\x82", 16));
  EXPECT_EQ(FingerprintOf("retort"), 0x56b5acbebbd746d9u);
  EXPECT_EQ(Fingerprint().Add("retort").Add(7).Hex(), "a6c094ee9c63b350");
}

}  // namespace
}  // namespace retort::text_test
