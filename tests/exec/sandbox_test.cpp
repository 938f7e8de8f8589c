#include "exec/sandbox.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/strings.h"
#include "exec/python_host.h"
#include "tests/support/proc_file.h"

namespace retort::exec::sandbox_test {
namespace {

namespace fs = std::filesystem;

Job Shell(const std::string& script) {
  return {.command = {"/bin/sh", "-c", script}, .limits = {.time_s = 2}};
}

Job Python(const std::string& program) {
  return {.command = {"/usr/bin/python3", "-I", "-S", "-c", program}, .limits = {.time_s = 2}};
}

// With namespaces and without.
class SandboxTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!sandbox_.layers().Hold() || sandbox_.layers().namespaces != GetParam()) {
      GTEST_SKIP() << "this machine has " << sandbox_.layers().Names();
    }
  }
  const Sandbox sandbox_{{.namespaces = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(Layers, SandboxTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Namespaces" : "Fallback"; });

TEST_P(SandboxTest, PassesInputOutputAndExitCode) {
  const RunResult result =
      sandbox_.Run(Shell("read line; echo $line; echo error >&2; exit 3"), "input\n");
  EXPECT_EQ(result.ending, Ending::kExited) << result.message;
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "input\n");
  EXPECT_EQ(result.err, "error\n");
  EXPECT_FALSE(result.Success());
  EXPECT_GT(result.wall_s, 0);
  EXPECT_GT(result.peak_kib, 0);
}

TEST_P(SandboxTest, SaysWhichLayersHeld) {
  const RunResult result = sandbox_.Run(Shell("true"));
  EXPECT_TRUE(result.layers.Hold());
  EXPECT_EQ(result.layers.namespaces, GetParam());
  Layers expected = sandbox_.layers();
  expected.cgroup = false;  // one process has no sum
  EXPECT_EQ(result.layers.Names(), expected.Names());
  if (!GetParam()) return;
  Job job = Shell("true");
  job.limits.processes = 2;
  EXPECT_EQ(sandbox_.Run(job).layers.Names(), sandbox_.layers().Names());
}

TEST_P(SandboxTest, APythonEndsAsPythonsDo) {
  const PythonHost host(sandbox_,
                        {.driver = "import sys\ndef main(): exec(sys.stdin.read(), {})\n"});
  const auto run = [&](const char* program) {
    const auto process = host.Start({});
    process->Write(program);
    return process->Finish();
  };
  EXPECT_EQ(run("import atexit; atexit.register(lambda: print('bye')); print('hi')").out,
            "hi\nbye\n");
  EXPECT_EQ(run("raise SystemExit").exit_code, 0);
  EXPECT_EQ(run("raise SystemExit(3)").exit_code, 3);
  EXPECT_EQ(run("raise SystemExit('words')").exit_code, 1);
  EXPECT_EQ(run("raise SystemExit('words')").err, "words\n");
  EXPECT_EQ(run("print('out'); 1 / 0").exit_code, 1);
  EXPECT_NE(run("1 / 0").err.find("ZeroDivisionError"), std::string::npos);
  EXPECT_EQ(run("import threading, time\n"
                "def f(): time.sleep(0.05); print('thread')\n"
                "threading.Thread(target=f).start()")
                .out,
            "thread\n");
}

TEST_P(SandboxTest, NeitherSideWaitsForTheOtherWhenMuchIsWritten) {
  const std::string input(900'000, 'x');
  EXPECT_EQ(sandbox_.Run(Shell("exec cat"), input).out, input);
}

TEST_P(SandboxTest, TalksByLinesAndBytes) {
  const auto process =
      sandbox_.Start(Shell("while read line; do echo \"<$line>\"; done; echo end"));
  ASSERT_TRUE(process->Write("one\n"));
  EXPECT_EQ(process->ReadLine(100), "<one>");
  ASSERT_TRUE(process->Write("two\n"));
  EXPECT_EQ(process->Read(3), "<tw");
  EXPECT_EQ(process->ReadLine(100), "o>");
  process->CloseInput();
  EXPECT_EQ(process->ReadLine(2), std::nullopt) << "longer than it may be";
  EXPECT_EQ(process->ReadLine(3), "end");
  EXPECT_EQ(process->Read(1), std::nullopt);
  EXPECT_TRUE(process->Finish().Success());
}

TEST_P(SandboxTest, WritesFilesAndKeepsOne) {
  Job job = Python("import shutil; shutil.copyfile('input', 'output')");
  job.files = {{"input", std::string("a\0b", 3)}, {"empty", ""}};
  job.keep = "output";
  RunResult result = sandbox_.Run(job);
  ASSERT_TRUE(result.Success()) << result.err << result.message;
  ASSERT_TRUE(result.kept);
  std::string bytes(16, '\0');
  bytes.resize(static_cast<size_t>(pread(result.kept->fd(), bytes.data(), bytes.size(), 0)));
  EXPECT_EQ(bytes, std::string("a\0b", 3));
  job.command.back() = "import os; os.symlink('/usr/bin/env', 'output')";
  result = sandbox_.Run(job);
  EXPECT_FALSE(result.kept) << "a link is not followed";
  job.command.back() = "open('output', 'w').write('x'); raise SystemExit(1)";
  EXPECT_FALSE(sandbox_.Run(job).kept) << "of a failed program nothing is kept";
}

TEST_P(SandboxTest, ArtifactsRunAndCannotBeChanged) {
  const RunResult built = sandbox_.Run(
      {.command = {"/usr/bin/g++", "-o", "program", "program.cpp"},
       .files = {{"program.cpp",
                  "#include <cstdio>\nint main(int n, char** w) { std::puts(w[n - 1]); }"}},
       .keep = "program",
       .tools = true,
       .limits = {.time_s = 10, .memory_mib = 1024, .processes = 16}});
  ASSERT_TRUE(built.Success()) << built.err << built.message;
  ASSERT_TRUE(built.kept);
  EXPECT_EQ(write(built.kept->fd(), "x", 1), -1);
  for (int run = 0; run < 2; ++run) {
    const RunResult result =
        sandbox_.Run({.command = {"program", "argument"}, .program = built.kept});
    EXPECT_TRUE(result.Success()) << result.message;
    EXPECT_EQ(result.out, "argument\n");
  }
}

TEST_P(SandboxTest, EveryLimitCounts) {
  Job job = Python("while True: pass");
  job.limits.time_s = 0.2;
  RunResult result = sandbox_.Run(job);
  EXPECT_EQ(result.ending, Ending::kTimeLimit);
  EXPECT_LT(result.cpu_s, 1.5);
  EXPECT_GE(result.cpu_s, 0.2);

  job = Python("x = bytearray(60 << 20)");
  result = sandbox_.Run(job);
  EXPECT_TRUE(result.Success()) << EnumName(result.ending) << result.err << result.cpu_s;
  job.limits.memory_mib = 64;
  EXPECT_EQ(sandbox_.Run(job).ending, Ending::kMemoryLimit);

  job = Python("print('x' * 100000)");
  EXPECT_TRUE(sandbox_.Run(job).Success());
  job.limits.output_kib = 64;
  result = sandbox_.Run(job);
  EXPECT_EQ(result.ending, Ending::kOutputLimit);
  EXPECT_EQ(result.out.size(), size_t{64 * 1024});

  job = Python("open('f', 'wb').write(b'x' * (3 << 20))");
  EXPECT_TRUE(sandbox_.Run(job).Success());
  job.limits.file_size_mib = 2;
  EXPECT_FALSE(sandbox_.Run(job).Success());

  job = Python("import os; os.waitpid(os.fork() or os._exit(0), 0)");
  EXPECT_EQ(sandbox_.Run(job).ending, Ending::kProcessLimit);
  job.limits.processes = 4;
  if (GetParam()) {
    EXPECT_TRUE(sandbox_.Run(job).Success());
  } else {
    EXPECT_NE(sandbox_.Refusal(job), "");
    result = sandbox_.Run(job);
    EXPECT_EQ(result.ending, Ending::kInternalError);
    EXPECT_EQ(result.message, sandbox_.Refusal(job));
  }
}

TEST_P(SandboxTest, MemoryOfAllProcessesCounts) {
  if (!GetParam()) GTEST_SKIP() << "no processes of its own without namespaces";
  Job job = Python(
      "import os, time\n"
      "for _ in range(6):\n"
      "    if os.fork() == 0:\n"
      "        block = b'x' * (80 << 20)\n"
      "        time.sleep(20)\n"
      "time.sleep(20)");
  job.limits.processes = 8;
  job.limits.memory_mib = 256;
  EXPECT_EQ(sandbox_.Run(job).ending, Ending::kMemoryLimit);
}

TEST_P(SandboxTest, HonestProgramsMayDoWhatTheyDo) {
  for (const char* program : {
           "import threading\n"
           "ts = [threading.Thread(target=print, args=(i,)) for i in range(16)]\n"
           "[t.start() for t in ts]; [t.join() for t in ts]",
           "import asyncio\nasync def f(): await asyncio.sleep(0.01); return 4\n"
           "assert asyncio.run(f()) == 4",
           "from concurrent.futures import ThreadPoolExecutor as P\n"
           "assert sum(P(8).map(lambda x: x * x, range(10))) == 285",
           "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x')",
           "import os\nos.mkdir('d'); open('d/f', 'w').write('x'); assert os.listdir('d') == "
           "['f']\n"
           "os.remove('d/f'); os.rmdir('d')",
           "import random, time, datetime, math, decimal, fractions, statistics, uuid\n"
           "random.random(); time.sleep(0.01); datetime.datetime.now(); uuid.uuid4()",
           "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *a: print('got'))\n"
           "os.kill(os.getpid(), signal.SIGUSR1)",
           "import sqlite3\nsqlite3.connect(':memory:').execute('select 1')",
           "import sys\nsys.setrecursionlimit(20000)\n"
           "def f(n): return 0 if n == 0 else 1 + f(n - 1)\nassert f(5000) == 5000",
           "import mmap, select, os\nm = mmap.mmap(-1, 4096); r, w = os.pipe(); os.write(w, b'x')\n"
           "assert select.select([r], [], [], 1)[0]",
           "import os, multiprocessing\nos.cpu_count(); multiprocessing.Lock; "
           "os.sched_getaffinity(0)",
           // One loop after another, each with a pair of sockets.
           "import asyncio\nasync def f(): await asyncio.sleep(0); return 4\n"
           "assert all(asyncio.run(f()) == 4 for _ in range(500))",
           "import asyncio, socket\n"
           "async def f():\n"
           "    a, b = socket.socketpair()\n"
           "    r, w = await asyncio.open_connection(sock=a)\n"
           "    w.write(b'x' * 100000); w.write_eof()\n"
           "    s, _ = await asyncio.open_connection(sock=b)\n"
           "    assert len(await s.read()) == 100000\n"
           "    assert await asyncio.to_thread(sum, [1, 2]) == 3\n"
           "asyncio.run(f())",
           "import sqlite3\nwith sqlite3.connect('file.db') as db:\n"
           "    db.execute('create table t (x)')\n"
           "for i in range(20):\n"
           "    with sqlite3.connect('file.db') as db: db.execute('insert into t values (?)', "
           "(i,))\n"
           "assert db.execute('select count(*) from t').fetchone() == (20,)",
           "import fcntl, shutil\nopen('a', 'w').write('x' * 100000); shutil.copyfile('a', 'b')\n"
           "assert len(open('b').read()) == 100000\n"
           "with open('b') as f: fcntl.flock(f, fcntl.LOCK_EX)\n"
           "with open('b', 'r+') as f: fcntl.lockf(f, fcntl.LOCK_EX)",
           "files = [open('file%d' % i, 'w') for i in range(50)]",
           "import os\nfor _ in range(2000):\n    for end in os.pipe(): os.close(end)",
           "import threading\nfor _ in range(20):\n"
           "    ts = [threading.Thread(target=sum, args=([1],)) for _ in range(60)]\n"
           "    [t.start() for t in ts]; [t.join() for t in ts]",
       }) {
    Job job = Python(program);
    job.limits.time_s = 10;
    const RunResult result = sandbox_.Run(job);
    EXPECT_TRUE(result.Success()) << program << "\n" << EnumName(result.ending) << result.err;
  }
}

TEST_P(SandboxTest, HonestProgramsMayHaveProcesses) {
  if (!GetParam()) GTEST_SKIP() << "no processes of its own without namespaces";
  for (const char* program : {
           "import subprocess\nfor _ in range(20):\n"
           "    assert subprocess.run(['/bin/echo', 'x'], capture_output=True).stdout == b'x\\n'",
           "import multiprocessing\n"
           "with multiprocessing.Pool(3) as pool: assert sum(pool.map(abs, range(100))) == 4950",
           "import multiprocessing as m\na, b = m.Pipe()\n"
           "p = m.Process(target=lambda: b.send('x' * 1000000)); p.start()\n"
           "assert len(a.recv()) == 1000000; p.join()",
           "import asyncio\nasync def f():\n"
           "    p = await asyncio.create_subprocess_exec('/bin/echo', 'x', stdout=-1)\n"
           "    assert (await p.communicate())[0] == b'x\\n'\n"
           "asyncio.run(f())",
       }) {
    Job job = Python(program);
    job.limits.time_s = 10;
    job.limits.processes = 8;
    const RunResult result = sandbox_.Run(job);
    EXPECT_TRUE(result.Success()) << program << "\n" << EnumName(result.ending) << result.err;
  }
}

// Twice as many and two more seconds would be up before most of them had a processor.
TEST_P(SandboxTest, WaitingForAProcessorIsNotCounted) {
  const unsigned count = std::min(96U, 12 * std::max(1U, std::thread::hardware_concurrency()));
  Job job = Python("import time\nwhile time.process_time() < 0.4: pass");
  job.limits.time_s = 0.6;
  std::vector<std::unique_ptr<Process>> runs;
  for (unsigned i = 0; i < count; ++i) runs.push_back(sandbox_.Start(job));
  for (const auto& run : runs) EXPECT_EQ(run->Finish().ending, Ending::kExited);
}

TEST_P(SandboxTest, StopEndsIt) {
  const auto process = sandbox_.Start(Shell("echo ready; exec sleep 100"));
  EXPECT_EQ(process->ReadLine(10), "ready");
  process->Stop();
  EXPECT_EQ(process->Finish().ending, Ending::kStopped);
}

TEST_P(SandboxTest, DestructionKills) {
  const std::string tag = StrCat("1000.", getpid());
  {
    const auto process = sandbox_.Start(Shell("echo ready; exec sleep " + tag));
    EXPECT_EQ(process->ReadLine(10), "ready");
  }
  const auto runs = [&] {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      if (testing::ReadProcFile(entry.path() / "cmdline").find(tag) != std::string::npos)
        return true;
    }
    return false;
  };
  for (int tries = 0; runs() && tries < 1000; ++tries) usleep(10'000);
  EXPECT_FALSE(runs());
}

TEST_P(SandboxTest, WhatCannotRunIsOurFault) {
  RunResult result = sandbox_.Run({.command = {"/usr/bin/no-such-program"}});
  EXPECT_EQ(result.ending, Ending::kInternalError);
  EXPECT_NE(result.message.find("no-such-program"), std::string::npos) << result.message;
  Job job = Shell("true");
  job.files = {{"../outside", ""}};
  EXPECT_EQ(sandbox_.Run(job).ending, Ending::kInternalError);
  job.files = {};
  job.command.back() = std::string("a\0b", 3);
  EXPECT_EQ(sandbox_.Run(job).ending, Ending::kInternalError);
}

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

std::vector<std::string> Leftovers() {
  std::vector<std::string> found;
  const auto add = [&found](const fs::path& folder, const std::string& prefix) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().rfind(prefix, 0) == 0) found.push_back(entry.path());
    }
  };
  add(fs::temp_directory_path(), StrCat("retort-sandbox-", getpid(), "-"));
  const std::string own = StrCat("retort-", getpid(), "-");
  for (const char* group : {"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"}) {
    add(group, own);
  }
  return found;
}

