// The attacks of tests/exec/attacks: programs that try what must not be. The first line of each
// says what it tries and, behind "->", how it may end. One that got what it wanted prints ESCAPED.
//
// Every program runs in every mode that this machine offers (tests/exec/CMakeLists.txt also runs
// all of this as an ordinary user where it was started by root).

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/folder.h"
#include "base/strings.h"
#include "exec/python_host.h"
#include "exec/sandbox.h"
#include "tests/support/proc_file.h"

namespace retort::exec::attacks_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecret = "a-secret-of-the-grader";
const Limits kLimits{.time_s = 0.5, .memory_mib = 256};

// A warm Python reads its arguments and its program, then runs it as `python3 -c` would.
constexpr const char* kDriver = R"(
import os, sys
def read(size):
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data))
    return data.decode()
def main():
    words = read(int(read(8))).split("\0")
    sys.argv = ["-c"] + words[1:]
    exec(compile(words[0], "<string>", "exec"), {"__name__": "__main__"})
)";

struct Mode {
  const char* name;
  SandboxOptions options;
  bool warm = false;
  bool Offered(const Sandbox& sandbox) const {
    return sandbox.layers().Hold() && sandbox.layers().namespaces == options.namespaces;
  }
  friend std::ostream& operator<<(std::ostream& out, const Mode& mode) { return out << mode.name; }
};
const SandboxOptions kFallback{.namespaces = false, .cgroup = false};
const Mode kModes[] = {{"full", {}, false},
                       {"full_warm", {}, true},
                       {"fallback", kFallback, false},
                       {"fallback_warm", kFallback, true}};

struct Attack {
  fs::path file;
  std::vector<std::string> endings;
  friend std::ostream& operator<<(std::ostream& out, const Attack& attack) {
    return out << attack.file.filename();
  }
};

std::vector<Attack> Attacks() {
  std::vector<Attack> attacks;
  for (const auto& entry : fs::directory_iterator(RETORT_SOURCE_DIR "/tests/exec/attacks")) {
    const std::string text = ReadFile(entry.path());
    const std::string head = text.substr(0, text.find('\n'));
    attacks.push_back({entry.path(), {}});
    for (const std::string& word : Split(head.substr(head.find("-> ") + 3), ',')) {
      attacks.back().endings.emplace_back(Trim(word));
    }
  }
  std::sort(attacks.begin(), attacks.end(),
            [](const Attack& a, const Attack& b) { return a.file < b.file; });
  return attacks;
}

// What a program could reach: a secret file, a folder open to all, services, this very process.
class Grader {
 public:
  Grader() {
    fs::permissions(folder_.path(), fs::perms::all);
    secret_ = folder_.path() / "secret";
    std::ofstream(secret_) << kSecret;
    fs::create_directory(folder_.path() / "open");
    fs::permissions(folder_.path() / "open", fs::perms::all);
    setenv("RETORT_SECRET", kSecret, 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(tcp_, reinterpret_cast<sockaddr*>(&address), size) == 0) listen(tcp_, 8);
    getsockname(tcp_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    name_ = StrCat("retort-attack-", getpid());
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path + 1, name_.data(), name_.size());
    local_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    if (bind(local_, reinterpret_cast<sockaddr*>(&local), length) == 0) listen(local_, 8);
  }
  ~Grader() {
    close(tcp_);
    close(local_);
    unsetenv("RETORT_SECRET");
  }

  std::vector<std::string> Arguments() const {
    return {secret_.string(),
            StrCat(getpid()),
            StrCat(port_),
            name_,
            (folder_.path() / "open").string(),
            tag_};
  }
  std::string secret() const { return secret_.string(); }

  void ExpectUntouched() const {
    std::ifstream file(secret_);
    std::string content;
    file >> content;
    EXPECT_EQ(content, kSecret);
    EXPECT_TRUE(fs::is_empty(folder_.path() / "open"));
    EXPECT_EQ(accept(tcp_, nullptr, nullptr), -1);
    EXPECT_EQ(accept(local_, nullptr, nullptr), -1);
    // A process of the run would still have its arguments.
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string text = testing::ReadProcFile(entry.path() / "cmdline");
      EXPECT_EQ(text.find(tag_), std::string::npos) << "left behind: " << entry.path();
    }
  }

 private:
  TemporaryFolder folder_;
  fs::path secret_;
  std::string name_, tag_ = StrCat("tag-of-", getpid());
  int tcp_ = -1, local_ = -1, port_ = 0;
};

