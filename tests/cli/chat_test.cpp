// retort chat: fed by a program, and on a terminal.

#include <csignal>
#include <cstring>
#include <thread>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/pty.h"
#include "tests/cli/tiny_model.h"

namespace retort::cli::chat_test {
namespace {

class ChatTest : public CliTest {
 protected:
  static void SetUpTestSuite() {
    temporary_ = std::make_unique<TemporaryFolder>();
    SaveTinyChat(temporary_->path() / "model");
  }
  static void TearDownTestSuite() { temporary_.reset(); }
  static std::string Model() { return temporary_->path() / "model"; }

  Outcome Chat(const std::string& input, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"chat", Model(), "-n", "16"});
    return Retort(flags, input);
  }
  std::string Said(const std::string& input, const std::vector<std::string>& flags = {}) const {
    const Outcome outcome = Chat(input, flags);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
  std::string Saved(const std::string& name = "saved.json") const { return folder_ / name; }
  /// The messages that a chat leaves.
  Json Messages(const std::string& input, const std::vector<std::string>& flags = {}) const {
    std::filesystem::remove(Saved());
    Said(input + "\n/save " + Saved() + "\n", flags);
    return ParseJson(ReadFile(Saved()), "saved");
  }
  static Json Message(const char* role, const Json& content) {
    return {{"role", role}, {"content", content}};
  }

  static inline std::unique_ptr<TemporaryFolder> temporary_;
};

TEST_F(ChatTest, EachLineIsAMessageAndTheAnswersAreAllThatIsPrinted) {
  const Outcome outcome = Chat("Hi\n\nAnd then?\r\nlast", {"--verbose=false"});
  ASSERT_EQ(outcome.code, 0);
  EXPECT_TRUE(IsUtf8(outcome.out));
  const Json messages = Messages("Hi\n\nAnd then?\r\nlast");
  ASSERT_EQ(messages.size(), 6u);
  std::string answers;
  for (size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i]["role"], i % 2 == 0 ? "user" : "assistant");
    if (i % 2 == 1) answers += messages[i]["content"].get<std::string>() + "\n";
  }
  EXPECT_EQ(messages[2]["content"], "And then?");
  EXPECT_EQ(messages[4]["content"], "last");
  EXPECT_EQ(outcome.out, answers);
  ExpectContains(outcome.err, "the answer ends after 16 tokens (--max-completion-length)");
  EXPECT_EQ(outcome.err.find(">>>"), std::string::npos);
  EXPECT_EQ(Chat("").code, 0);
}

// Whatever is in the cache: the ids of the whole conversation, given to generate.
TEST_F(ChatTest, EveryAnswerIsThatOfAFreshModel) {
  const std::vector<std::string> greedy{"--greedy", "--system", "Be brief."};
  const Json messages = Messages("Hi\nAnd then?\nEnd", greedy);
  ASSERT_EQ(messages.size(), 7u);
  for (size_t i = 2; i < messages.size(); i += 2) {
    Json before = Json::array();
    for (size_t k = 0; k < i; ++k) before.push_back(messages[k]);
    const Outcome rendered =
        Retort({"tokenizer", "render", Model(), "--add-generation-prompt"}, ToJsonLine(before));
    ASSERT_EQ(rendered.code, 0) << rendered.err;
    const std::string prompt = rendered.out.substr(0, rendered.out.size() - 1);
    const Outcome fresh = Retort({"generate", Model(), "--template", "none", "-p", prompt, "-n",
                                  "16", "--greedy", "--skip-special-tokens"});
    EXPECT_EQ(fresh.out, messages[i]["content"].get<std::string>() + "\n") << fresh.err;
  }
}

