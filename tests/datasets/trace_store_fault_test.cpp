// Kills, full disks and files of other programs.

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "tests/datasets/store_fixture.h"

namespace retort::datasets::trace_store_fault_test {
namespace {

using Mode = TraceStore::Mode;

// Runs `body` in a child process and returns its wait status; an Error is exit code 9.
template <class Body>
int InChild(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (const Error&) {
      ::_exit(9);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

void ExpectIntact(const TraceStore& store) {
  EXPECT_EQ(store
                .Sql("SELECT count(*) FROM completions c LEFT JOIN groups g ON g.id = c.group_id "
                     "WHERE g.id IS NULL")
                .rows[0][0],
            0);
  // Every step is whole: 8 traces and 16 verdicts each.
  EXPECT_TRUE(store
                  .Sql("SELECT step FROM traces t JOIN verdicts v ON v.completion = t.id "
                       "GROUP BY run, stage_index, step HAVING count(*) <> 16")
                  .rows.empty());
}

class KillTest : public StoreTest {
 protected:
  // Appends steps 1 to 4 with a kill at the `passage`-th fault point of this name.
  int AppendAndDie(const char* fault, int passage) {
    return InChild([&] {
      ::setenv("RETORT_KILL_AT", StrCat(fault, ":", passage).c_str(), 1);
      TraceStore store(path_, Mode::kWrite);
      const int64_t run = *store.FindRun("r");
      for (int64_t step = 1; step <= 4; ++step) store.AppendStep(MakeStep({run, 0, step}));
    });
  }
  void SetUp() override {
    StoreTest::SetUp();
    TraceStore(path_, Mode::kWrite).CreateRun("r", {});
  }
};

TEST_F(KillTest, BeforeTheCommitLosesOnlyTheStepInFlight) {
  const int status = AppendAndDie("db-in-transaction", 3);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  TraceStore store(path_, Mode::kWrite);
  ExpectIntact(store);
  EXPECT_EQ(store.Select({}).size(), 16u);
  const int64_t run = *store.FindRun("r");
  EXPECT_EQ(store.Metric(run, "reward").size(), 2u);
  EXPECT_EQ(store.AppendStep(MakeStep({run, 0, 3})).front(), 17) << "the id is given again";
}

TEST_F(KillTest, AfterTheCommitLosesNothing) {
  ASSERT_TRUE(WIFSIGNALED(AppendAndDie("db-after-commit", 3)));
  TraceStore store(path_, Mode::kRead);
  ExpectIntact(store);
  EXPECT_EQ(store.Select({}).size(), 24u);
}

TEST_F(KillTest, InsideACutBackLeavesTheRunAsItWas) {
  int64_t run = 0;
  {
    TraceStore store(path_, Mode::kWrite);
    run = *store.FindRun("r");
    for (int64_t step = 1; step <= 4; ++step) store.AppendStep(MakeStep({run, 0, step}));
  }
  const int status = InChild([&] {
    ::setenv("RETORT_KILL_AT", "db-in-transaction:1", 1);
    TraceStore(path_, Mode::kWrite).CutBack({run, 0, 2});
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  TraceStore store(path_, Mode::kWrite);
  EXPECT_EQ(store.Select({}).size(), 32u);
  EXPECT_TRUE(store.ReplayTraces({run, 0, 3}).empty());
  store.CutBack({run, 0, 2});
  EXPECT_EQ(store.ReplayTraces({run, 0, 3}).size(), 8u);
}

TEST_F(KillTest, WhileTheFileIsCreatedLeavesNothingInTheWay) {
  const std::filesystem::path fresh = folder_ / "fresh.db";
  ASSERT_TRUE(WIFSIGNALED(InChild([&] {
    ::setenv("RETORT_KILL_AT", "db-in-transaction:1", 1);
    TraceStore store(fresh, Mode::kWrite);
  })));
  TraceStore store(fresh, Mode::kWrite);
  EXPECT_EQ(store.CreateRun("r", {}), 1);
}

TEST_F(KillTest, AFullDiskIsAnErrorAndTheFileStaysWhole) {
  {
    TraceStore store(path_, Mode::kWrite);
    store.AppendStep(MakeStep({*store.FindRun("r"), 0, 1}));
  }
  const int status = InChild([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    TraceStore store(path_, Mode::kWrite);
    const int64_t run = *store.FindRun("r");
    const rlimit limit{200'000, 200'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int64_t step = 2; step <= 1000; ++step) {
      const std::string what = ErrorOf([&] { store.AppendStep(MakeStep({run, 0, step})); });
      if (what == "(no error)") continue;
      if (what.find("traces.db") == std::string::npos) ::_exit(3);
      if (what.find("Free disk space") == std::string::npos) ::_exit(4);
      // Still usable: reads go on, and what was stored is there.
      ::_exit(store.Select({}).size() == static_cast<size_t>(8 * (step - 1)) ? 0 : 5);
    }
    ::_exit(6);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  TraceStore store(path_, Mode::kWrite);
  ExpectIntact(store);
  const auto stored = static_cast<int64_t>(store.Select({}).size());
  EXPECT_GE(stored, 16);
  EXPECT_EQ(store.AppendStep(MakeStep({*store.FindRun("r"), 0, 1001})).front(), stored + 1);
}

void RawSql(const std::filesystem::path& path, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
}

TEST_F(KillTest, ANewerSchemaIsRefused) {
  RawSql(path_, "PRAGMA user_version = 4");
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    const std::string what = ErrorOf([&] { TraceStore(path_, mode); });
    EXPECT_NE(what.find("trace schema 4"), std::string::npos) << what;
    EXPECT_NE(what.find("newer retort"), std::string::npos) << what;
  }
}

TEST_F(StoreTest, ADatabaseOfAnotherProgramIsLeftAlone) {
  RawSql(path_, "CREATE TABLE notes(a); PRAGMA user_version = 1");
  const auto size = std::filesystem::file_size(path_);
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    EXPECT_NE(ErrorOf([&] { TraceStore(path_, mode); }).find("another program"), std::string::npos);
  }
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

}  // namespace
}  // namespace retort::datasets::trace_store_fault_test
