// Traces that may be read but not written: another user's folder, read-only media.

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/folder.h"
#include "datasets/trace_store.h"
#include "tests/support/error_of.h"

namespace retort::datasets::read_only_test {
namespace {
namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

class ReadOnlyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::permissions(folder_.path(), fs::perms(0755));
    fs::create_directory(run_);
    TraceStore store(run_ / "traces.db", TraceStore::Mode::kWrite);
    store.CreateRun("kept", {});
  }
  void TearDown() override { fs::permissions(run_, fs::perms::owner_all); }

  /// What reading the run's names says to a user who may only read the folder.
  std::string AsReader() const {
    fs::permissions(run_, fs::perms(0555));
    for (const auto& entry : fs::directory_iterator(run_)) {
      fs::permissions(entry.path(), fs::perms(0444));
    }
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      std::string said;
      if (geteuid() == 0 && setuid(kNobody) != 0) {
        said = "(cannot become nobody)";
      } else {
        said = ErrorOf([&] {
          Fail("read: ", TraceStore(run_ / "traces.db", TraceStore::Mode::kRead).Runs().at(0).name);
        });
      }
      [[maybe_unused]] const ssize_t written = write(ends[1], said.data(), said.size());
      _exit(0);
    }
    close(ends[1]);
    std::string said(4096, '\0');
    const ssize_t size = read(ends[0], said.data(), said.size());
    said.resize(size > 0 ? static_cast<size_t>(size) : 0);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return said;
  }

  TemporaryFolder folder_;
  fs::path run_ = folder_.path() / "a run? 100%#";
};

TEST_F(ReadOnlyTest, ADatabaseThatIsWholeIsReadWhereNothingMayBeWritten) {
  ASSERT_FALSE(fs::exists(run_ / "traces.db-wal"));
  EXPECT_EQ(AsReader(), "read: kept");
  EXPECT_FALSE(fs::exists(run_ / "traces.db-shm"));  // left as it was
}

TEST_F(ReadOnlyTest, AFolderThatMayNotBeLookedIntoIsNamed) {
  if (geteuid() != 0) GTEST_SKIP() << "root makes a folder that another user cannot enter";
  fs::permissions(folder_.path(), fs::perms(0700));
  const std::string said = AsReader();
  EXPECT_NE(said.find("traces.db: Permission denied"), std::string::npos) << said;
  EXPECT_EQ(said.find("filesystem error"), std::string::npos) << said;
}

TEST_F(ReadOnlyTest, StepsInTheWalAreNotPassedOver) {
  {
    // A writer that was killed: its -wal holds a run that traces.db does not.
    TraceStore store(run_ / "traces.db", TraceStore::Mode::kWrite);
    store.CreateRun("lost if the -wal is not read", {});
    fs::copy_file(run_ / "traces.db-wal", folder_.path() / "wal");
    fs::copy_file(run_ / "traces.db", folder_.path() / "db");
  }
  fs::copy_file(folder_.path() / "db", run_ / "traces.db", fs::copy_options::overwrite_existing);
  fs::copy_file(folder_.path() / "wal", run_ / "traces.db-wal",
                fs::copy_options::overwrite_existing);
  const std::string said = AsReader();
  EXPECT_NE(said.find("traces.db-wal holds steps"), std::string::npos) << said;
  EXPECT_NE(said.find("Copy the database, its -wal and its -shm"), std::string::npos) << said;
}

// SQLite keeps the newest steps beside the name that it was opened by: two writers under two names
// would not see each other.
TEST_F(ReadOnlyTest, ADatabaseWithTwoNamesIsNotWritten) {
  const fs::path second = folder_.path() / "second.db";
  fs::create_hard_link(run_ / "traces.db", second);
  for (const fs::path& name : {second, run_ / "traces.db"}) {
    const std::string said = ErrorOf([&] { TraceStore(name, TraceStore::Mode::kWrite); });
    EXPECT_NE(said.find("has a second name"), std::string::npos) << said;
    EXPECT_EQ(TraceStore(name, TraceStore::Mode::kRead).Runs().size(), 1u);
  }
  fs::remove(second);
  EXPECT_EQ(TraceStore(run_ / "traces.db", TraceStore::Mode::kWrite).Runs().size(), 1u);
}

}  // namespace
}  // namespace retort::datasets::read_only_test
