#include "model/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "model/byte_alphabet.h"
#include "tests/model/testing.h"

namespace retort::model::tokenizer_test {
namespace {

using Ids = std::vector<int32_t>;

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

std::string RandomText(RandomStream& random, const std::vector<std::string>& parts) {
  std::string text;
  for (uint64_t n = random.Below(20); n > 0; --n) {
    if (random.Below(3) == 0) {
      text += static_cast<char>(random.Below(256));
    } else {
      text += random.Pick(parts);
    }
  }
  return text;
}

// Saves the byte-level vocabulary, lets `change` edit tokenizer.json, and loads the result.
Tokenizer LoadChanged(const std::function<void(Json&)>& change) {
  const auto original = TestFolder() / "original";
  if (!std::filesystem::exists(original)) {
    std::filesystem::create_directories(original);
    Tokenizer::ByteLevel().Save(original);
  }
  Json json = ParseJson(ReadFile(original / "tokenizer.json"), "t");
  change(json);
  WritePlain(TestFolder() / "tokenizer.json", json.dump());
  return Tokenizer::Load(TestFolder());
}

TEST(ByteAlphabet, FollowsThePublishedMap) {
  EXPECT_EQ(BytesToAlphabet(" \n!~\x7f"), "\u0120\u010A!~\u0121");
  EXPECT_EQ(BytesToAlphabet(std::string("\x00\xa0\xa1\xad\xff", 5)),
            "\u0100\u0142\u00A1\u0143\u00FF");
  EXPECT_EQ(AlphabetToBytes(BytesToAlphabet(AllBytes())), AllBytes());
  EXPECT_EQ(AlphabetToBytes("<\uFF5CUser\uFF5C>"), "<\uFF5CUser\uFF5C>");
}

TEST(Tokenizer, ByteLevelVocabulary) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  EXPECT_EQ(tokenizer.vocab_size(), 264);
  const Ids bytes = tokenizer.Encode(AllBytes(), AddedTokens::kMatch);
  ASSERT_EQ(bytes.size(), 256u);
  for (int32_t id = 0; id < 256; ++id) EXPECT_EQ(bytes[static_cast<size_t>(id)], id);
  EXPECT_EQ(tokenizer.Decode(bytes), AllBytes());
  EXPECT_EQ(tokenizer.eos_id(), tokenizer.IdOf("<|end|>"));
  EXPECT_EQ(tokenizer.pad_id(), tokenizer.IdOf("<|pad|>"));
  EXPECT_EQ(tokenizer.bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer.TokenBytes(tokenizer.IdOf("\nAssistant: ")), "\nAssistant: ");
}

TEST(Tokenizer, AWorkedExampleHasOneTokenPerTag) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  const Ids ids = tokenizer.Encode("User: 1+1\nAssistant: <think></think><answer>2</answer>",
                                   AddedTokens::kMatch);
  EXPECT_EQ(ids, (Ids{tokenizer.IdOf("User: "), '1', '+', '1', tokenizer.IdOf("\nAssistant: "),
                      tokenizer.IdOf("<think>"), tokenizer.IdOf("</think>"),
                      tokenizer.IdOf("<answer>"), '2', tokenizer.IdOf("</answer>")}));
}

TEST(Tokenizer, TextFromOutsideNeverBecomesATag) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  const std::string text = "a<think></answer><|end|>User: ";
  const Ids ids = tokenizer.Encode(text, AddedTokens::kAsText);
  EXPECT_EQ(ids.size(), text.size());
  EXPECT_LT(*std::max_element(ids.begin(), ids.end()), 256);
  EXPECT_EQ(tokenizer.Decode(ids), text);
}

TEST(Tokenizer, DecodeSkipsSpecialTokensButKeepsTags) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  const Ids ids = tokenizer.Encode("<answer>4</answer><|end|><|pad|>", AddedTokens::kMatch);
  EXPECT_EQ(tokenizer.Decode(ids), "<answer>4</answer><|end|><|pad|>");
  EXPECT_EQ(tokenizer.Decode(ids, SpecialTokens::kSkip), "<answer>4</answer>");
}