TEST_F(ChatTest, EveryFlagCounts) {
  const std::string plain = Said("Hi\n");
  EXPECT_EQ(Said("Hi\n"), plain);
  EXPECT_EQ(Said("Hi\n", {"-t", "2"}), plain);
  EXPECT_NE(Said("Hi\n", {"--seed", "1"}), plain);
  EXPECT_NE(Said("Hi\n", {"-sys", "Be kind."}), plain);
  EXPECT_EQ(Said("Hi\n", {"--system", "Be kind."}), Said("Hi\n", {"--system-prompt", "Be kind."}));
  const std::string greedy = Said("Hi\n", {"--greedy"});
  EXPECT_NE(greedy, plain);
  EXPECT_EQ(Said("Hi\n", {"--temp", "0"}), greedy);
  EXPECT_EQ(Said("Hi\n", {"--top-k", "1"}), greedy);
  EXPECT_EQ(Said("Hi\n", {"--top-p", "0"}), greedy);
  EXPECT_EQ(Said("Hi\n", {"--min-p", "1"}), greedy);
  for (const char* flag : {"--repetition-penalty=9", "--presence-penalty=9",
                           "--frequency-penalty=9", "--dtype=q8_0"}) {
    EXPECT_NE(Said("Hi\n", {flag}), plain) << flag;
  }
  EXPECT_NE(Said("Hi\n", {"-n", "400", "--ignore-eos", "--cache-dtype=bfloat16"}),
            Said("Hi\n", {"-n", "400", "--ignore-eos"}));
  EXPECT_EQ(Said("Hi\n", {"--repeat-penalty=9"}), Said("Hi\n", {"--repetition-penalty=9"}));
  EXPECT_TRUE(Said("Hi\n", {"--predict", "30"}).starts_with(plain.substr(0, plain.size() - 1)));
  EXPECT_GT(Said("Hi\n", {"--predict", "30"}).size(), plain.size());
  const std::string stop = plain.substr(0, 1);
  EXPECT_LT(Said("Hi\n", {"--stop", stop}).size(), plain.size());
  const std::string upper =
      Write("other.jinja", "{% for m in messages %}{{ m.content | upper }}{% endfor %}");
  EXPECT_NE(Said("Hi\n", {"--chat-template-file", upper}), plain);
  EXPECT_EQ(Chat("Hi\n", {"--greedy", "--temperature", "1"}).code, 2);
}

TEST_F(ChatTest, TheFolderSaysWhereAnAnswerEnds) {
  const auto folder = folder_ / "model";
  SaveTinyChat(folder);
  const auto said = [&](const std::vector<std::string>& flags = {}) {
    std::vector<std::string> words{"chat", folder, "--greedy", "-n", "12"};
    words.insert(words.end(), flags.begin(), flags.end());
    return Retort(words, "Hi\n");
  };
  const Outcome free = said();
  const Outcome ids = Retort({"tokenizer", "encode", folder, "--json"},
                             ToJsonLine(free.out.substr(0, free.out.size() - 1)));
  const auto all = ParseJson(ids.out, "ids").get<std::vector<int>>();
  WriteFileAtomic(folder / "generation_config.json",
                  ToJsonLine({{"eos_token_id", {263, all.at(1)}}}));
  EXPECT_LT(said().out.size(), free.out.size());
  ExpectContains(said({"-v"}).err, "(the folder's)");
  EXPECT_GE(said({"--ignore-eos"}).out.size(), free.out.size());
}

TEST_F(ChatTest, ManyLinesAreOneMessage) {
  const Json messages = Messages("a\\\nb\\\n c\n\"\"\"\nx\n  y\nz\"\"\"\n\"\"\"one\"\"\"\nplain\n");
  ASSERT_EQ(messages.size(), 8u);
  EXPECT_EQ(messages[0]["content"], "a\nb\n c");
  EXPECT_EQ(messages[2]["content"], "x\n  y\nz");
  EXPECT_EQ(messages[4]["content"], "one");
  EXPECT_EQ(messages[6]["content"], "plain");
}

