// What holds for every command: versions, help, exit codes, hints.

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::program_test {
namespace {

using ProgramTest = CliTest;

TEST_F(ProgramTest, VersionNamesTheLibrariesThatDecideTheBits) {
  const Outcome outcome = Retort({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.out.starts_with("retort ")) << outcome.out;
  ExpectContains(outcome.out, "instruction set ");
  ExpectContains(outcome.out, "compiler ");
}

TEST_F(ProgramTest, HelpListsEveryCommandOnStandardOutput) {
  const Outcome outcome = Retort({"--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* command : {"score", "generate", "traces", "inspect"}) {
    ExpectContains(outcome.out, command);
  }
  const Outcome flags = Retort({"traces", "list", "--help"});
  EXPECT_EQ(flags.code, 0);
  ExpectContains(flags.out, "--min-reward");
  ExpectContains(flags.out, "default 20");
}

TEST_F(ProgramTest, EveryReaderOfJsonIsBounded) {
  const std::string deep(60000, '[');  // a longer word does not fit a command line
  const std::string file = Write("deep.json", deep), rows = Write("rows.jsonl", deep + "\n{}\n");
  std::filesystem::create_directories(folder_ / "model");
  Write("model/config.json", "{\"a\":" + deep);
  const std::string model = folder_ / "model";
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"run", file},
           {"run", "quickstart", "--set", "models=" + deep, "--out", folder_ / "out"},
           {"run", "quickstart", "--set", ReplaceAll(deep, "[", "a.") + "a=1"},
           {"recipe", "show", file},
           {"inspect", model},
           {"score", rows},
           {"score", rows, "--panel", deep},
           {"score", rows, "--option", "extraction=" + deep},
           {"score", Write("good.jsonl", "{\"answer\":1,\"response\":\"1\"}\n"), "--compare", rows},
           {"generate", model, "--prompts", rows},
           {"eval", model, "--file", rows},
           {"distill", rows, "--student", "{\"a\":" + deep}}) {
    const Outcome outcome = Retort(arguments);
    EXPECT_TRUE(outcome.code == 1 || outcome.code == 2) << arguments[0] << " " << outcome.code;
    ExpectContains(outcome.err, "deeper than 512");
  }
}

TEST_F(ProgramTest, UsageErrorsExitWithTwoAndNameTheNearest) {
  const auto expect = [&](const std::vector<std::string>& arguments, const std::string& message) {
    const Outcome outcome = Retort(arguments);
    EXPECT_EQ(outcome.code, 2) << message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("retort: error: ")) << outcome.err;
    ExpectContains(outcome.err, message);
    ExpectContains(outcome.err, "--help'");
  };
  expect({"help", "scoer"}, "unknown command 'scoer'. Did you mean 'score'?");
  expect({"help", "traces", "lits"}, "unknown command 'lits'. Did you mean 'list'?");
  expect({"--jsno"}, "unknown flag '--jsno'");
  expect({"scoer"}, "unknown command 'scoer'. Did you mean 'score'?");
  expect({"traces", "lits", "x.db"}, "unknown command 'lits'. Did you mean 'list'?");
  expect({"score", "x.jsonl", "--lable", "a"}, "unknown flag '--lable'. Did you mean '--label'?");
  expect({"score"}, "FILE");
  expect({"score", "x.jsonl", "--threads", "many"}, "--threads");
  expect({"score", "x.jsonl", "--threads", "-1"}, "--threads");
  expect({"score", "x.jsonl", "--option", "noequals"}, "KEY=VALUE");
  expect({"traces", "list", "x.db", "--min-length", "-5"}, "--min-length");
  expect({"traces", "list", "x.db", "--min-length", "short"}, "--min-length");
  expect({"generate", "m", "--prompt", "x", "--temperature", "1000"}, "--temperature");
  expect({"generate", "m"}, "--prompt TEXT, --file FILE or --prompts FILE");
  expect({"score", "x.jsonl", "--limit", "1e999"}, "--limit: got 1e999");
  expect({"traces", "list", "x.db", "--json=maybe"}, "--json: got 'maybe', expected true or false");
  expect({"traces", "list", "x.db", "--stage"}, "--stage: needs a value");
  expect({"traces", "show", "x.db", "1", "two"}, "ID[1]: got \"two\", expected an integer");
  expect({"traces", "show", "x.db", "99999999999999999999"}, "expected an integer");
  expect({"completion", "tcsh"}, "expected one of bash, zsh, fish");
  expect({"eval", "m", "--template", "sort"}, "Did you mean 'short'?");
}

TEST_F(ProgramTest, AloneItPrintsHelp) {
  const Outcome alone = Retort({});
  EXPECT_EQ(alone.code, 0);
  EXPECT_EQ(alone.out, Retort({"--help"}).out);
  EXPECT_EQ(Retort({"traces"}).out, Retort({"traces", "--help"}).out);
}