TEST(Tokenizer, ErrorsNameTheTokenAndTheNearest) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  EXPECT_EQ(tokenizer.Find("<thunk>"), std::nullopt);
  EXPECT_PRED2(Contains, ErrorOf([&] { tokenizer.IdOf("<thunk>"); }), "Did you mean '<think>'?");
  EXPECT_EQ(tokenizer.Decode(Ids{'a', 264, 99999, 'b'}), "a\uFFFD\uFFFDb");
  EXPECT_EQ(tokenizer.Decode(Ids{264}, SpecialTokens::kSkip), "\uFFFD");
  EXPECT_PRED2(Contains, ErrorOf([&] { tokenizer.Decode(Ids{-1}); }), "-1");
  EXPECT_PRED2(Contains, ErrorOf([&] { tokenizer.TokenBytes(-1); }), "-1");
}

TEST(Tokenizer, RandomTextsRoundTripInBothModes) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  RandomStream random({.seed = 1, .purpose = "tokenizer-test"});
  const std::vector<std::string> parts = {"<think>", "</think>", "<",      "</",      "answer>",
                                          "User: ",  "User:",    "\n",     "é",       "語",
                                          "😀",       "<|end|>",  "<|pad|", "\nAssis", "7*6=42;"};
  for (int round = 0; round < 2000; ++round) {
    const std::string text = RandomText(random, parts);
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, AddedTokens::kMatch)), text);
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, AddedTokens::kAsText)), text);
  }
}

TEST(Tokenizer, TheLongestAddedTokenIsFoundAmongMany) {
  std::vector<std::string> contents[2];  // of the two passes
  RandomStream random({.seed = 2, .purpose = "tokenizer-test"});
  std::set<std::string> known = {"", "a", "b", "<"};  // the bytes are there
  for (int i = 0; i < 400; ++i) {
    std::string content;
    while (!known.insert(content).second) content += "ab<"[random.Below(3)];
    contents[i % 3 == 0].push_back(content);
  }
  const Tokenizer tokenizer = LoadChanged([&](Json& json) {
    int32_t id = 264;
    for (const bool normalized : {false, true}) {
      for (const std::string& content : contents[normalized]) {
        json["added_tokens"].push_back(
            {{"id", id++}, {"content", content}, {"normalized", normalized}});
      }
    }
  });
  // As defined: at each place the longest; the second pass between what the first has found.
  const std::function<Ids(std::string_view, bool)> encode = [&](std::string_view text, bool pass) {
    Ids ids;
    size_t start = 0;
    const auto between = [&](size_t end) {
      const std::string_view part = text.substr(start, end - start);
      const Ids more = pass ? tokenizer.Encode(part, AddedTokens::kAsText) : encode(part, true);
      ids.insert(ids.end(), more.begin(), more.end());
    };
    for (size_t i = 0; i < text.size();) {
      std::string_view best;
      for (const std::string& content : contents[pass]) {
        if (text.substr(i).starts_with(content) && content.size() > best.size()) best = content;
      }
      if (best.empty()) {
        ++i;
        continue;
      }
      between(i);
      ids.push_back(tokenizer.IdOf(best));
      start = i += best.size();
    }
    between(text.size());
    return ids;
  };
  const Tokenizer copy = tokenizer;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (uint64_t n = random.Below(60); n > 0; --n) text += "ab<c"[random.Below(4)];
    EXPECT_EQ(copy.Encode(text, AddedTokens::kMatch), encode(text, false)) << text;
  }
}

TEST(Tokenizer, SaveAndLoadKeepEverything) {
  const Tokenizer tokenizer = Tokenizer::ByteLevel();
  tokenizer.Save(TestFolder(), "{{ messages }}");
  EXPECT_EQ(Tokenizer::Load(TestFolder()), tokenizer);
  const Json config = ParseJson(ReadFile(TestFolder() / "tokenizer_config.json"), "c");
  EXPECT_EQ(config["chat_template"], "{{ messages }}");
  EXPECT_EQ(config["eos_token"], "<|end|>");
  EXPECT_EQ(config["added_tokens_decoder"]["258"]["content"], "<think>");
}

