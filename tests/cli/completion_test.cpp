// Completions and the manual page, which are made of the same definitions as the flags.

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::completion_test {
namespace {

bool Installed(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

class CompletionTest : public CliTest {
 protected:
  /// Runs a shell script in the test's folder and returns what it prints.
  std::string Shell(const std::string& shell, const std::string& script) const {
    const std::string out = folder_ / "shell.out", file = Write("script", script);
    const int status = std::system(
        ("cd " + folder_.string() + " && " + shell + " " + file + " > " + out + " 2>&1").c_str());
    EXPECT_EQ(status, 0) << ReadFile(out);
    return ReadFile(out);
  }
  std::string Script(const std::string& shell) const {
    const Outcome outcome = Retort({"completion", shell});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Write("completion." + shell, outcome.out);
  }
  /// What bash offers after these words, the last of which is being typed.
  std::string Bash(const std::vector<std::string>& words) const {
    std::string quoted;
    for (const std::string& word : words) quoted += "'" + word + "' ";
    return Shell("bash", "source " + Script("bash") + "\nCOMP_WORDS=(retort " + quoted +
                             ")\nCOMP_CWORD=" + std::to_string(words.size()) +
                             "\n_retort\necho \"${COMPREPLY[*]}\"\n");
  }
};

TEST_F(CompletionTest, BashCompletes) {
  Shell("bash -n", ReadFile(Script("bash")));
  EXPECT_EQ(Bash({"tra"}), "traces\n");
  EXPECT_EQ(Bash({"traces", "s"}), "stats show select sql\n");
  EXPECT_EQ(Bash({"traces", "list", "runs/zero", "--min-r"}), "--min-reward\n");
  EXPECT_EQ(Bash({"traces", "list", "--js"}), "--json\n");
  EXPECT_EQ(Bash({"traces", "list", "--no-js"}), "--no-json\n");
  EXPECT_EQ(Bash({"generate", "m", "--dtype", "bf"}), "bfloat16\n");
  EXPECT_EQ(Bash({"generate", "m", "--dtype", "=", "bf"}), "bfloat16\n");
  EXPECT_EQ(Bash({"generate", "m", "--max-new"}), "--max-new-tokens\n");
  EXPECT_EQ(Bash({"chat", "m", "--chat-template-file", "x"}), "\n");
  EXPECT_EQ(Bash({"eval", "m", "--template", ""}), "auto short r1_zero chat\n");
  EXPECT_EQ(Bash({"run", "r1-zero-m"}), "r1-zero-mini\n");
  EXPECT_EQ(Bash({"run", "quickstart", "--out", "r"}), "\n");  // left to file names
  EXPECT_EQ(Bash({"completion", "f"}), "fish\n");
}

TEST_F(CompletionTest, ZshTakesItsScript) {
  if (!Installed("zsh")) GTEST_SKIP() << "no zsh here";
  const std::string script = Script("zsh");
  Shell("zsh -n", ReadFile(script));
  // Stands in for the completion system, to see what would be offered.
  const std::string offered = Shell(
      "zsh -f", "compdef() { : }\nsource " + script +
                    "\n_describe() { print -l -- ${(P)${@[-1]}} }\n_files() { : }\n"
                    "words=(retort traces list x --min-r); CURRENT=5; PREFIX=--min-r\n_retort\n");
  ExpectContains(offered, "--min-reward:Lowest reward\n");
  EXPECT_EQ(offered.find("--min-p"), std::string::npos);
}

TEST_F(CompletionTest, FishCompletes) {
  if (!Installed("fish")) GTEST_SKIP() << "no fish here";
  const std::string script = Script("fish");
  const auto complete = [&](const std::string& line) {
    return Shell("fish --no-config", "source " + script + "\ncomplete -C '" + line + "'\n");
  };
  ExpectContains(complete("retort tra"), "traces\tLook into a trace database\n");
  ExpectContains(complete("retort traces list x --min-r"), "--min-reward\tLowest reward\n");
  ExpectContains(complete("retort generate m --dtype bfl"), "bfloat16");
  ExpectContains(complete("retort run r1-zero-m"), "r1-zero-mini");
}

TEST_F(CompletionTest, TheManualPageHasEveryCommandAndIsGoodRoff) {
  const Outcome outcome = Retort({"man"});
  ASSERT_EQ(outcome.code, 0);
  for (const char* text : {".TH RETORT 1", ".SH NAME", "retort traces list", "retort eval",
                           "\\-\\-min\\-reward", ".SH EXIT STATUS"}) {
    ExpectContains(outcome.out, text);
  }
  if (!Installed("groff")) GTEST_SKIP() << "no groff here";
  const std::string page = Write("retort.1", outcome.out);
  EXPECT_EQ(Shell("bash", "groff -man -Tutf8 -ww -z " + page), "");
  ExpectContains(Shell("bash", "groff -man -Tascii -P-c -P-b -P-u " + page), "--min-reward N");
}

}  // namespace
}  // namespace retort::cli::completion_test