// Started by this process, at whatever remove.
bool IsOurs(int pid) {
  while (pid > 1 && pid != getpid()) {
    const std::string text = testing::ReadProcFile(StrCat("/proc/", pid, "/stat"));
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return false;
    pid = std::stoi(text.substr(name_end + 4));  // behind the state
  }
  return pid == getpid();
}

// Ids of all that this process started and that /proc knows by `sign`.
std::vector<int> Ours(const char* file, const std::string& sign) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string text = testing::ReadProcFile(entry.path() / file);
    const int pid = std::stoi(name);
    if (text.find(sign) != std::string::npos && pid != getpid() && IsOurs(pid))
      found.push_back(pid);
  }
  return found;
}

int64_t StatusKib(int pid, const std::string& name) {
  const std::string text = testing::ReadProcFile(StrCat("/proc/", pid, "/status"));
  const size_t at = text.find(name + ":");
  return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size() + 1));
}

// 10,000 of them with RETORT_SANDBOX_RUNS=10000.
TEST_P(SandboxTest, ManyAtOnceLeaveNothing) {
  const char* wanted = getenv("RETORT_SANDBOX_RUNS");
  const int runs = wanted ? std::stoi(wanted) : 200;
  const PythonHost host(sandbox_, {.driver = "def main(): print('warm')", .warm = true});
  constexpr int kThreads = 4;
  const auto run = [&](int count) {
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = t; i < count; i += kThreads) {
          const std::string text = StrCat(i, "\n");
          const bool good = i / kThreads % 2 == 0
                                ? host.Start({})->Finish().out == "warm\n"
                                : sandbox_.Run({.command = {"/bin/cat"}}, text).out == text;
          if (good) ++right;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, count);
  };
  run(40);
  const std::vector<int> pythons = Ours("cmdline", "retort_serve");
  const auto host_kib = [&] {
    int64_t sum = 0;
    for (const int pid : pythons) sum += StatusKib(pid, "VmSize");
    return sum;
  };
  const size_t descriptors = OpenDescriptors();
  const auto leftovers = Leftovers();  // the warm Python's own folder
  const int64_t own_kib = StatusKib(getpid(), "VmRSS"), warm_kib = host_kib();
  EXPECT_EQ(pythons.size(), 1u);
  EXPECT_GT(warm_kib, 0);
  run(runs);
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_EQ(Leftovers(), leftovers);
  EXPECT_EQ(Ours("stat", ") Z "), std::vector<int>()) << "zombies";
  // How many watchers end late at once, and need a stack each, the load says; a leak grows always.
  int64_t before = warm_kib, after = host_kib();
  for (int again = 0; again < 3 && after > before + 256; ++again) {
    before = after;
    run(runs);
    after = host_kib();
  }
  EXPECT_LE(after, before + 256) << "the warm Python grows";
  EXPECT_LE(StatusKib(getpid(), "VmRSS"), own_kib + 16 * 1024);
}

