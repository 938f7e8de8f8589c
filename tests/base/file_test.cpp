#include "base/file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/read_pipe.h"
#include "tests/base/file_fixture.h"
#include "tests/support/error_of.h"

namespace retort::file_test {
namespace {

TEST_F(FileTest, WholeContentsComeBack) {
  const std::string bytes("a\0b\xff\r\n", 6);
  WriteFileAtomic(folder_ / "data", bytes);
  EXPECT_EQ(ReadFile(folder_ / "data"), bytes);
  WriteFileAtomic(folder_ / "data", "");
  EXPECT_EQ(ReadFile(folder_ / "data"), "");
  EXPECT_EQ(Names(), std::set<std::string>{"data"});
}

TEST_F(FileTest, ReadingWhatCannotBeReadNamesThePath) {
  EXPECT_NE(ErrorOf([&] { ReadFile(folder_ / "absent"); }).find("absent"), std::string::npos);
  EXPECT_THROW(ReadFile(folder_), Error);
  EXPECT_THROW(MappedFile(folder_ / "absent"), Error);
  EXPECT_THROW(MappedFile{folder_}, Error);
}

// A pipe would be waited for, a device need not end.
TEST_F(FileTest, OnlyRegularFilesAreRead) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::create_symlink(folder_ / "pipe", folder_ / "link");
  for (const fs::path& path : {folder_ / "pipe", folder_ / "link", fs::path("/dev/zero"),
                               fs::path("/dev/null"), folder_}) {
    const std::string wanted = path.string() + ": is not a regular file";
    for (const std::string& said :
         {ErrorOf([&] { ReadFile(path); }), ErrorOf([&] { MappedFile{path}; })}) {
      EXPECT_NE(said.find(wanted), std::string::npos) << said;
    }
  }
  EXPECT_NE(ReadFile("/proc/self/status").find("Pid:"), std::string::npos);
}

TEST_F(FileTest, WhatACommandWritesIsReadToABound) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(ErrorOf([&] { ReadPipe(pipe, 9); }).find("nothing came"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { ReadPipe("/dev/zero", 9); }).find("not a pipe"), std::string::npos);
  int ends[2];
  const auto fill = [&] {
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], "12345", 5), 5);
    ::close(ends[1]);
    return StrCat("/dev/fd/", ends[0]);
  };
  EXPECT_EQ(ReadPipe(fill(), 5), "12345");
  ::close(ends[0]);
  EXPECT_NE(ErrorOf([&] { ReadPipe(fill(), 4); }).find("more than 4 bytes"), std::string::npos);
  ::close(ends[0]);
}

TEST_F(FileTest, NothingAppearsWithoutCommit) {
  WriteFileAtomic(folder_ / "kept", "old");
  {
    AtomicFile fresh(folder_ / "fresh"), kept(folder_ / "kept");
    fresh.Write("half");
    kept.Write("half");
    EXPECT_FALSE(fs::exists(folder_ / "fresh"));
    EXPECT_EQ(ReadFile(folder_ / "kept"), "old");
  }
  EXPECT_EQ(Names(), std::set<std::string>{"kept"});
  EXPECT_EQ(ReadFile(folder_ / "kept"), "old");
}

TEST_F(FileTest, CreatingInAFolderThatIsNotThereNamesTheFile) {
  const std::string message = ErrorOf([&] { WriteFileAtomic(folder_ / "no" / "file", "x"); });
  EXPECT_NE(message.find("no/file"), std::string::npos) << message;
  EXPECT_NE(message.find("No such file"), std::string::npos) << message;
}

// A file-size limit stands for the full disk: both make write() fail part of the way.
TEST_F(FileTest, AFullDiskLeavesTheOldFileAndSaysWhatToDo) {
  WriteFileAtomic(folder_ / "kept", "old");
  const int status = InChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{65536, 65536};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string big(200000, 'x');
    for (const char* name : {"kept", "fresh"}) {
      const std::string message = ErrorOf([&] { WriteFileAtomic(folder_ / name, big); });
      if (message.find(name) == std::string::npos) ::_exit(2);
      if (message.find("Free some space") == std::string::npos) ::_exit(3);
    }
    AppendFile log(folder_ / "log");
    if (ErrorOf([&] { log.Write(big); }).find("log") == std::string::npos) ::_exit(4);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReadFile(folder_ / "kept"), "old");
  EXPECT_EQ(Names(), (std::set<std::string>{"kept", "log"}));
}

TEST_F(FileTest, AKilledWriterLeavesOldOrNewContent) {
  for (const auto& [point, left] :
       {std::pair{"file-before-rename:1", "old"}, std::pair{"file-after-rename:1", "new"}}) {
    WriteFileAtomic(folder_ / "data", "old");
    const int status = InChild([&, point = point] {
      ::setenv("RETORT_KILL_AT", point, 1);
      WriteFileAtomic(folder_ / "data", "new");
    });
    EXPECT_TRUE(Killed(status)) << point;
    EXPECT_EQ(ReadFile(folder_ / "data"), left) << point;
  }
}

TEST_F(FileTest, AFaultPointCountsItsPassages) {
  const auto pass = [](const char* spec, int passages) {
    return InChild([=] {
      ::setenv("RETORT_KILL_AT", spec, 1);
      for (int i = 0; i < passages; ++i) FaultPoint("here");
    });
  };
  EXPECT_FALSE(Killed(pass("here:3", 2)));
  EXPECT_TRUE(Killed(pass("here:3", 3)));
  EXPECT_FALSE(Killed(pass("elsewhere:1", 9)));
  EXPECT_FALSE(Killed(pass("here", 9)));
}

TEST_F(FileTest, AppendingAddsLines) {
  for (const char* line : {"one\n", "two\n"}) {
    AppendFile log(folder_ / "log");
    log.Write(line);
    log.Sync();
  }
  EXPECT_EQ(ReadFile(folder_ / "log"), "one\ntwo\n");
}

TEST_F(FileTest, AMapShowsTheBytes) {
  WriteFileAtomic(folder_ / "data", "mapped");
  const MappedFile map(folder_ / "data");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(map.data()), map.size()), "mapped");
  WriteFileAtomic(folder_ / "empty", "");
  EXPECT_EQ(MappedFile(folder_ / "empty").size(), 0u);
}

TEST_F(FileTest, ATemporaryNameThatIsTakenIsLeftAlone) {
  // Somebody's link under the very name: following it would write to its target.
  const std::string name = StrCat(".data.tmp-", ::getpid());
  fs::create_symlink(folder_ / "target", folder_ / name);
  WriteFileAtomic(folder_ / "data", "new");
  EXPECT_EQ(ReadFile(folder_ / "data"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "target"));
  EXPECT_EQ(Names(), (std::set<std::string>{"data", name}));
}

// What others have put at the name of a file that Retort keeps is neither followed nor written to.
TEST_F(FileTest, OnlyAPlainFileIsAppendedTo) {
  WriteFileAtomic(folder_ / "theirs", "kept");
  fs::create_symlink(folder_ / "theirs", folder_ / "link");
  fs::create_symlink(folder_ / "nowhere", folder_ / "dangling");
  fs::create_hard_link(folder_ / "theirs", folder_ / "second");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "dangling", "second", "theirs", "pipe"}) {
    const std::string message = ErrorOf([&] { AppendFile(folder_ / name).Write("x"); });
    EXPECT_NE(message.find(StrCat(name, ": is a link, a pipe")), std::string::npos) << message;
  }
  EXPECT_EQ(ReadFile(folder_ / "theirs"), "kept");
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
}

}  // namespace
}  // namespace retort::file_test
