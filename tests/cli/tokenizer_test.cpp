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

}  // namespace
}  // namespace retort::cli::tokenizer_test