TEST_F(ChatTest, CommandsChangeTheConversation) {
  const Json two = Messages("A\nB\n");
  EXPECT_EQ(Messages("A\nX\n/undo\nB\n"), two);
  EXPECT_EQ(Messages("X\n/clear\nA\nB\n"), two);
  const Json again = Messages("A\nB\n/regen\n");
  ASSERT_EQ(again.size(), 4u);
  EXPECT_NE(again[3], two[3]);
  EXPECT_EQ(again[1], two[1]);
  EXPECT_NE(Messages("A\nB\n/regen\n/regen\n")[3], again[3]);
  EXPECT_EQ(Messages("A\nB\n/regen\n"), again);
  const Json kind = Messages("/system Be kind.\nA\nB\n");
  EXPECT_EQ(kind, Messages("A\nB\n", {"--system", "Be kind."}));
  EXPECT_EQ(kind[0], Message("system", "Be kind."));
  EXPECT_EQ(Messages("/system\nA\nB\n", {"--system", "Be kind."}), two);
  EXPECT_EQ(Messages("X\n/clear\nA\nB\n", {"--system", "Be kind."}), kind);  // it stays
  EXPECT_EQ(Messages("/set temp 0\nA\n"), Messages("A\n", {"--greedy"}));
  EXPECT_EQ(Messages("/set seed 5\nA\n"), Messages("A\n", {"--seed", "5"}));
  EXPECT_EQ(Messages("/set max-new-tokens 3\nA\n"), Messages("A\n", {"-n", "3"}));
  EXPECT_EQ(Messages("A\nB\n/help\n/params\n"), two);
  EXPECT_EQ(Messages(" /undo\n")[0]["content"], " /undo");
  for (const char* end : {"/quit", "/exit", "/bye"}) {
    EXPECT_EQ(Said(StrCat("A\n", end, "\nB\n")), Said("A\n"));
  }
  const Outcome help = Chat("/help\n/params\n");
  for (const char* part : {"/regen", "/save FILE", "\"\"\"", "min_p 0.0 (generation_config.json)",
                           "presence_penalty 0.0 (default)", "max_completion_length 16 (you)",
                           "ends at 261 </answer>, 256 <|end|>", "seed 0", "context 1048576"}) {
    ExpectContains(help.err, part);
  }
  EXPECT_EQ(help.out, "");
}

TEST_F(ChatTest, WhatCannotBeDoneIsSaidAndEndsAScript) {
  const auto expect = [&](const std::string& input, const std::string& message) {
    const Outcome outcome = Chat(input + "\nA\n");
    EXPECT_EQ(outcome.code, 1) << input;
    ExpectContains(outcome.err, message);
    EXPECT_EQ(outcome.out, "");
  };
  expect("/sett temp 0", "there is no command '/sett'. Did you mean '/set'?");
  expect("/set tempp 0", "there is no option 'tempp'. Did you mean 'temp'?");
  expect("/set temperature hot", "temperature");
  expect("/set", "NAME VALUE");
  expect("/undo", "nothing has been said");
  expect("/regen", "nothing has been asked");
  expect("/save", "needs the name");
  expect("/load", "needs the name");
  expect("/load " + (folder_ / "nowhere.json").string(), "nowhere.json");
  expect("/load " + Write("text.json", "\"hi\""), "expected a list of messages");
  expect("/load " + Write("half.json", R"([{"role": "user"}])"), "message 1");
}

TEST_F(ChatTest, AConversationIsSavedAndGoneOnWith) {
  const Json whole = Messages("A\nB\nC\n");
  EXPECT_EQ(Messages("A\nB\n").size(), 4u);
  const std::string file = Write("half.json", ReadFile(Saved()));
  EXPECT_EQ(Messages("C\n", {"--load", file}), whole);
  EXPECT_EQ(Messages("X\n/load " + file + "\nC\n"), whole);
  const std::string wrapped =
      Write("wrapped.json", ToJsonLine({{"messages", ParseJson(ReadFile(file), "f")}}));
  EXPECT_EQ(Messages("C\n", {"--load", wrapped}), whole);
  // A question at the end is answered at once.
  Json asked = whole;
  asked.erase(asked.begin() + 5);
  EXPECT_EQ(Messages("", {"--load", Write("asked.json", ToJsonLine(asked))}), whole);
  // Files of others stay.
  const std::string theirs = Write("theirs.json", "[]");
  const Outcome refused = Chat("A\n/save " + theirs + "\n");
  EXPECT_EQ(refused.code, 1);
  ExpectContains(refused.err, "is there already");
  EXPECT_EQ(ReadFile(theirs), "[]");
  const std::string own = Saved("own.json");
  EXPECT_EQ(Chat("A\n/save " + own + "\nB\n/save " + own + "\n").code, 0);
  EXPECT_EQ(ParseJson(ReadFile(own), "own").size(), 4u);
}

