// Every command that README.md and docs/*.md show is one that works: it is run, on small inputs of
// the names it uses. What trains is read by `retort recipe check` instead; benchmarks, and commands
// with a PLACEHOLDER or without their arguments, are held against the help: such a command exists
// and takes these flags. A line that is none of this fails the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <regex>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::docs_test {
namespace {
namespace fs = std::filesystem;

struct DocCommand {
  std::string file;
  std::string text;
  bool fenced = false;  ///< in a block of shell lines, so it is complete
};

std::vector<fs::path> Documents() {
  const fs::path source = RETORT_SOURCE_DIR;
  std::vector<fs::path> documents{source / "README.md"};
  for (const auto& entry : fs::directory_iterator(source / "docs")) {
    if (entry.path().extension() == ".md") documents.push_back(entry.path());
  }
  return documents;
}

std::string OneSpace(const std::string& text) {
  return std::string(Trim(std::regex_replace(text, std::regex("\\s+"), " ")));
}

/// `prose` gets what is outside of fences, with the texts in backticks.
std::vector<DocCommand> CommandsOf(const fs::path& document, std::string& prose) {
  const std::string file = document.filename().string();
  std::vector<DocCommand> commands;
  std::string fence;
  for (const std::string& line : Split(ReadFile(document), '\n')) {
    if (line.starts_with("```")) {
      fence = fence.empty() ? line : "";
    } else if (fence == "```sh" && !Trim(line).empty()) {
      commands.push_back({file, line, true});
    } else if (fence.empty()) {
      prose += line + "\n";
    }
  }
  const std::regex code("`([^`]+)`");
  for (std::sregex_iterator match(prose.begin(), prose.end(), code), end; match != end; ++match) {
    const std::string text = OneSpace((*match)[1]);
    if (text.starts_with("retort ")) commands.push_back({file, text, false});
  }
  return commands;
}

std::string FirstExample() {
  const std::string page = ReadFile(fs::path(RETORT_SOURCE_DIR) / "docs" / "recipes.md");
  const size_t open = page.find("```\n{"), close = page.find("\n```", open);
  return page.substr(open + 4, close - open - 4);
}

class DocsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Write("mine.json", FirstExample());
    Write("tiny.json", R"({"name": "zero",
      "models": {"policy": {"model_type": "qwen3", "hidden_size": 16, "num_hidden_layers": 1}},
      "stages": [
        {"type": "pretrain", "model": "policy", "steps": 2, "batch_size": 2,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}},
        {"type": "collect", "model": "policy", "max_completion_length": 4,
         "problems": {"generator": {"families": ["addition:1"], "count": 8}}}]})");
    Write("question.txt", "1+1\n");
    Write("questions.txt", "1+1\n2+2\n");
    Write("talk.json", R"([{"role": "user", "content": "1+1"}])");
    ASSERT_EQ(Shell("retort run tiny.json --out runs/zero"), 0) << Errors();
  }

  /// Runs it in the test's folder with the program on the path.
  int Shell(const std::string& line) const {
    const std::string script = "cd " + folder_.string() +
                               " && export PATH=" + fs::path(Program()).parent_path().string() +
                               ":$PATH && { " + line + "\n} > out.txt 2> err.txt < /dev/null";
    const int status = std::system(("bash -c " + Quoted(script)).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  std::string Errors() const { return ReadFile(folder_ / "err.txt"); }
  static std::string Quoted(const std::string& text) {
    return "'" + ReplaceAll(text, "'", "'\\''") + "'";
  }

  /// Files that the command reads, when nothing of that name is there yet.
  void MakeInputs(const DocCommand& command) const {
    const std::regex name("[A-Za-z0-9_-]+\\.jsonl(\\.gz)?|[A-Za-z0-9_-]+\\.csv(\\.gz)?");
    const bool codeio = command.text.find("codeio") != std::string::npos;
    const std::string program = R"j("entry_point": "f", )j"
                                R"j("tests": [{"args": [1], "expected": 2}], )j"
                                R"j("response": "```python\ndef f(x):\n    return x + 1\n```")j";
    const std::string codeio_row =
        R"j({"direction": "input", "language": "python", "refcode": )j"
        R"j("def main_solution(n):\n    return list(range(n))", "input": {"n": 3}, )j"
        R"j("output": [0, 1, 2], "response": "{\"input\": {\"n\": 3}}"})j";
    const std::string code = command.text.find("code") != std::string::npos
                                 ? (codeio ? codeio_row : "{" + program + "}")
                                 : R"({"id": 1, "split": "a", "answer": "1", "gold": "1", )"
                                   R"("response": "1", "text": "so \\boxed{1}", "ok": true, )"
                                   R"("label": true, "prompt": "0+1"})";
    std::string rows = code + "\n";
    if (command.text.find("HumanEval") != std::string::npos) {
      rows = R"j({"task_id": "HumanEval/0", "prompt": "def f(x):\n", "entry_point": "f", )j"
             R"j("canonical_solution": "    return x + 1\n", )j"
             R"j("test": "def check(g):\n    assert g(1) == 2\n"})j"
             "\n";
    } else if (command.text.find("mbpp") != std::string::npos) {
      rows = R"j({"task_id": 1, "text": "Add one.", "code": "def f(x):\n    return x + 1", )j"
             R"j("test_list": ["assert f(1) == 2"]})j"
             "\n";
    }
    for (std::sregex_iterator at(command.text.begin(), command.text.end(), name), end; at != end;
         ++at) {
      const std::string file = at->str();
      const bool written = command.text.find("--out " + file) != std::string::npos;
      if (written) {
        fs::remove(folder_ / file);
        continue;
      }
      const bool csv = file.find(".csv") != std::string::npos, packed = file.ends_with(".gz");
      const std::string plain = packed ? file.substr(0, file.size() - 3) : file;
      Write(plain,
            csv ? "id,split,answer,gold,response,text,ok,label\n1,a,1,1,1,1,true,true\n" : rows);
      EXPECT_TRUE(!packed || Shell("gzip -f " + plain) == 0);
    }
  }

  std::string HelpOf(const std::vector<std::string>& path) const {
    std::vector<std::string> words{"help"};
    words.insert(words.end(), path.begin(), path.end());
    return Retort(words).out;
  }

  /// The command exists and takes these flags.
  void ExpectKnown(const std::string& text) const {
    std::vector<std::string> words = Split(OneSpace(text.substr(0, text.find(" #"))), ' ');
    std::vector<std::string> path;
    std::string help = HelpOf({});
    for (size_t i = 1; i < words.size(); ++i) {
      const bool lower =
          words[i].find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
      if (help.find("\nCommands:\n") == std::string::npos) break;
      if (!lower) {
        EXPECT_TRUE(words[i].starts_with("-") || IsPlaceholder(words[i])) << words[i];
        break;
      }
      path.push_back(words[i]);
      help = HelpOf(path);
      ASSERT_NE(help.find("Usage: retort " + Join(path, " ")), std::string::npos)
          << "there is no command 'retort " << Join(path, " ") << "'";
    }
    for (const std::string& word : words) {
      if (!word.starts_with("--")) continue;
      const std::string flag = word.substr(0, word.find('='));
      const std::string either = "--[no-]" + flag.substr(flag.starts_with("--no-") ? 5 : 2);
      const std::regex also(" Also (--[a-z-]+,\\s+)*" + flag + "[,.]");
      EXPECT_TRUE(help.find("  " + flag + " ") != std::string::npos ||
                  help.find(", " + flag + " ") != std::string::npos ||
                  help.find("  " + either) != std::string::npos ||
                  help.find(", " + either) != std::string::npos || std::regex_search(help, also))
          << "retort " << Join(path, " ") << " has no " << flag;
    }
  }

  static bool IsPlaceholder(const std::string& word) {
    return word.size() > 1 && std::ranges::all_of(word, [](char c) {
             return std::isupper(static_cast<unsigned char>(c)) || std::strchr("_=|…[]{}.,", c);
           });
  }
};

