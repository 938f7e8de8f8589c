// What reaches a terminal: no control byte of a model, nothing wider than its window.

#include "cli/parts/terminal.h"

#include "base/strings.h"
#include "datasets/trace_store.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/pty.h"
#include "tests/cli/tiny_model.h"
#include "tests/support/trace_step.h"

namespace retort::cli::terminal_test {
namespace {

using datasets::TraceStore;

constexpr const char* kHostile =
    "a\x1b]0;owned\x07\x1b[2J\r\x7f \xC2\x9B"
    "31m \xff ä\n\tb";

class TerminalTest : public CliTest {
 protected:
  /// `retort ARGUMENTS…` on a terminal: all that it writes there.
  std::string OnTerminal(std::vector<std::string> words, unsigned short columns = 80) const {
    words.insert(words.begin(), Program());
    Pty terminal(std::move(words), columns);
    const std::string text = terminal.UntilEnd();
    terminal.Wait();
    return ReplaceAll(ReplaceAll(text, "\r\n", "\n"), "\r\x1b[K", "");  // what the bar writes
  }

  void StoreHostileTraces() const {
    TraceStore store(folder_ / "traces.db", TraceStore::Mode::kWrite);
    const int64_t run = store.CreateRun("first", {{"name", "first"}});
    TraceStep record{{run, 0, 1}, "grpo", {}, {}};
    Trace trace;
    trace.problem.prompt = kHostile;
    trace.problem.answer = kHostile;
    trace.trajectory.prompt = {1};
    trace.trajectory.completion = {3};
    trace.trajectory.logprobs = {-1};
    trace.text = kHostile;
    trace.verdicts = {{"math", {VerdictStatus::kWrong, 0, kHostile, kHostile}}};
    record.traces.push_back(trace);
    store.AppendStep(record);
  }

  static void ExpectNoControls(const std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const bool c1 =
          byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
      ASSERT_FALSE((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F || c1)
          << "byte " << static_cast<int>(byte) << " in:\n"
          << Spelled(text);
    }
    EXPECT_TRUE(IsUtf8(text));
  }
};

TEST_F(TerminalTest, ControlCharactersAreSpelled) {
  EXPECT_EQ(Spelled(kHostile), "a\\x1b]0;owned\\x07\\x1b[2J\\x0d\\x7f \\u009b31m \\xff ä\n\tb");
  // What turns the direction of writing makes a text look like another one.
  EXPECT_EQ(Spelled("a\u202Eb\u202A\u202C\u2066\u2069\u200E\u200F\u061C"),
            "a\\u202eb\\u202a\\u202c\\u2066\\u2069\\u200e\\u200f\\u061c");
  EXPECT_EQ(Spelled("\u2029\u202F\u2065\u206A\u200D\u061B"),
            "\u2029\u202F\u2065\u206A\u200D\u061B");      // their neighbours
  EXPECT_EQ(Spelled("\xF0\x9F\x98"), "\\xf0\\x9f\\x98");  // cut off
}

TEST_F(TerminalTest, NoCommandDrivesTheTerminal) {
  StoreHostileTraces();
  const std::string db = folder_ / "traces.db";
  const std::vector<std::vector<std::string>> commands{
      {"traces", "show", db, "1"},
      {"traces", "show", db, "1", "--json"},
      {"traces", "list", db},
      {"traces", "export", db},
      {"traces", "sql", db, "SELECT text, prompt FROM traces"},
      {"traces", "sql", db, "SELECT text FROM traces", "--json"},
      {"traces", "list", db, "--stage", kHostile},
      {"traces", "list", folder_ / "\x1b[2J.db"},
      {"score", "--explain", "--gold", "1", "--response-text", kHostile},
      {kHostile},
  };
  for (const auto& command : commands) {
    SCOPED_TRACE(Join(command, " "));
    const std::string text = OnTerminal(command);
    ASSERT_FALSE(text.empty());
    ExpectNoControls(text);
  }
  ExpectContains(OnTerminal(commands[0]), "\\x1b[2J");
}

TEST_F(TerminalTest, WhatAModelSaysIsSpelledOnATerminalAndExactInAFile) {
  SaveTinyDense(folder_ / "model");
  const std::vector<std::string> command{"generate", folder_ / "model",         "--prompt", "1+1",
                                         "2+2",      "--max-completion-length", "300"};
  const std::string shown = OnTerminal(command);
  ExpectNoControls(shown);
  const Outcome exact = Retort(command);
  EXPECT_FALSE(IsUtf8(exact.out));  // an untrained model says anything
  ExpectContains(shown, Spelled(ReplaceAll(exact.out.substr(0, 200), "\r\n", "\n")).substr(0, 60));
}

TEST_F(TerminalTest, PipesGetStoredTextAsItIs) {
  StoreHostileTraces();
  ExpectContains(Retort({"traces", "show", folder_ / "traces.db", "1"}).out, "\x1b]0;owned\x07");
}

TEST_F(TerminalTest, TablesAndHelpFitTheWindow) {
  StoreHostileTraces();
  for (const auto& command :
       std::vector<std::vector<std::string>>{{"traces", "list", folder_ / "traces.db"},
                                             {"traces", "stats", folder_ / "traces.db"},
                                             {"recipe", "list"},
                                             {"eval", "--help"},
                                             {"traces"}}) {
    for (const int columns : {60, 80, 100}) {
      for (const std::string& line :
           Split(OnTerminal(command, static_cast<unsigned short>(columns)), '\n')) {
        size_t width = 0;
        for (const char c : line) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        EXPECT_LE(width, static_cast<size_t>(columns)) << line;
      }
    }
  }
}

}  // namespace
}  // namespace retort::cli::terminal_test