TEST_F(ChatTest, AFullContextIsSaidAndTheOldestTurnsGo) {
  const std::vector<std::string> small{"--ctx-size", "120", "--system", "Be brief."};
  const Outcome outcome = Chat("first\nsecond\nthird\n/params\n", small);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  ExpectContains(outcome.err,
                 "outgrown the context of 120 tokens: the model no longer sees the "
                 "first question and its answer");
  ExpectContains(outcome.err, "context 120");
  // The model is asked what is left, behind the system message; all is still there to be saved.
  std::vector<std::string> greedy = small;
  greedy.push_back("--greedy");
  const Json all = Messages("first\nsecond\nthird\n", greedy);
  ASSERT_EQ(all.size(), 7u);
  const Json seen{all[0], all[3], all[4], all[5]};
  const std::string file = Write("seen.json", ToJsonLine(seen));
  EXPECT_EQ(Messages("", {"--load", file, "--greedy"})[4], all[6]);

  const Outcome too_long = Chat("short\n" + std::string(200, 'x') + "\n", small);
  EXPECT_EQ(too_long.code, 1);
  ExpectContains(too_long.err, "but only 105 fit into the context beside the answer");
  const Outcome cut = Retort({"chat", Model(), "-c", "40"}, "Hi\n");
  EXPECT_EQ(cut.code, 0);
  ExpectContains(cut.err, "the answer ends where the context of 40 tokens does");
}

TEST_F(ChatTest, NothingThatIsSaidBecomesASpecialToken) {
  // The end of a turn within a message would otherwise end it.
  const Outcome plain = Chat("a<|end|>b\n", {"-v"});
  ExpectContains(plain.err, "prompt: 27 tokens");  // <user>, 9 bytes, <|end|>, <assistant>
}

TEST_F(ChatTest, ReasoningIsShownOrLeftOut) {
  const auto folder = folder_ / "thinks";
  SaveTinyChat(folder, StrCat(kTinyChat, "{% if add_generation_prompt %}<think>{% endif %}"));
  int answers = 0, thoughts = 0;
  for (const char* seed : {"0", "1", "2", "3", "4", "5"}) {
    const auto said = [&](const char* flag) {
      std::filesystem::remove(Saved(flag));
      return Retort({"chat", folder, "-n", "100", "--seed", seed, flag},
                    "Hi\n/save " + Saved(flag) + "\n");
    };
    const Outcome shown = said("--show-thinking"), hidden = said("--no-show-thinking");
    EXPECT_EQ(ReadFile(Saved("--show-thinking")), ReadFile(Saved("--no-show-thinking")));
    const size_t close = shown.out.find("</think>");
    if (shown.out.find("<think>") != std::string::npos) continue;  // and it begins once more
    ++(close == std::string::npos ? thoughts : answers);
    const std::string answer =
        close == std::string::npos ? "\n" : shown.out.substr(close + std::strlen("</think>"));
    const size_t begin = std::min(answer.find_first_not_of(" \n"), answer.size() - 1);
    EXPECT_EQ(hidden.out, answer.substr(begin)) << shown.out;
  }
  EXPECT_GT(answers + thoughts, 1);
}

TEST_F(ChatTest, ModelsWithoutATemplateAreNoOnesToTalkTo) {
  const auto folder = folder_ / "base";
  SaveTinyChat(folder);
  std::filesystem::remove(folder / "chat_template.jinja");
  const auto path = folder / "tokenizer_config.json";
  Json config = ParseJson(ReadFile(path), "config");
  config.erase("chat_template");
  WriteFileAtomic(path, config.dump());
  const Outcome outcome = Retort({"chat", folder}, "Hi\n");
  EXPECT_EQ(outcome.code, 1);
  ExpectContains(outcome.err, "retort generate");
  EXPECT_EQ(Retort({"chat", folder_ / "nowhere"}, "Hi\n").code, 1);
  EXPECT_EQ(Retort({"chat"}, "Hi\n").code, 2);
  // Retort's own models have one, without a place for a system message.
  SaveTinyDense(folder_ / "own");
  EXPECT_EQ(Retort({"chat", folder_ / "own", "-n", "4"}, "1+1\n").code, 0);
  const Outcome system = Retort({"chat", folder_ / "own", "-sys", "Be kind."}, "1+1\n");
  EXPECT_EQ(system.code, 1);
  ExpectContains(system.err, "only user and assistant messages are known");
}