/// Arguments that make a command short, and exit codes that are fine.
struct Kind {
  const char* beginning;
  const char* more;
  int most = 0;
};
constexpr Kind kRun[] = {
    {"retort score ", ""},
    {"retort traces ", ""},
    {"retort inspect ", ""},
    {"retort tokenizer ", ""},
    {"retort recipe ", " > /dev/null"},
    {"retort completion ", ""},
    {"retort man", ""},
    {"retort version", ""},
    {"retort help", ""},
    {"retort sandbox check", "", 1},
    {"retort eval ", " --generator.count 5 --max-completion-length 4"},
    {"retort generate ", " --max-completion-length 4"},
    {"retort chat ", " --max-completion-length 4"},
};

TEST_F(DocsTest, EveryCommandWorks) {
  int ran = 0, known = 0;
  for (const fs::path& document : Documents()) {
    std::string prose;
    for (const DocCommand& command : CommandsOf(document, prose)) {
      SCOPED_TRACE(command.file + ": " + command.text);
      const std::string text = std::string(Trim(command.text.substr(0, command.text.find("  #"))));
      const std::vector<std::string> words = Split(text, ' ');
      if (text.starts_with("./tools/")) {
        const fs::path script = fs::path(RETORT_SOURCE_DIR) / words[0];
        EXPECT_EQ(::access(script.c_str(), X_OK), 0);
        continue;
      }
      const bool open = std::ranges::any_of(words, IsPlaceholder);
      if (text.starts_with("retort bench") || (!command.fenced && (open || words.size() < 3))) {
        ExpectKnown(text);
        ++known;
        continue;
      }
      if (text.starts_with("retort run ") && words[2].starts_with("-")) {  // no recipe is named
        ExpectKnown(text);
        ++known;
        continue;
      }
      ExpectKnown(text);
      if (text.starts_with("retort run ")) {
        const std::string check = std::regex_replace(
            ReplaceAll(text, "retort run ", "retort recipe check "),
            std::regex(" --resume| --(out|threads|judge-threads|profile) \\S+"), "");
        EXPECT_EQ(Shell(check), 0) << Errors();
        ++ran;
        continue;
      }
      const auto kind = std::ranges::find_if(
          kRun, [&](const Kind& k) { return (text + " ").starts_with(k.beginning); });
      if (kind == std::end(kRun)) {
        ADD_FAILURE() << "nobody knows how to test this command";
        continue;
      }
      MakeInputs(command);
      EXPECT_LE(Shell(text + kind->more), kind->most) << Errors();
      ++ran;
    }
  }
  EXPECT_GT(ran, 20);
  EXPECT_GT(known, 5);
}

