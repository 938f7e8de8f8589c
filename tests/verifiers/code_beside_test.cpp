// Programs that would deny others their verdict, judged beside honest ones. No honest row may be
// lost, and no hostile one may be unjudged by its own doing.

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "base/strings.h"
#include "tests/verifiers/code_fixture.h"
#include "verifiers/registry.h"

namespace retort::verifiers::code_beside_test {
namespace {

class CodeBeside : public CodeTest, public testing::WithParamInterface<bool> {
 protected:
  Json Options() const override { return {{"sandbox", {{"namespaces", GetParam()}}}}; }
};

const char* const kHonest[] = {
    "def f(x):\n"
    "    return sum(range(20000)) * 0 + x\n",
    "import asyncio\n"
    "async def g(x):\n"
    "    await asyncio.sleep(0.001)\n"
    "    return x\n"
    "def f(x): return [asyncio.run(g(x)) for _ in range(100)][-1]\n",
    "import threading\n"
    "def f(x):\n"
    "    found = []\n"
    "    threads = [threading.Thread(target=found.append, args=(x,)) for _ in range(40)]\n"
    "    for t in threads: t.start()\n"
    "    for t in threads: t.join()\n"
    "    return found[39]\n",
};

// What each does before it answers; the processes it wants first.
const char* const kHostile[] = {
    // Sockets, as large as they may be.
    "def fill():\n"
    "    held = []\n"
    "    for _ in range(100):\n"
    "        for end in socket.socketpair():\n"
    "            try: end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)\n"
    "            except OSError: pass\n"
    "            end.setblocking(False)\n"
    "            held.append(end)\n"
    "            try:\n"
    "                while True: end.send(b'x' * 65536)\n"
    "            except OSError: pass\n",
    // Pipes.
    "def fill():\n"
    "    for _ in range(1000):\n"
    "        end, start = os.pipe()\n"
    "        os.set_blocking(start, False)\n"
    "        try:\n"
    "            while True: os.write(start, b'x' * 65536)\n"
    "        except OSError: pass\n",
    // Memory.
    "def fill(): return bytearray(60 << 20) + bytearray(60 << 20)\n",
    // Threads.
    "def fill():\n"
    "    threading.stack_size(65536)\n"
    "    for _ in range(1000): threading.Thread(target=time.sleep, args=(9,), "
    "daemon=True).start()\n",
    // Descriptors on their way.
    "def fill():\n"
    "    a, b = socket.socketpair()\n"
    "    for _ in range(1000): a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,\n"
    "                                              array.array('i', [0] * 250))])\n",
    // Signals to everybody.
    "def fill():\n"
    "    for number in (signal.SIGSTOP, signal.SIGKILL):\n"
    "        for target in (-1, 1, os.getppid()):\n"
    "            try: os.kill(target, number)\n"
    "            except OSError: pass\n",
};

TEST_P(CodeBeside, NoHonestRowIsLost) {
  constexpr int kRounds = 6, kWorkers = 6;
  const int processes = GetParam() ? 16 : 1;
  struct Row {
    std::string program;
    Json columns;
    bool honest;
    Verdict verdict = {};
  };
  std::vector<Row> rows;
  const auto add = [&](const std::string& program, int64_t memory_mib, bool honest) {
    rows.push_back({program,
                    {{"entry_point", "f"},
                     {"tests", {{{"args", {7}}, {"expected", 7}}}},
                     {"limits", {{"processes", processes}, {"memory_mib", memory_mib}}}},
                    honest});
  };
  for (int round = 0; round < kRounds; ++round) {
    for (const char* fill : kHostile) {
      const std::string forks = StrCat("    for _ in range(", round % 2 == 0 ? 0 : 4,
                                       "):\n"
                                       "        try: os.fork()\n"
                                       "        except OSError: pass\n");
      add(StrCat("import array, os, signal, socket, threading, time\n", fill, "def f(x):\n", forks,
                 "    fill()\n    time.sleep(0.1)\n    os.abort()\n"),
          64, false);
      for (const char* honest : kHonest) add(honest, 512, true);
    }
  }
  const auto verifier = MakeVerifier("code", Options(), "test");
  std::vector<std::thread> workers;
  std::atomic<size_t> next{0};
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&] {
      for (size_t i = next++; i < rows.size(); i = next++) {
        rows[i].verdict = Judge(*verifier, rows[i].program, rows[i].columns);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (const Row& row : rows) {
    EXPECT_EQ(row.verdict.status, row.honest ? VerdictStatus::kRight : VerdictStatus::kWrong)
        << row.verdict.reason << " | " << row.verdict.normal_form << "\n"
        << row.program;
  }
}

// Below the process or thread `task`, at whatever remove, the nearer first.
void AddProcessesBelow(const std::filesystem::path& task, std::vector<int>& found) {
  std::ifstream children(task / "children");
  for (int child = 0; children >> child;) {
    found.push_back(child);
    AddProcessesBelow(StrCat("/proc/", child, "/task/", child), found);
  }
}

int ThreadsOf(int pid) {
  std::ifstream status(StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return 0;
}

// From outside, as the system does where memory runs out: every process of this one's, whenever
// one that lives has the threads of a program that has begun.
void KillTheSandboxes(const std::atomic<bool>& judged, int threads, bool once) {
  std::set<int> killed;  // the last of them may be dying yet
  while (!judged && !(once && !killed.empty())) {
    std::vector<int> all;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      AddProcessesBelow(task.path(), all);
    }
    // All were found before the first is killed: what is started again lives.
    if (std::any_of(all.begin(), all.end(),
                    [&](int pid) { return !killed.contains(pid) && ThreadsOf(pid) >= threads; })) {
      for (const int pid : all) kill(pid, SIGKILL);
      killed.insert(all.begin(), all.end());
    }
    usleep(10'000);
  }
}

TEST_P(CodeBeside, OneWhoseSandboxIsLostIsJudgedAgain) {
  const auto verifier = MakeVerifier("code", Options(), "test");
  const Json columns{{"tests", {{{"stdin", "1"}, {"stdout", "1"}}}}};
  const char* const program =
      "import threading, time\n"
      "for _ in range(6): threading.Thread(target=time.sleep, args=(1,)).start()\n"
      "time.sleep(1)\n"
      "print(input())";
  for (const bool once : {true, false}) {
    std::atomic<bool> judged{false};
    std::thread killer([&] { KillTheSandboxes(judged, 7, once); });
    const Verdict verdict = Judge(*verifier, program, columns);
    judged = true;
    killer.join();
    if (once) {
      EXPECT_TRUE(Is(verdict, "accepted"));
    } else {
      EXPECT_TRUE(Is(verdict, "denied"));
      EXPECT_EQ(verdict.status, VerdictStatus::kWrong);
      EXPECT_NE(verdict.normal_form.find("alone"), std::string::npos) << verdict.normal_form;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, CodeBeside, testing::Bool(),
                         [](const auto& info) { return info.param ? "Namespaces" : "Fallback"; });

}  // namespace
}  // namespace retort::verifiers::code_beside_test
