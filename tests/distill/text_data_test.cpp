// Files of rows as an endless reading: packing, mixtures, what is left out and said about it.

#include "distill/text_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "base/folder.h"
#include "datasets/trace_store.h"
#include "tests/distill/tokenizers.h"
#include "tests/support/error_of.h"

namespace retort::distill::text_data_test {
namespace {

using Groups = std::vector<train::LearnGroup>;

class TextDataTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::vector<Json>& rows) const {
    std::string text;
    for (const Json& row : rows) text += ToJsonLine(row) + "\n";
    return Plain(name, text);
  }
  std::string Plain(const std::string& name, const std::string& text) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  /// Row i is `length` times the i-th letter, and one token more.
  std::string Letters(const std::string& name, const std::vector<size_t>& lengths) const {
    std::vector<Json> rows;
    for (size_t i = 0; i < lengths.size(); ++i) {
      rows.push_back({{"text", std::string(lengths[i], static_cast<char>('a' + i))}});
    }
    return File(name, rows);
  }
  static TextOptions Options(const std::vector<std::string>& files, const Json& changes = {}) {
    TextOptions options;
    options.train_files = files;
    if (!changes.is_null()) ReadOptions(changes, "options", options);
    options.Validate("options");
    return options;
  }
  static train::RowsPlace Place(int threads = 1) {
    return {.tokenizer = model::Tokenizer::ByteLevel(),
            .positions = 64,
            .seed = 1,
            .name = "stage",
            .threads = threads};
  }
  static TextData Data(const std::vector<std::string>& files, const Json& changes = {},
                       const std::optional<train::RowsPlace>& place = {}) {
    return TextData(Options(files, changes), place ? *place : Place());
  }
  /// The ids of a group as text, what is learned in brackets.
  static std::string Text(const train::LearnGroup& group) {
    const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
    std::string text = tokenizer.Decode(group.prompt);
    bool open = false;
    for (size_t i = 0; i < group.completions[0].size(); ++i) {
      if (group.learned[i] != open) text += (open = !open) ? "[" : "]";
      const std::string& bytes = tokenizer.TokenBytes(group.completions[0][i]);
      text += bytes == "<|end|>" ? "." : bytes;
    }
    return text + (open ? "]" : "");
  }
  static std::string Text(const Groups& groups) {
    std::string text;
    for (const train::LearnGroup& group : groups) text += (text.empty() ? "" : " ") + Text(group);
    return text;
  }
  /// The sequences of an epoch, sorted.
  static std::multiset<std::string> Epoch(TextData& data, int64_t epoch = 0) {
    std::multiset<std::string> texts;
    for (int64_t n = 0; n < data.examples(); ++n) {
      texts.insert(Text(data.Example(epoch * data.examples() + n)));
    }
    return texts;
  }
  using Texts = std::multiset<std::string>;

  const TemporaryFolder folder_;
};

TEST_F(TextDataTest, EveryRowIsASequenceCutAtMaxLength) {
  const std::string file = Letters("a.jsonl", {2, 5, 9});
  TextData data = Data({file}, {{"max_length", 6}});
  EXPECT_EQ(Epoch(data), (Texts{"a[a.]", "b[bbbb.]", "c[ccccc]"}));
  EXPECT_EQ(Epoch(data, 1), Epoch(data, 0));
  const Json report = data.Report()[0];
  EXPECT_EQ(report["rows"], 3);
  EXPECT_EQ(report["too_long"], 1);
  EXPECT_EQ(report["sequences"], 3);
  EXPECT_EQ(report["tokens"], 2 + 5 + 5);
  EXPECT_EQ(data.Remarks(),
            (std::vector<std::string>{
                file + ": 1 of 3 rows are longer than max_length = 6 and cut off there"}));
}

TEST_F(TextDataTest, MaxLengthIsAtMostTheModels) {
  const std::string file = Letters("a.jsonl", {80});
  EXPECT_EQ(Data({file}).files()[0].tokens(), 63);
  train::RowsPlace wide = Place();
  wide.positions = 5000;
  EXPECT_EQ(Data({Letters("b.jsonl", {2000})}, {}, wide).files()[0].tokens(), 1023);
  const std::string what = ErrorOf([&] { Data({file}, {{"max_length", 65}}); });
  EXPECT_NE(what.find("max_length: got 65"), std::string::npos) << what;
  EXPECT_NE(what.find("max_position_embeddings = 64"), std::string::npos) << what;
}