TEST_F(DocsTest, FilesThatAreNamedExist) {
  const fs::path source = RETORT_SOURCE_DIR;
  // "base/json.h", or "train/policy_loss.*" for a header and its source.
  const std::regex file(
      "`((?:[a-z_0-9-]+/)+[A-Za-z_0-9-]+)\\.(h|cpp|py|sh|txt|md|json|cmake|\\*)`");
  int count = 0;
  for (const fs::path& document : Documents()) {
    if (document.filename() == "lab-log.md") continue;  // tells what was
    const std::string text = ReadFile(document);
    for (std::sregex_iterator at(text.begin(), text.end(), file), none; at != none; ++at) {
      const std::string stem = (*at)[1], ending = (*at)[2];
      if (!fs::is_directory(source / stem.substr(0, stem.find('/')))) continue;
      const fs::path path = source / (stem + "." + (ending == "*" ? "h" : ending));
      EXPECT_TRUE(fs::exists(path)) << document.filename().string() << " names " << path.string();
      ++count;
    }
  }
  EXPECT_GT(count, 30);
}

TEST_F(DocsTest, TheExamplesOfSetFitTheExampleRecipe) {
  std::string prose;
  CommandsOf(fs::path(RETORT_SOURCE_DIR) / "docs" / "recipes.md", prose);
  const size_t begin = prose.find("- `--set KEY=VALUE`"), end = prose.find("\n- ", begin + 1);
  ASSERT_NE(begin, std::string::npos);
  const std::string item = prose.substr(begin, end - begin);
  const std::regex setting("`([a-z_.-]+=[^`]+)`");
  int count = 0;
  for (std::sregex_iterator at(item.begin(), item.end(), setting), none; at != none; ++at) {
    EXPECT_EQ(Shell("retort recipe check mine.json --set " + (*at)[1].str()), 0) << Errors();
    ++count;
  }
  EXPECT_GE(count, 4);
}

}  // namespace
}  // namespace retort::cli::docs_test