TEST_F(ChatTest, CtrlCEndsWhatAProgramFeeds) {
  const pid_t pid = Start({"chat", Model(), "--ignore-eos"}, "Hi\nAnd then?\n");
  for (int i = 0; i < 20000 && ReadFile(folder_ / ".stdout").size() < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill(pid, SIGINT);
  const Outcome outcome = Wait(pid);
  EXPECT_EQ(outcome.code, 130);
  EXPECT_GE(outcome.out.size(), 100u);
  EXPECT_TRUE(outcome.out.ends_with('\n'));
}

class ChatTerminalTest : public ChatTest {
 protected:
  std::vector<std::string> Words(std::vector<std::string> flags = {"-n", "8"}) const {
    flags.insert(flags.begin(), {Program(), "chat", Model()});
    return flags;
  }
  Json Leave(Pty& terminal) const {
    terminal.Type("/save " + Saved() + "\n/quit\n");
    EXPECT_EQ(terminal.Wait(), 0);
    return ParseJson(ReadFile(Saved()), "saved");
  }
};

TEST_F(ChatTerminalTest, CtrlCStopsTheAnswerAndKeepsTheTurn) {
  Pty terminal(Words({"--ignore-eos"}));  // for ever
  terminal.Until(">>> ");
  terminal.Type("Hi\n");
  terminal.Until("Hi\r\n");
  std::string answer;
  while (answer.size() < 200) answer += terminal.Until("e");
  terminal.Type("\x03");
  terminal.Until(">>> ");
  terminal.Type("\x03");  // at the prompt it says how to end
  terminal.Until("/quit ends");
  terminal.Type("/set max_new_tokens 4\nYes\n");
  terminal.Until("the answer ends after 4 tokens");
  const Json messages = Leave(terminal);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_GT(messages[1]["content"].get<std::string>().size(), 50u);
  EXPECT_EQ(messages[2]["content"], "Yes");
}

TEST_F(ChatTerminalTest, CtrlDEndsAndErrorsDoNot) {
  Pty terminal(Words());
  terminal.Until(">>> ");
  terminal.Type("/nonsense\n");
  terminal.Until("there is no command");
  terminal.Until(">>> ");
  terminal.Type("Hi\n");
  terminal.Until("the answer ends after");
  terminal.Until(">>> ");
  terminal.Type("\x04");
  EXPECT_EQ(terminal.Wait(), 0);
}

TEST_F(ChatTerminalTest, LinesAreEditedAndRemembered) {
  {
    Pty terminal(Words());
    terminal.Type("/help\n/quit\n");
    if (terminal.UntilEnd().find("libedit") != std::string::npos) GTEST_SKIP() << "no libedit";
  }
  Pty terminal(Words());
  terminal.Until(">>> ");
  terminal.Type("Hxällo\x1b[D\x1b[D\x1b[D\x1b[D\x7f\x05!\n");  // left, rub out, end of line
  terminal.Until("the answer ends after");
  terminal.Until(">>> ");
  terminal.Type("\x1b[A\n");  // up
  terminal.Until("the answer ends after");
  terminal.Until(">>> ");
  const Json messages = Leave(terminal);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0]["content"], "Hällo!");
  EXPECT_EQ(messages[2]["content"], "Hällo!");
}

TEST_F(ChatTerminalTest, SIGTERMEnds) {
  Pty terminal(Words({"--ignore-eos"}));
  terminal.Until(">>> ");
  terminal.Type("Hi\n");
  terminal.Until("Hi\r\n");
  terminal.Until("e");
  terminal.Kill(SIGTERM);
  EXPECT_EQ(terminal.Wait(), 130);
}

}  // namespace
}  // namespace retort::cli::chat_test