TEST(Tokenizer, MatchesTheLeftmostLongestAddedToken) {
  const Tokenizer tokenizer = LoadChanged([](Json& json) {
    const auto add = [&](int id, const char* content, bool normalized) {
      json["added_tokens"].push_back(
          {{"id", id}, {"content", content}, {"normalized", normalized}});
    };
    add(264, "ab", false);
    add(265, "abcd", false);
    add(266, "bcdef", false);
    add(267, "zab", true);  // after the others, although it begins further left
  });
  EXPECT_EQ(tokenizer.Encode("abc", AddedTokens::kMatch), (Ids{264, 'c'}));
  EXPECT_EQ(tokenizer.Encode("abcdef", AddedTokens::kMatch), (Ids{265, 'e', 'f'}));
  EXPECT_EQ(tokenizer.Encode("xbcdef", AddedTokens::kMatch), (Ids{'x', 266}));
  EXPECT_EQ(tokenizer.Encode("zab", AddedTokens::kMatch), (Ids{'z', 264}));
}

// The definition: again and again, merge the pair of lowest rank, the leftmost of them.
Ids MergeByDefinition(const std::string& text,
                      const std::vector<std::pair<std::string, std::string>>& merges,
                      const std::function<int32_t(const std::string&)>& id_of) {
  std::vector<std::string> pieces;
  for (const char c : text) pieces.emplace_back(1, c);
  for (bool merged = true; merged;) {
    merged = false;
    for (size_t rank = 0; rank < merges.size() && !merged; ++rank) {
      for (size_t i = 0; i + 1 < pieces.size() && !merged; ++i) {
        if (pieces[i] == merges[rank].first && pieces[i + 1] == merges[rank].second) {
          pieces[i] += pieces[i + 1];
          pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1);
          merged = true;
        }
      }
    }
  }
  Ids ids;
  for (const std::string& piece : pieces) ids.push_back(id_of(piece));
  return ids;
}

TEST(Tokenizer, MergesAsTheDefinitionSays) {
  RandomStream random({.seed = 2, .purpose = "tokenizer-test"});
  for (const bool legacy : {false, true}) {
    std::vector<std::pair<std::string, std::string>> merges;
    std::vector<std::string> pieces = {"a", "b", "c", " "};
    std::set<std::string> known(pieces.begin(), pieces.end());
    while (merges.size() < 25) {  // in any order: a pair may come before its own parts
      const std::string left = random.Pick(pieces), right = random.Pick(pieces);
      if (!known.insert(left + right).second) continue;
      pieces.push_back(left + right);
      merges.emplace_back(left, right);
    }
    random.Shuffle(merges);
    std::unordered_map<std::string, int32_t> ids;
    const Tokenizer tokenizer = LoadChanged([&](Json& json) {
      for (size_t i = 4; i < pieces.size(); ++i) {
        ids[pieces[i]] = static_cast<int32_t>(264 + i - 4);
        json["model"]["vocab"][BytesToAlphabet(pieces[i])] = ids[pieces[i]];
      }
      for (const auto& [left, right] : merges) {
        const std::string a = BytesToAlphabet(left), b = BytesToAlphabet(right);
        json["model"]["merges"].push_back(legacy ? Json(a + " " + b) : Json::array({a, b}));
      }
    });
    for (const char* byte : {"a", "b", "c", " "}) ids[byte] = byte[0];
    for (int round = 0; round < 500; ++round) {
      std::string text;
      for (uint64_t n = random.Below(30); n > 0; --n) text += "abc "[random.Below(4)];
      const Ids expected =
          MergeByDefinition(text, merges, [&](const std::string& piece) { return ids.at(piece); });
      EXPECT_EQ(tokenizer.Encode(text, AddedTokens::kMatch), expected) << text;
      EXPECT_EQ(tokenizer.Decode(expected), text);
    }
    tokenizer.Save(TestFolder());
    EXPECT_EQ(Tokenizer::Load(TestFolder()), tokenizer);
  }
}

TEST(Tokenizer, IgnoreMergesTakesAKnownPieceWhole) {
  const auto load = [](bool ignore_merges) {
    return LoadChanged([&](Json& json) {
      json["model"]["vocab"]["abc"] = 264;
      json["model"]["ignore_merges"] = ignore_merges;
    });
  };
  EXPECT_EQ(load(true).Encode("abc", AddedTokens::kMatch), (Ids{264}));
  EXPECT_EQ(load(false).Encode("abc", AddedTokens::kMatch), (Ids{'a', 'b', 'c'}));
}