TEST_F(TextDataTest, PackedRowsSeeThemselvesOnlyOrAllBefore) {
  const std::string file = Letters("a.jsonl", {2, 5, 1, 9});
  const auto packed = [&](const char* strategy, bool mask) {
    TextData data = Data({file}, {{"max_length", 6},
                                  {"packing", true},
                                  {"packing_strategy", strategy},
                                  {"document_mask", mask}});
    return Epoch(data);
  };
  EXPECT_EQ(packed("bfd", true), (Texts{"b[bbbb.]", "d[ddddd]", "a[a.] c[.]"}));
  EXPECT_EQ(packed("bfd", false), (Texts{"b[bbbb.]", "d[ddddd]", "a[a.c.]"}));
  EXPECT_EQ(packed("bfd_split", true), (Texts{"b[bbbb.]", "d[ddddd]", "d[dd.] c[.]", "a[a.]"}));
  EXPECT_EQ(packed("wrapped", false), (Texts{"a[a.bbb]", "b[b.c.d]", "d[ddddd]", "d[d.]"}));
  // A piece of one token predicts nothing by itself.
  EXPECT_EQ(packed("wrapped", true), (Texts{"a[a.] b[bb]", "b[b.] c[.]", "d[ddddd]", "d[d.]"}));
}

TEST_F(TextDataTest, MasksOfRowsStayInAPack) {
  const std::string file = File(
      "a.jsonl", {{{"prompt", "ab"}, {"completion", "c"}}, {{"prompt", "d"}, {"completion", "e"}}});
  const Json packed = {{"packing", true}, {"max_length", 16}};
  TextData data = Data({file}, packed);
  EXPECT_EQ(Epoch(data), (Texts{"ab[c.] d[e.]"}));
  Json open = packed;
  open["document_mask"] = false;
  TextData one = Data({file}, open);
  EXPECT_EQ(Epoch(one), (Texts{"ab[c.]d[e.]"}));
  open["completion_only_loss"] = false;
  TextData all = Data({file}, open);
  EXPECT_EQ(Epoch(all), (Texts{"a[bc.de.]"}));
}

TEST_F(TextDataTest, SequencesThatTeachNothingAreNone) {
  const std::string file = File("a.jsonl", {{{"prompt", "0123456789"}, {"completion", "c"}},
                                            {{"text", ""}},
                                            {{"prompt", "d"}, {"completion", "e"}}});
  TextData cut = Data({file}, {{"max_length", 8}});
  EXPECT_EQ(Epoch(cut), (Texts{"d[e.]"}));
  EXPECT_EQ(cut.files()[0].counts().nothing_to_learn, 2);
  EXPECT_EQ(cut.files()[0].counts().too_long, 1);
  // Split into three, of which the first holds nothing to learn.
  TextData split =
      Data({file}, {{"max_length", 5}, {"packing", true}, {"packing_strategy", "bfd_split"}});
  EXPECT_EQ(split.files()[0].counts().nothing_to_learn, 1);
  for (const std::string& text : Epoch(split)) EXPECT_NE(text.find('['), std::string::npos);
}

TEST_F(TextDataTest, BadRowsAreLeftOutCountedAndNamed) {
  const std::string file = Plain("a.jsonl",
                                 "{\"text\": \"ab\"}\n{\n{\"x\": 1}\n{\"text\": 3}\n{\"text\": "
                                 "[]}\n{\"text\": \"cd\"}\n");
  TextData data = Data({file});
  EXPECT_EQ(Epoch(data), (Texts{"a[b.]", "c[d.]"}));
  EXPECT_EQ(data.Report()[0]["bad"], 4);
  ASSERT_EQ(data.Remarks().size(), 1u);
  const std::string remark = data.Remarks()[0];
  for (const std::string part : {"4 of 6 rows are bad and left out", ":2: not valid JSON",
                                 ":3: nothing to learn", ":4: column 'text'", "; …"}) {
    EXPECT_NE(remark.find(part), std::string::npos) << remark;
  }
  const std::string what = ErrorOf([&] {
    Data({file, Plain("b.jsonl", "{\"y\": 1}\n"), "/nowhere.jsonl"});
  });
  EXPECT_NE(what.find("b.jsonl: there is nothing to learn. "), std::string::npos) << what;
  EXPECT_NE(what.find("b.jsonl:1: nothing to learn"), std::string::npos) << what;
  EXPECT_NE(ErrorOf([&] { Data({Plain("c.jsonl", "")}); }).find("it holds no rows"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { Data({"/nowhere.jsonl"}); }).find("/nowhere.jsonl"), std::string::npos);
}

