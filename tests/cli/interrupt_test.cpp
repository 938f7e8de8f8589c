// Ctrl-C, SIGTERM and SIGHUP in generate and eval: what is done stays, and going on gives the same
// bytes as never having stopped.

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "base/lock.h"
#include "base/strings.h"
#include "tests/cli/cli_fixture.h"
#include "tests/cli/tiny_model.h"

namespace retort::cli::interrupt_test {
namespace {

constexpr int kPrompts = 700;  // more than are decoded together

class InterruptTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    SaveTinyDense(folder_ / "model");
    std::string rows;
    for (int i = 0; i < kPrompts; ++i) {
      rows += StrCat("{\"prompt\": \"", i, "+1\", \"answer\": \"", i + 1, "\"}\n");
    }
    prompts_ = Write("prompts.jsonl", rows);
  }

  std::vector<std::string> Generate(std::vector<std::string> more) const {
    more.insert(more.begin(), {"generate", folder_ / "model", "--prompts", prompts_, "--samples",
                               "2", "--max-completion-length", "60", "--threads", "1"});
    return more;
  }
  std::vector<std::string> Eval(std::vector<std::string> more) const {
    more.insert(more.begin(), {"eval", folder_ / "model", "--file", prompts_, "--samples", "2",
                               "--max-completion-length", "60", "--threads", "1"});
    return more;
  }

