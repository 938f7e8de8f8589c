#include "base/lock.h"

#include "base/error.h"
#include "base/file.h"
#include "tests/base/file_fixture.h"
#include "tests/support/error_of.h"

namespace retort::lock_test {
namespace {

using LockTest = FileTest;

TEST_F(LockTest, HasOneHolderWhoIsNamed) {
  const fs::path file = folder_ / "lock";
  {
    const WriterLock lock(file, "the folder", "retort run");
    const std::string message = ErrorOf([&] { WriterLock(file, "the folder", "retort select"); });
    for (const std::string& part :
         {std::string("the folder"), std::string("retort run"), StrCat("process ", ::getpid())}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  EXPECT_EQ(Names(), std::set<std::string>{});
  const WriterLock again(file, "the folder", "retort run");
}

TEST_F(LockTest, ADeadHolderHoldsNobodyUp) {
  const fs::path file = folder_ / "lock";
  const int status = InChild([&] {
    const WriterLock lock(file, "the folder", "retort run");
    ::raise(SIGKILL);
  });
  EXPECT_TRUE(Killed(status));
  EXPECT_EQ(Names(), std::set<std::string>{"lock"});
  { const WriterLock lock(file, "the folder", "retort run"); }
  EXPECT_EQ(Names(), std::set<std::string>{});
}

TEST_F(LockTest, IsNotHeldByChildren) {
  const fs::path file = folder_ / "lock";
  const pid_t child = [&] {
    const WriterLock lock(file, "the folder", "retort run");
    const pid_t started = ::fork();
    if (started == 0) ::execlp("sleep", "sleep", "60", nullptr), ::_exit(1);
    ::usleep(200'000);
    return started;
  }();
  { const WriterLock again(file, "the folder", "retort run"); }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// Processes take it in turn and would see each other's file half written.
TEST_F(LockTest, ManyTakeTurns) {
  WriteFileAtomic(folder_ / "inside", "");
  for (int k = 0; k < 8; ++k) {
    if (::fork() != 0) continue;
    int taken = 0, bad = 0;
    while (taken < 50) {
      try {
        const WriterLock lock(folder_ / "lock", "the folder", "x");
        const fs::path mine = folder_ / "inside";
        bad += !ReadFile(mine).empty();
        AppendFile(mine).Write("x");
        ::usleep(50);
        fs::resize_file(mine, 0);
        ++taken;
      } catch (const Error&) {
        ::usleep(50);
      }
    }
    ::_exit(bad == 0 ? 0 : 1);
  }
  for (int k = 0; k < 8; ++k) {
    int status = 0;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(LockTest, ADatabaseThatIsALinkIsLockedWhereItLies) {
  fs::create_directories(folder_ / "real");
  fs::create_directories(folder_ / "run");
  WriteFileAtomic(folder_ / "real" / "traces.db", "");
  fs::create_symlink(folder_ / "real" / "traces.db", folder_ / "run" / "traces.db");
  EXPECT_EQ(LockFileOf(folder_ / "run" / "traces.db"),
            fs::canonical(folder_) / "real" / ".retort.lock");
  EXPECT_EQ(LockFileOf(folder_ / "none.db"), fs::canonical(folder_) / ".retort.lock");
}

TEST_F(LockTest, WhereNothingCanBeWrittenTheErrorSaysSo) {
  const std::string message = ErrorOf([&] { WriterLock(folder_ / "no" / "lock", "it", "x"); });
  EXPECT_NE(message.find("it: cannot be locked"), std::string::npos) << message;
}

TEST_F(LockTest, AFileOfAnotherIsNoLock) {
  WriteFileAtomic(folder_ / "theirs", "kept");
  fs::create_hard_link(folder_ / "theirs", folder_ / "second");
  fs::create_symlink(folder_ / "theirs", folder_ / "link");
  for (const char* name : {"second", "link"}) {
    const std::string message = ErrorOf([&] { WriterLock(folder_ / name, "it", "x"); });
    EXPECT_NE(message.find("it: cannot be locked"), std::string::npos) << message;
    EXPECT_TRUE(fs::exists(fs::symlink_status(folder_ / name)));
  }
  EXPECT_EQ(ReadFile(folder_ / "theirs"), "kept");
}

}  // namespace
}  // namespace retort::lock_test