TEST_F(TextDataTest, ARowThatCannotBeRenderedIsABadRow) {
  const Json system = {
      {"messages",
       {{{"role", "system"}, {"content", "s"}}, {{"role", "assistant"}, {"content", "a"}}}}};
  const Json sound = {
      {"messages",
       {{{"role", "user"}, {"content", "q"}}, {{"role", "assistant"}, {"content", "a"}}}}};
  TextData data = Data({File("a.jsonl", {system, sound})});
  EXPECT_EQ(data.Report()[0]["bad"], 1);
  EXPECT_NE(data.Remarks()[0].find(
                "a.jsonl:1: chat_template: line 1: only user and assistant messages are known"),
            std::string::npos)
      << data.Remarks()[0];
  EXPECT_EQ(data.examples(), 1);
}

TEST_F(TextDataTest, TheTextColumnHasTheNameItIsGiven) {
  const std::string file = File("a.jsonl", {{{"text", "ab"}, {"story", "cd"}}});
  TextData data = Data({file}, {{"dataset_text_field", "story"}});
  EXPECT_EQ(Epoch(data), (Texts{"c[d.]"}));
}

TEST_F(TextDataTest, FilesWithoutWeightsAreReadOnceAnEpoch) {
  TextData data =
      Data({Letters("a.jsonl", {1, 2, 3}), Letters("b.jsonl", {5}), Plain("c.txt", "z!")});
  EXPECT_EQ(data.examples(), 5);
  EXPECT_EQ(Epoch(data, 0), (Texts{"a[.]", "a[aaaa.]", "b[b.]", "c[cc.]", "z[!.]"}));
  EXPECT_EQ(Epoch(data, 7), Epoch(data, 0));
  std::vector<std::string> orders(2);
  for (int64_t n = 0; n < 10; ++n) orders[static_cast<size_t>(n / 5)] += Text(data.Example(n));
  EXPECT_NE(orders[0], orders[1]);
}

TEST_F(TextDataTest, WeightsAreSharesOfTheTokens) {
  // Rows of 3 and of 31 tokens: as many tokens of each are a tenth as many rows.
  const std::string brief = Letters("a.jsonl", {3, 3, 3, 3, 3}),
                    wide = Letters("b.jsonl", {30, 30});
  for (const auto& [weights, share] : std::vector<std::pair<Json, double>>{
           {{1, 1}, 0.5}, {{3, 1}, 0.75}, {{0, 5}, 0.0}, {{0.2, 0.8}, 0.2}}) {
    TextData data = Data({brief, wide}, {{"weights", weights}});
    EXPECT_EQ(data.examples(), 7);
    int64_t of_brief = 0, all = 0;
    std::map<std::string, int> rows;
    for (int64_t n = 0; n < 6000; ++n) {
      const Groups groups = data.Example(n);
      const int64_t tokens = groups.at(0).Tokens();
      all += tokens;
      if (tokens < 10) of_brief += tokens;
      ++rows[Text(groups)];
    }
    EXPECT_NEAR(static_cast<double>(of_brief) / static_cast<double>(all), share, 0.02) << weights;
    // Within a file every row comes as often as any other, give or take one epoch.
    for (const auto& [text, count] : rows) {
      for (const auto& [other, others] : rows) {
        if (text.size() == other.size()) {
          EXPECT_LE(std::abs(count - others), 1);
        }
      }
    }
  }
}

TEST_F(TextDataTest, AnExampleIsAFunctionOfItsNumber) {
  const std::vector<std::string> files{Letters("a.jsonl", {3, 4, 5, 6, 7}),
                                       Letters("b.jsonl", {9, 8})};
  for (const Json& options :
       std::vector<Json>{Json::object(),
                         {{"weights", {1, 2}}},
                         {{"packing", true}, {"packing_strategy", "wrapped"}, {"max_length", 7}}}) {
    TextData one = Data(files, options);
    TextData other = Data(files, options, Place(3));
    std::vector<std::string> texts;
    for (int64_t n = 0; n < 50; ++n) texts.push_back(Text(one.Example(n)));
    for (int64_t n = 49; n >= 0; n -= 7) {  // as a resumed run begins
      EXPECT_EQ(Text(other.Example(n)), texts[static_cast<size_t>(n)]) << n;
      EXPECT_EQ(Text(one.Example(n)), texts[static_cast<size_t>(n)]) << n;
    }
    train::RowsPlace elsewhere = Place();
    elsewhere.seed = 2;
    TextData others = Data(files, options, elsewhere);
    std::vector<std::string> different;
    for (int64_t n = 0; n < 50; ++n) different.push_back(Text(others.Example(n)));
    EXPECT_NE(different, texts);
  }
}