TEST_F(ProgramTest, HelpAndVersionAreCommandsToo) {
  EXPECT_EQ(Retort({"help"}).out, Retort({"--help"}).out);
  EXPECT_EQ(Retort({"help", "traces", "list"}).out, Retort({"traces", "list", "-h"}).out);
  const std::string version = Retort({"--version"}).out;
  EXPECT_EQ(Retort({"-V"}).out, version);
  EXPECT_EQ(Retort({"version"}).out, version);
}

TEST_F(ProgramTest, EverySwitchTakesNoAndAValue) {
  const std::string file = Write("a.jsonl", R"({"answer": "1", "response": "1"})");
  const std::string table = Retort({"recipe", "list"}).out;
  EXPECT_TRUE(Retort({"recipe", "list", "--json"}).out.starts_with("{"));
  EXPECT_TRUE(Retort({"recipe", "list", "--json=true"}).out.starts_with("{"));
  EXPECT_EQ(Retort({"recipe", "list", "--no-json"}).out, table);
  EXPECT_EQ(Retort({"recipe", "list", "--json=false"}).out, table);
  EXPECT_EQ(Retort({"recipe", "list", "--json", "--no-json"}).out, table);
  EXPECT_TRUE(Retort({"recipe", "list", "--no-json", "--json"}).out.starts_with("{"));
}

TEST_F(ProgramTest, AListTakesSeveralValuesAfterOneFlag) {
  const auto count = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> words{"recipe", "check", "--json"};
    words.insert(words.end(), settings.begin(), settings.end());
    const Outcome outcome = Retort(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json()["hash"];
  };
  const Json both = count({"quickstart", "--set", "seed=5", "--set", "dtype=bfloat16"});
  EXPECT_EQ(count({"--set", "seed=5", "dtype=bfloat16", "quickstart"}), both);
  EXPECT_EQ(count({"quickstart", "--set", "seed=5", "dtype=bfloat16"}), both);
  EXPECT_EQ(count({"--set", "seed=5", "dtype=bfloat16", "quickstart", "--no-json", "--json"}),
            both);
  EXPECT_EQ(count({"--set", "seed=5", "--json", "quickstart", "--set=dtype=bfloat16"}), both);
  EXPECT_NE(count({"quickstart", "--set", "seed=5"}), both);
}

TEST_F(ProgramTest, LibrariesDoNotSpeakToUsers) {
  const std::filesystem::path locked = folder_ / "locked";
  std::filesystem::create_directory(locked);
  const std::string model = folder_ / "model";
  std::filesystem::create_directory(model);
  for (const char* config : {"[]", "{}", "{\"model_type\": 3}", "\"x\"", "{\"model_type\": [",
                             "{\"model_type\": \"qwen3\", \"hidden_size\": \"a\"}",
                             "{\"model_type\": \"qwen3\", \"hidden_size\": 1e999}",
                             "{\"model_type\": \"qwen3\", \"rope_scaling\": 7}"}) {
    Write("model/config.json", config);
    const Outcome outcome = Retort({"inspect", model});
    EXPECT_EQ(outcome.code, 1) << config;
    for (const char* leak :
         {"std::", "nlohmann", "json.exception", "type_error", "stoll", "CLI", "fault of retort"}) {
      EXPECT_EQ(outcome.err.find(leak), std::string::npos) << config << ": " << outcome.err;
    }
    ExpectContains(outcome.err, "config.json");
  }
}

TEST_F(ProgramTest, MemoryThatIsNotThereIsNamedInPlainWords) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves more than the limit";
#endif
  const std::string script = "ulimit -v 400000; " + Program() +
                             " bench train --shape M --repeat 1 2> " + (folder_ / "err").string();
  EXPECT_EQ(WEXITSTATUS(std::system(script.c_str())), 1);
  ExpectContains(ReadFile(folder_ / "err"), "out of memory while running 'retort bench train'");
}

TEST_F(ProgramTest, FlagsTakeUnderscoresToo) {
  const std::string file = Write("a.jsonl", "{}\n");
  const Outcome outcome = Retort({"traces", "list", file, "--min_length=3", "--max_step", "9"});
  EXPECT_EQ(outcome.code, 1);  // understood; only the file is not a database
  ExpectContains(outcome.err, "a.jsonl");
}

TEST_F(ProgramTest, AFullDiskUnderStandardOutputIsAFailure) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const std::string file = Write("a.jsonl", R"({"answer": "1", "response": "1"})");
  const std::string script =
      Program() + " score " + file + " --json > /dev/full 2> " + (folder_ / "err").string();
  const int status = std::system(script.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  ExpectContains(ReadFile(folder_ / "err"), "standard output");
}

}  // namespace
}  // namespace retort::cli::program_test