using Case = std::pair<Mode, Attack>;

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Mode& mode : kModes) {
    for (const Attack& attack : Attacks()) {
      if (!mode.warm || attack.file.extension() == ".py") cases.emplace_back(mode, attack);
    }
  }
  return cases;
}

std::string EndingName(const RunResult& result) {
  // A Python that ends with a traceback did what "runtime error" means.
  return result.ending == Ending::kExited && result.exit_code != 0 ? "runtime-error"
                                                                   : EnumName(result.ending);
}

RunResult RunWarm(const PythonHost& host, std::vector<std::string> words, std::string_view input) {
  std::string message = Join(words, std::string_view("\0", 1));
  std::string size = StrCat(message.size());
  message = std::string(8 - size.size(), '0') + size + message;
  const std::unique_ptr<Process> process = host.Start(kLimits);
  process->Write(message);
  process->Write(input);
  return process->Finish();
}

class AttackTest : public ::testing::TestWithParam<Case> {};

TEST_P(AttackTest, IsContained) {
  const auto& [mode, attack] = GetParam();
  const Sandbox sandbox(mode.options);
  if (!mode.Offered(sandbox)) GTEST_SKIP() << "this machine has " << sandbox.layers().Names();
  const Grader grader;
  std::optional<PythonHost> host;
  if (mode.warm) host.emplace(sandbox, PythonHostOptions{.driver = kDriver, .warm = true});
  Job job{.command = {}, .limits = kLimits};
  std::string ending;
  RunResult result;
  if (attack.file.extension() == ".py") {
    job.command = {"/usr/bin/python3", "-I", "-S", "-c", ReadFile(attack.file)};
  } else {
    const std::string source = ReplaceAll(ReadFile(attack.file), "SECRET", grader.secret());
    result = sandbox.Run(
        {.command = {"/usr/bin/g++", "-std=c++20", "-w", "-O0", "-o", "program", "program.cpp"},
         .files = {{"program.cpp", source}},
         .keep = "program",
         .tools = true,
         .limits = {.time_s = 5, .memory_mib = 1024, .processes = 16, .file_size_mib = 64}});
    if (!result.Success()) ending = "compile-error";
    EXPECT_EQ(result.err.find(kSecret), std::string::npos);
    job.command = {"program"};
    job.program = result.kept;
  }
  if (ending.empty()) {
    for (const std::string& word : grader.Arguments()) job.command.push_back(word);
    const std::string input(200'000, 'x');
    // Twice: the second must not find what the first left.
    for (int run = 0; run < 2; ++run) {
      result = host ? RunWarm(*host, {job.command.begin() + 4, job.command.end()}, input)
                    : sandbox.Run(job, input);
      ending = EndingName(result);
      EXPECT_EQ(result.out.find("ESCAPED"), std::string::npos) << result.out;
      EXPECT_EQ(result.out.find(kSecret), std::string::npos);
      EXPECT_LE(result.out.size(), size_t{1} << 20);
      EXPECT_LE(result.err.size(), size_t{1} << 20);
      EXPECT_LT(result.wall_s, WallSeconds(kLimits) + 5);
      EXPECT_TRUE(result.layers.Hold());
      if (ending == "time-limit") break;  // nothing new, and slow
    }
  }
  EXPECT_TRUE(std::find(attack.endings.begin(), attack.endings.end(), ending) !=
              attack.endings.end())
      << "ended as " << ending << ", exit code " << result.exit_code << ", signal " << result.signal
      << ", " << result.message << "\n"
      << result.err.substr(0, 2000);
  grader.ExpectUntouched();
}

INSTANTIATE_TEST_SUITE_P(All, AttackTest, ::testing::ValuesIn(Cases()), [](const auto& info) {
  const fs::path& file = info.param.second.file;
  return StrCat(info.param.first.name, "_", file.stem().string(), "_",
                file.extension().string().substr(1));
});

// A machine that offers no mode would pass by skipping everything.
TEST(AttackModes, AtLeastOneIsOffered) {
  std::vector<std::string> run, skipped;
  for (const Mode& mode : kModes) {
    const Sandbox sandbox(mode.options);
    (mode.Offered(sandbox) ? run : skipped)
        .push_back(StrCat(mode.name, " (", sandbox.layers().Names(), ")"));
  }
  const std::string who = geteuid() == 0 ? "root" : StrCat("user ", geteuid());
  RecordProperty("modes", Join(run, "; "));
  std::cout << "as " << who << ", modes run: " << Join(run, "; ")
            << "; skipped: " << (skipped.empty() ? "none" : Join(skipped, "; ")) << "\n";
  EXPECT_FALSE(run.empty());
}

}  // namespace
}  // namespace retort::exec::attacks_test