TEST_F(TextDataTest, ManyRowsOnAnyNumberOfThreads) {
  std::vector<Json> rows;
  for (int i = 0; i < 3000; ++i) rows.push_back({{"text", StrCat("row ", i)}});
  rows[1000] = {{"text", 5}};
  const std::string file = File("a.jsonl", rows);
  const train::RowsPlace base = Place(1);
  const Json packed = {{"packing", true}, {"packing_strategy", "wrapped"}};
  TextData one = Data({file}, packed, base);
  for (const int threads : {2, 5}) {
    TextData more = Data({file}, packed, Place(threads));
    ASSERT_EQ(more.examples(), one.examples());
    EXPECT_EQ(more.Report(), one.Report());
    for (int64_t n = 0; n < one.examples(); ++n) {
      ASSERT_EQ(Text(more.Example(n)), Text(one.Example(n)));
    }
  }
}

TEST_F(TextDataTest, ReadingEndsOnRequest) {
  train::RowsPlace place = Place();
  place.stop = [] { return true; };
  EXPECT_THROW(Data({Letters("a.jsonl", {3})}, {}, place), datasets::Stopped);
}

TEST_F(TextDataTest, OptionsThatContradictEachOther) {
  const std::string file = Letters("a.jsonl", {3});
  const auto refused = [&](const Json& changes, bool files = true) {
    return ErrorOf(
        [&] { Options(files ? std::vector{file} : std::vector<std::string>(), changes); });
  };
  EXPECT_NE(refused({{"weights", {1, 2}}}).find("got 2 weights for 1 file"), std::string::npos);
  EXPECT_NE(refused({{"weights", {0}}}).find("all are 0"), std::string::npos);
  EXPECT_NE(refused({{"packing_strategy", "wrapped"}}).find("without packing"), std::string::npos);
  EXPECT_NE(refused({{"document_mask", false}}).find("without packing"), std::string::npos);
  EXPECT_NE(refused({{"eval_steps", 3}}).find("without eval_file"), std::string::npos);
  EXPECT_NE(refused({{"packing", true}}, false).find("without train_files"), std::string::npos);
  EXPECT_NE(refused({{"fim_rate", 0.1}}, false).find("without train_files"), std::string::npos);
  EXPECT_NE(refused({{"train_files", {""}}}).find("an empty name"), std::string::npos);
  EXPECT_EQ(refused({{"eval_file", file}, {"max_length", 9}}, false), "(no error)");
}

TEST_F(TextDataTest, SaysWhereLaterStagesWouldAskInAnotherWay) {
  const Json talk = {
      {"messages",
       {{{"role", "user"}, {"content", "q"}}, {{"role", "assistant"}, {"content", "a"}}}}};
  const std::string chat =
      "{% for m in messages %}{{ m.role }}: {{ m.content }};{% endfor %}"
      "{% if add_generation_prompt %}assistant: {% endif %}";
  train::RowsPlace place = Place();
  const auto said = [&](const std::string& file) {
    return OtherTemplate(TextData(Options({file}), place), place);
  };
  const std::string talks = File("a.jsonl", {talk}), texts = Letters("b.jsonl", {3});
  EXPECT_EQ(said(talks), "");
  place.tokenizer = Edited({.chat_template = chat});
  EXPECT_NE(said(talks).find("prompt_template is 'short'"), std::string::npos) << said(talks);
  EXPECT_EQ(said(texts), "");
  place.prompt_template = model::PromptTemplate::kChat;
  EXPECT_EQ(said(talks), "");
  place.prompt_template = model::PromptTemplate::kShort;
  place.tokenizer = Edited(
      {.chat_template = model::ChatTemplate(place.tokenizer, model::PromptTemplate::kShort)});
  EXPECT_EQ(said(talks), "");
}

}  // namespace
}  // namespace retort::distill::text_data_test