TEST_P(SandboxTest, AWarmPythonThatDiedIsReplaced) {
  const PythonHost host(
      sandbox_, {.driver = "def main(): print('alive')", .warm = true, .ahead = GetParam()});
  EXPECT_EQ(host.Start({})->Finish().out, "alive\n");
  for (int round = 0; round < 2; ++round) {
    for (const int pid : Ours("cmdline", "retort_serve")) kill(pid, SIGKILL);
    usleep(100'000);
    EXPECT_EQ(host.Start({})->Finish().out, "alive\n");
  }
}

// Where there is a cgroup, what the kernel holds for these processes is more than it may: the
// program is killed for it, nobody else.
TEST_P(SandboxTest, AWarmPythonOutlivesItsPrograms) {
  const std::string driver =
      "import os, socket, sys, time\n"
      "def main():\n"
      "    if sys.stdin.readline() != 'fill': return print('alive')\n"
      "    ends = []\n"
      "    for _ in range(11):\n"
      "        try:\n"
      "            if os.fork() == 0: break\n"
      "        except OSError: pass\n"
      "    while True:\n"
      "        for end in socket.socketpair():\n"
      "            ends.append(end)\n"
      "            end.setblocking(False)\n"
      "            try:\n"
      "                while True: end.send(b'x' * 65536)\n"
      "            except BlockingIOError: pass\n";
  const PythonHost host(sandbox_, {.driver = driver, .warm = true});
  EXPECT_EQ(host.Start({})->Finish().out, "alive\n");
  const std::vector<int> before = Ours("cmdline", "retort_serve");
  for (int round = 0; round < 3; ++round) {
    const auto process = host.Start({.memory_mib = 64, .processes = GetParam() ? 12 : 1});
    process->Write("fill");
    const RunResult result = process->Finish();
    EXPECT_FALSE(result.Success());
    EXPECT_NE(result.ending, Ending::kInternalError) << result.message;
    EXPECT_EQ(host.Start({})->Finish().out, "alive\n");
    EXPECT_EQ(Ours("cmdline", "retort_serve"), before);
  }
}

TEST_P(SandboxTest, WhatIsStartedAheadHasTheLimitsOfWhoComes) {
  const std::string driver =
      "import resource, sys\n"
      "def main(): print(sys.stdin.readline(), resource.getrlimit(resource.RLIMIT_AS)[0] >> 20)\n";
  const PythonHost host(sandbox_, {.driver = driver, .warm = true, .ahead = true});
  for (const int64_t memory : {300, 300, 400, 300}) {
    const auto process = host.Start({.memory_mib = memory});
    process->Write("text");
    EXPECT_EQ(process->Finish().out, StrCat("text ", memory, "\n"));
    if (memory == 400) usleep(300'000);  // too old then
  }
}

TEST_P(SandboxTest, WarmAndColdPythonsSeeTheSame) {
  const std::string driver =
      "import os, sys\n"
      "def main():\n"
      "    data = sys.stdin.read()\n"
      "    print(data, sorted(os.listdir('.')) in ([], ['driver.py']), dict(os.environ).keys() - "
      "{'LC_CTYPE'})\n"
      "    raise SystemExit(7)\n";
  std::vector<RunResult> results;
  for (const bool warm : {true, false}) {
    const PythonHost host(sandbox_, {.driver = driver, .warm = warm});
    EXPECT_EQ(host.refusal(), "");
    const auto process = host.Start({});
    process->Write("text");
    results.push_back(process->Finish());
    EXPECT_EQ(results.back().exit_code, 7) << results.back().err << results.back().message;
    EXPECT_EQ(results.back().out.substr(0, 14), "text True set(") << results.back().out;
  }
  EXPECT_EQ(results[0].layers.Names(), results[1].layers.Names());
}

TEST(SandboxOptions, LayersCanBeSwitchedOff) {
  EXPECT_FALSE(Sandbox({.namespaces = false}).layers().namespaces);
  EXPECT_FALSE(Sandbox({.landlock = false}).layers().landlock);
  EXPECT_FALSE(Sandbox({.cgroup = false}).layers().cgroup);
}

TEST(SandboxOptions, RefusesWithoutALayerThatHolds) {
  const Sandbox sandbox({.namespaces = false, .landlock = false});
  EXPECT_FALSE(sandbox.layers().Hold());
  const RunResult result = sandbox.Run(Shell("echo ran"));
  EXPECT_EQ(result.ending, Ending::kInternalError);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.message.find("Landlock"), std::string::npos) << result.message;
  const Sandbox unsafe({.namespaces = false, .landlock = false, .unsafe = true});
  const RunResult ran = unsafe.Run(Shell("echo ran"));
  EXPECT_EQ(ran.out, "ran\n");
  EXPECT_FALSE(ran.layers.Hold()) << "the result says that nothing held it";
}

}  // namespace
}  // namespace retort::exec::sandbox_test
