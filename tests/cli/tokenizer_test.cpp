// retort tokenizer, as a process.

#include "base/file.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/tiny_model.h"

namespace retort::cli::tokenizer_test {
namespace {

class TokenizerCommandTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    SaveTinyDense(folder_.path());
  }
  Outcome Tokenizer(const std::string& part, std::vector<std::string> words) const {
    words.insert(words.begin(), {"tokenizer", part, folder_.path()});
    return Retort(words);
  }
  TemporaryFolder folder_;
};

TEST_F(TokenizerCommandTest, EncodesAndDecodesLines) {
  const std::string plain = Write("plain.txt", "ab\n\n<think>é");
  const Outcome ids = Tokenizer("encode", {plain});
  ASSERT_EQ(ids.code, 0) << ids.err;
  EXPECT_EQ(ids.out, "97 98\n\n258 195 169\n");
  EXPECT_EQ(Tokenizer("encode", {plain, "--as-text"}).out,
            "97 98\n\n60 116 104 105 110 107 62 195 169\n");
  EXPECT_EQ(Tokenizer("decode", {Write("ids.txt", ids.out)}).out, "ab\n\n<think>é\n");
}

TEST_F(TokenizerCommandTest, JsonHasALineForEachText) {
  const std::string texts = Write("texts.jsonl", "\"a\\nb\"\n\"<|end|>\"\n\"\"\n");
  const Outcome ids = Tokenizer("encode", {texts, "--json", "--add-special-tokens"});
  ASSERT_EQ(ids.code, 0) << ids.err;
  EXPECT_EQ(ids.out, "[97,10,98]\n[256]\n[]\n");
  const std::string file = Write("ids.jsonl", ids.out);
  EXPECT_EQ(Tokenizer("decode", {file, "--json"}).out, "\"a\\nb\"\n\"<|end|>\"\n\"\"\n");
  EXPECT_EQ(Tokenizer("decode", {file, "--json", "--skip-special-tokens"}).out,
            "\"a\\nb\"\n\"\"\n\"\"\n");
  EXPECT_EQ(Tokenizer("decode", {Write("half.txt", "195"), "--json"}).out, "\"\uFFFD\"\n");
}

TEST_F(TokenizerCommandTest, ManyLinesKeepTheirOrderOnAnyThreads) {
  std::string texts, expected;
  for (int i = 0; i < 5000; ++i) {
    texts += std::string(1, static_cast<char>('a' + i % 26)) + "\n";
    expected += std::to_string('a' + i % 26) + "\n";
  }
  const std::string file = Write("many.txt", texts);
  for (const char* threads : {"1", "2", "4"}) {
    EXPECT_EQ(Tokenizer("encode", {file, "--threads", threads}).out, expected) << threads;
  }
}

TEST_F(TokenizerCommandTest, ErrorsNameTheLine) {
  const Outcome text = Tokenizer("encode", {Write("a.jsonl", "\"a\"\n[1]\n"), "--json"});
  EXPECT_EQ(text.code, 1);
  ExpectContains(text.err, "line 2");
  const Outcome ids = Tokenizer("decode", {Write("b.txt", "1\n2 -3\n")});
  EXPECT_EQ(ids.code, 1);
  ExpectContains(ids.err, "line 2");
  EXPECT_EQ(Retort({"tokenizer"}).code, 2);
}

TEST_F(TokenizerCommandTest, RendersConversations) {
  const std::string chats = Write("chats.jsonl",
                                  "[{\"role\":\"user\",\"content\":\"1+1\"}]\n"
                                  "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                                  "{\"role\":\"assistant\",\"content\":\"b\"}]}\n");
  EXPECT_EQ(Tokenizer("render", {chats, "--json"}).out,
            "\"User: 1+1\"\n\"User: a\\nAssistant: b<|end|>\"\n");
  EXPECT_EQ(Tokenizer("render", {chats, "--json", "--add-generation-prompt"}).out,
            "\"User: 1+1\\nAssistant: \"\n\"User: a\\nAssistant: b<|end|>\\nAssistant: \"\n");
  EXPECT_EQ(Tokenizer("render", {chats, "--ids"}).out, "[262,49,43,49]\n[262,97,263,98,256]\n");
  const Outcome bad = Tokenizer("render", {Write("bad.jsonl", "[]\n[{\"role\":\"x\"}]\n")});
  EXPECT_EQ(bad.code, 1);
  ExpectContains(bad.err, "line 2");
  ExpectContains(Tokenizer("render", {chats, "--name", "rag"}).err, "'rag'");
}

TEST_F(TokenizerCommandTest, GenerateUsesTheFoldersTemplate) {
  WriteFileAtomic(folder_.path() / "chat_template.jinja",
                  "{% for m in messages %}{{ m.role[0] + m.content }}{% endfor %}"
                  "{% if add_generation_prompt %}!{% endif %}");
  const auto prompt = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"generate", folder_.path(), "--prompt", "<think>", "--json",
                                 "--max-completion-length", "1"});
    const Outcome outcome = Retort(flags);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json()["completions"][0]["prompt_ids"].dump();
  };
  EXPECT_EQ(prompt({"--template", "chat"}), "[117,60,116,104,105,110,107,62,33]");
  EXPECT_EQ(prompt({"--template", "chat", "--system", "S"}),
            "[115,83,117,60,116,104,105,110,107,62,33]");
  EXPECT_EQ(prompt({"--template", "none"}), "[258]");
  const Outcome refused =
      Retort({"generate", folder_.path(), "--prompt", "a", "--template", "none", "--system", "S"});
  EXPECT_EQ(refused.code, 1);
  ExpectContains(refused.err, "--system");
}