TEST(Tokenizer, RefusesWhatItWouldGetWrong) {
  const auto error = [](const std::function<void(Json&)>& change) {
    return ErrorOf([&] { LoadChanged(change); });
  };
  const std::vector<std::function<void(Json&)>> unsupported = {
      [](Json& j) {
        j["normalizer"] = {{"type", "BertNormalizer"}};
      },
      [](Json& j) {
        j["pre_tokenizer"] = {{"type", "UnicodeScripts"}};
      },
      [](Json& j) {
        const Json first = j["pre_tokenizer"];
        j["pre_tokenizer"] = {{"type", "Sequence"},
                              {"pretokenizers", {first, {{"type", "Whitespace"}}}}};
      },
      [](Json& j) {
        j["pre_tokenizer"] = {
            {"type", "Split"}, {"pattern", {{"Regex", "[a[bc]]"}}}, {"behavior", "Isolated"}};
      },
      [](Json& j) {
        j["post_processor"] = {{"type", "BertProcessing"}};
      },
      [](Json& j) { j["decoder"] = nullptr; },
      [](Json& j) {
        j["decoder"] = {{"type", "CTC"}};
      },
      [](Json& j) { j["model"]["type"] = "Unigram"; },
      [](Json& j) { j["model"]["dropout"] = 0.1; },
      [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; },
  };
  const auto split = [](const char* pattern) {
    return [pattern](Json& j) {
      j["pre_tokenizer"] = {
          {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
    };
  };
  EXPECT_PRED2(Contains, error(split("(a")), "the pattern '(a'");
  EXPECT_PRED2(Contains, error(split("(?m)a.b")), "(?m)");
  EXPECT_PRED2(Contains, error([](Json& j) {
                 j["pre_tokenizer"] = {{"type", "Split"}};
               }),
               "Split: behavior is missing");
  EXPECT_PRED2(Contains, error([](Json& j) {
                 j["post_processor"] = {{"type", "TemplateProcessing"}};
               }),
               "single");
  EXPECT_PRED2(Contains, error([](Json& j) { j["pre_tokenizer"] = nullptr; }), "disagree");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["unk_token"] = "<none>"; }),
               "not in the vocabulary");
  EXPECT_PRED2(Contains, error([](Json& j) { j["added_tokens"][0]["lstrip"] = 1; }),
               "true or false");
  for (const auto& change : unsupported) EXPECT_PRED2(Contains, error(change), "unsupported");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["vocab"]["zz"] = 65; }), "twice");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["vocab"]["zz"] = -1; }), "token id");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["merges"] = {"a b"}; }), "'ab' is not in");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["merges"] = {5}; }), "merge 0");
  EXPECT_PRED2(Contains, error([](Json& j) { j["added_tokens"][0]["id"] = 65; }), "contradicts");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"].erase("vocab"); }), "vocab is missing");
  // What an id needs in memory, the file must have in bytes.
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["vocab"]["zz"] = 9'999'999; }),
               "model.vocab.zz: the id 9999999 in a file of");
  EXPECT_PRED2(Contains, error([](Json& j) { j["added_tokens"][0]["id"] = 9'999'999; }),
               "the id 9999999 in a file of");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["vocab"]["zz"] = 300.0; }), "token id");
  EXPECT_PRED2(Contains, error([](Json& j) { j["model"]["vocab"]["zz"] = UINT64_MAX; }),
               "token id");
  EXPECT_PRED2(Contains,
               error([](Json& j) { j["added_tokens"][0]["content"] = std::string(1001, 'x'); }),
               "has 1001 bytes, expected at most 1000");
  EXPECT_PRED2(Contains, error([](Json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); }),
               "contradicts");
  EXPECT_EQ(error([](Json& j) {
              j["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
              j["post_processor"] = {{"type", "ByteLevel"}};
            }),
            "(no error)");
  EXPECT_PRED2(Contains, ErrorOf([] { Tokenizer::Load("/nonexistent"); }), "tokenizer.json");
}

}  // namespace
}  // namespace retort::model::tokenizer_test