  /// Starts it, waits until `watched` has begun to fill, sends the signal.
  Outcome Interrupt(const std::vector<std::string>& arguments, const std::string& watched,
                    int signal) const {
    const pid_t pid = Start(arguments);
    const auto size = [&]() -> uintmax_t {
      std::error_code error;
      const uintmax_t bytes = std::filesystem::file_size(folder_ / watched, error);
      return error ? 0 : bytes;
    };
    for (int i = 0; i < 20000 && size() < 2000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(pid, signal);
    return Wait(pid);
  }

  /// Waits until the program has signals handled and has computed for a while since: processor
  /// time, whatever else the machine does.
  static void UntilBusy(pid_t pid) {
    const std::string folder = StrCat("/proc/", pid, "/");
    const auto read = [&](const char* name) {  // such a file has no size
      std::ifstream file(folder + name);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto handled = [&] {  // blocked, for whoever waits for them
      const std::string status = read("status");
      const size_t at = status.find("SigBlk:");
      if (at == std::string::npos) return false;
      const uint64_t blocked = std::stoull(status.substr(at + 7), nullptr, 16);
      return (blocked >> (SIGINT - 1) & 1) != 0;
    };
    const auto ticks = [&] {  // of user and system time: the 14th and 15th field
      std::istringstream fields(read("stat"));
      std::string field;
      for (int i = 0; i < 13; ++i) fields >> field;
      int64_t user = 0, system = 0;
      fields >> user >> system;
      return user + system;
    };
    const auto wait = [](const auto& until) {
      for (int i = 0; i < 60'000 && !until(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    };
    wait(handled);
    const int64_t begin = ticks(), second = sysconf(_SC_CLK_TCK);
    wait([&] { return ticks() > begin + second / 2; });
  }

  std::string prompts_;
};

TEST_F(InterruptTest, GenerateLeavesWholePromptsAndSkipGoesOnWithTheSameTokens) {
  const Outcome whole = Retort(Generate({}));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const Outcome first = Interrupt(Generate({}), ".stdout", SIGINT);
  ASSERT_EQ(first.code, 130) << first.err;
  ASSERT_FALSE(first.out.empty());
  const std::string hint = "--skip ";
  const size_t at = first.err.find(hint);
  ASSERT_NE(at, std::string::npos) << first.err;
  const std::string count = first.err.substr(at + hint.size(), first.err.find('.', at) - at - 7);
  ASSERT_LT(std::stoi(count), kPrompts);
  const Outcome rest = Retort(Generate({"--skip", count}));
  EXPECT_EQ(first.out + rest.out, whole.out);
}

TEST_F(InterruptTest, ASingleCompletionIsThereAsFarAsItCame) {
  SaveTinyChat(folder_ / "chat");  // with room for more than anybody waits for
  const Outcome first =
      Interrupt({"generate", folder_ / "chat", "-p", "1", "-n", "1000000", "--ignore-eos"},
                ".stdout", SIGINT);
  ASSERT_EQ(first.code, 130) << first.err;
  ExpectContains(first.err, "interrupted after ");
  EXPECT_TRUE(IsUtf8(first.out));
  const Outcome whole =
      Retort({"generate", folder_ / "chat", "-p", "1", "-n", "500", "--ignore-eos"});
  EXPECT_EQ(first.out.substr(0, 400), whole.out.substr(0, 400));
}

TEST_F(InterruptTest, AnInterruptedDocumentIsStillJson) {
  const Outcome first = Interrupt(Generate({"--json"}), ".stdout", SIGTERM);
  ASSERT_EQ(first.code, 130) << first.err;
  const Json json = first.json();
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_EQ(json["completions"].size() % 2, 0u);  // whole prompts
}

TEST_F(InterruptTest, GenerateGoesOnInItsFile) {
  ASSERT_EQ(Retort(Generate({"--out", folder_ / "whole"})).code, 0);
  const std::string out = folder_ / "out";
  const Outcome first = Interrupt(Generate({"--out", out}), "out.partial", SIGHUP);
  ASSERT_EQ(first.code, 130) << first.err;
  ExpectContains(first.err, "--resume");
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(Retort(Generate({"--out", out})).code, 1);  // would lose what is done
  const Outcome other = Retort(Generate({"--out", out, "--resume", "--seed", "5"}));
  EXPECT_EQ(other.code, 1);
  ExpectContains(other.err, "other flags");
  {  // killed in the middle of a line
    std::ofstream(out + ".partial", std::ios::app) << R"({"item":1,"rows":["half)";
  }
  const Outcome rest = Retort(Generate({"--out", out, "--resume"}));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(ReadFile(out), ReadFile(folder_ / "whole"));
  EXPECT_FALSE(std::filesystem::exists(out + ".partial"));
  EXPECT_EQ(Split(ReadFile(out), '\n').size(), 2u * kPrompts + 1);
  EXPECT_EQ(Retort(Generate({"--out", out, "--resume"})).code, 1);  // nothing to go on with
}

TEST_F(InterruptTest, TwoDoNotWriteOneFile) {
  const std::string out = folder_ / "out";
  for (const bool eval : {false, true}) {
    std::optional<WriterLock> first(std::in_place, folder_ / ".out.lock", out, "retort eval");
    const auto command = [&] { return eval ? Eval({"--out", out}) : Generate({"--out", out}); };
    const Outcome second = Retort(command());
    EXPECT_EQ(second.code, 1);
    ExpectContains(second.err,
                   StrCat(out, ": is being written by retort eval (process ", getpid()));
    EXPECT_FALSE(std::filesystem::exists(out + ".partial"));
  }
}

TEST_F(InterruptTest, APlantedPartialFileIsNotTouched) {
  const std::string out = folder_ / "out", theirs = Write("theirs", "");
  std::filesystem::create_symlink(theirs, out + ".partial");
  for (const auto& command : {Generate({"--out", out}), Eval({"--out", out, "--resume"})}) {
    ExpectContains(Retort(command).err, "out.partial: is a link");
  }
  EXPECT_EQ(ReadFile(theirs), "");
}

TEST_F(InterruptTest, AnInputIsNoOutput) {
  const std::string before = ReadFile(prompts_), config = folder_ / "model" / "config.json";
  for (const std::string& out : {prompts_, config}) {
    for (const auto& command : {Generate({"--out", out}), Eval({"--out", out})}) {
      const Outcome outcome = Retort(command);
      EXPECT_EQ(outcome.code, 1);
      ExpectContains(outcome.err, out + ": is an input of this command");
    }
  }
  EXPECT_EQ(ReadFile(prompts_), before);
}

TEST_F(InterruptTest, EvalPrintsWhatIsDoneAndGoesOn) {
  const Outcome whole = Retort(Eval({"--out", folder_ / "whole", "--json"}));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const std::string out = folder_ / "out";
  const Outcome first = Interrupt(Eval({"--out", out, "--json"}), "out.partial", SIGINT);
  ASSERT_EQ(first.code, 130) << first.err;
  const Json numbers = first.json();
  EXPECT_EQ(numbers["partial"], true);
  EXPECT_GT(numbers["problems"], 0);
  EXPECT_LT(numbers["problems"], kPrompts);
  EXPECT_EQ(numbers["completions"], 2 * numbers["problems"].get<int>());
  const Outcome rest = Retort(Eval({"--out", out, "--json", "--resume"}));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(ReadFile(out), ReadFile(folder_ / "whole"));
  for (const char* key : {"problems", "completions", "accuracy", "mean_completion_length",
                          "finished_share", "families"}) {
    EXPECT_EQ(rest.json()[key], whole.json()[key]) << key;
  }
}

TEST_F(InterruptTest, EvalWithoutAFileSaysThatThereIsNothingToGoOnWith) {
  const pid_t pid = Start(Eval({"--samples", "200"}));
  UntilBusy(pid);
  kill(pid, SIGINT);
  const Outcome outcome = Wait(pid);
  EXPECT_EQ(outcome.code, 130);
  ExpectContains(outcome.out, "partial: ");
  ExpectContains(outcome.err, "--out FILE");
}

TEST_F(InterruptTest, AHangUpThatIsIgnoredAtTheStartStaysIgnored) {
  const auto old = signal(SIGHUP, SIG_IGN);  // as under nohup
  const Outcome outcome = Interrupt(Generate({"--out", folder_ / "out"}), "out.partial", SIGHUP);
  signal(SIGHUP, old);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace retort::cli::interrupt_test