TEST_F(TokenizerCommandTest, InspectShowsWhatItIsMadeOf) {
  const Outcome outcome = Tokenizer("inspect", {"--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["vocab_size"], 264);
  EXPECT_EQ(outcome.json()["pre_tokenizer"]["type"], "ByteLevel");
  EXPECT_EQ(outcome.json()["added_tokens"][2]["content"], "<think>");
  ExpectContains(Tokenizer("inspect", {}).out, "<think>");
}

class TokenizerTrainTest : public CliTest {
 protected:
  Outcome Train(std::vector<std::string> words) const {
    words.insert(words.begin(), {"tokenizer", "train"});
    words.insert(words.end(), {"--out", folder_ / "out", "--json"});
    std::filesystem::remove_all(folder_ / "out");
    return Retort(words);
  }
  /// Its tokenizer.json, of a training that succeeds.
  Json Trained(const std::vector<std::string>& words) const {
    const Outcome outcome = Train(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return ParseJson(ReadFile(folder_ / "out/tokenizer.json"), "tokenizer.json");
  }
  const std::string text_ = Write("text.txt", "aab aab\naab c\n");
};

TEST_F(TokenizerTrainTest, WritesAFolderThatEncodes) {
  const Outcome trained = Train({text_, text_, "--vocab-size", "260"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Json summary = trained.json();
  EXPECT_EQ(summary["vocab_size"], 260);
  EXPECT_EQ(summary["merges"], 3);
  EXPECT_EQ(summary["texts"], 4);
  EXPECT_EQ(summary["words"], 12);  // a line's end is one, too
  EXPECT_EQ(summary["distinct_words"], 4);
  EXPECT_EQ(summary["bytes"], 28);
  const std::string out = folder_ / "out";
  EXPECT_EQ(Retort({"tokenizer", "encode", out, text_}).out, "258 221 258\n258 259\n");
  EXPECT_EQ(Retort({"tokenizer", "decode", out}, "258 259 0\n").out, "aab c<|endoftext|>\n");
  EXPECT_EQ(Retort({"tokenizer", "inspect", out, "--json"}).json()["eos_token"], "<|endoftext|>");
  EXPECT_EQ(ParseJson(ReadFile(folder_ / "out/retort.json"), "marker")["kind"], "tokenizer");

  const Outcome again = Retort({"tokenizer", "train", text_, "--out", out});
  EXPECT_EQ(again.code, 1);
  ExpectContains(again.err, "is in the way");
}

TEST_F(TokenizerTrainTest, EveryOptionCounts) {
  const auto merges = [&](const std::vector<std::string>& words) {
    return Trained(words)["model"]["merges"].size();
  };
  const size_t all = merges({text_});
  EXPECT_EQ(all, 4);  // aa aab Ġaab Ġc
  EXPECT_EQ(merges({text_, "--min-frequency", "2"}), 2);
  EXPECT_EQ(merges({text_, "--max-token-length", "3"}), 2);
  EXPECT_EQ(merges({text_, "--vocab-size", "258"}), 1);
  const Json special = Trained({text_, "--special", "<x>", "<y>"})["added_tokens"];
  EXPECT_EQ(special[1]["content"], "<x>");
  EXPECT_EQ(special[2]["content"], "<y>");
  EXPECT_EQ(special[2]["special"], true);
  const Json llama2 = Trained({text_, "--kind", "llama2"})["model"];
  EXPECT_EQ(llama2["byte_fallback"], true);
  EXPECT_EQ(llama2["vocab"].size(), 3 + 256 + 5 + 6);
  EXPECT_EQ(
      Trained({text_, "--kind", "llama2", "--initial-alphabet", "xa"})["model"]["vocab"].size(),
      llama2["vocab"].size() + 1);
  EXPECT_FALSE(
      Trained({text_, "--kind", "llama2", "--limit-alphabet", "4"})["model"]["vocab"].contains(
          "c"));
}

TEST_F(TokenizerTrainTest, TakesTheRestFromAnotherTokenizer) {
  const std::string like = folder_ / "like";
  std::filesystem::create_directory(like);
  Write("like/tokenizer.json",
        R"({"model": {"type": "BPE", "vocab": {"<s>": 0}}, "normalizer": {"type": "Lowercase"},
            "added_tokens": [{"id": 0, "content": "<s>", "special": true}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
            "decoder": {"type": "ByteLevel"}})");
  Write("like/tokenizer_config.json", R"({"bos_token": "<s>", "chat_template": "{{ 1 + 1 }}"})");
  const Json trained = Trained({Write("big.txt", "AAB"), "--like", like});
  EXPECT_EQ(trained["normalizer"]["type"], "Lowercase");
  EXPECT_TRUE(trained["model"]["vocab"].contains("aab"));
  EXPECT_EQ(Retort({"tokenizer", "inspect", folder_ / "out", "--json"}).json()["bos_token"], "<s>");
  EXPECT_EQ(Retort({"tokenizer", "render", folder_ / "out"}, "[]\n").out, "2\n");
  EXPECT_EQ(Train({text_, "--like", like, "--kind", "gpt2"}).code, 2);
}

TEST_F(TokenizerTrainTest, ReadsRowsLinesAndWhatIsCompressed) {
  const auto model = [&](const std::vector<std::string>& words) { return Trained(words)["model"]; };
  const Json lines = model({text_});
  const std::string rows =
      Write("rows.jsonl", "{\"text\":\"aab aab\\n\"}\n{\"text\":\"aab c\\n\"}\n");
  EXPECT_EQ(model({rows}), lines);
  const std::string columns =
      Write("columns.jsonl", "{\"q\":\"aab aab\\n\",\"a\":\"aab c\\n\",\"text\":\"z\"}\n");
  EXPECT_EQ(model({columns, "--text-column", "q,a"}), lines);
  EXPECT_EQ(model({Write("rows.csv", "text\n\"aab aab\n\"\n\"aab c\n\"\n")}), lines);
  ASSERT_EQ(Shell("gzip -k " + text_ + " " + rows).code, 0);
  EXPECT_EQ(model({text_ + ".gz"}), lines);
  EXPECT_EQ(model({rows + ".gz"}), lines);
  const std::string out = folder_ / "out";
  std::filesystem::remove_all(out);
  ASSERT_EQ(Retort({"tokenizer", "train", "-", "--out", out}, ReadFile(text_)).code, 0);
  EXPECT_EQ(ParseJson(ReadFile(out + "/tokenizer.json"), "t")["model"], lines);
}

TEST_F(TokenizerTrainTest, BadRowsAreToldAndSkipped) {
  const std::string rows =
      Write("rows.jsonl", "{\"text\":\"aab\"}\n{\"text\":5}\n[\n{\"text\":\"aab\"}\n");
  const Outcome outcome = Train({rows});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["bad_rows"], 2);
  EXPECT_EQ(outcome.json()["texts"], 2);
  ExpectContains(outcome.err, "rows.jsonl:2: no text in column 'text'");
  ExpectContains(outcome.err, "rows.jsonl:3: ");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/tokenizer.json"));
  const Outcome none = Train({rows, "--text-column", "prompt"});
  EXPECT_EQ(none.code, 1);
  ExpectContains(none.err, "4 rows, none of which could be read");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(TokenizerTrainTest, SaysWhatIsWrong) {
  ExpectContains(Train({folder_ / "missing.txt"}).err, "missing.txt");
  ExpectContains(Train({Write("empty.txt", "")}).err, "the texts hold no word");
  ExpectContains(Train({text_, "--vocab-size", "9"}).err, "expected at least 257");
  ExpectContains(Train({text_, "--special", "<|endoftext|>"}).err, "is there already");
  ExpectContains(Train({text_, "--like", text_}).err, "text.txt");
  EXPECT_EQ(Train({text_, "--kind", "gpt5"}).code, 2);
  EXPECT_EQ(Train({text_, "--vocab-size", "0"}).code, 2);
  EXPECT_EQ(Train({}).code, 2);
  EXPECT_EQ(Retort({"tokenizer", "train", text_}).code, 2);
}

TEST_F(TokenizerTrainTest, AnInterruptLeavesNothing) {
  const Outcome outcome = Shell("cd " + folder_.string() +
                                " && { yes 'a b' | $RETORT tokenizer train - --out never & }; "
                                "while ! ls -d .never* > ls.txt 2>&1; do sleep 0.01; done; "
                                "kill -TERM $!; wait $!; echo $?");
  EXPECT_EQ(outcome.out, "130\n");
  ExpectContains(outcome.err, "interrupted");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find("never"), std::string::npos) << entry.path();
  }
}

TEST_F(TokenizerTrainTest, ThreadsChangeNothing) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919 % 65537) + (i % 9 ? " " : "\n");
  const std::string file = Write("many.txt", text);
  const Json one = Trained({file, "--threads", "1", "--vocab-size", "2000"});
  EXPECT_EQ(Trained({file, "--threads", "3", "--vocab-size", "2000"}), one);
}

}  // namespace
}  // namespace retort::cli::tokenizer_test
