#include "base/folder.h"

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "tests/base/file_fixture.h"
#include "tests/support/error_of.h"

namespace retort::folder_test {
namespace {

class FolderTest : public FileTest {
 protected:
  static void WriteFolder(const fs::path& path, const std::string& content,
                          const std::string& owner = "me") {
    AtomicFolder folder(path, owner, {{"kind", "test"}});
    WriteFileAtomic(folder.temporary() / "inside", content);
    fs::create_directory(folder.temporary() / "sub");
    WriteFileAtomic(folder.temporary() / "sub" / "deep", content);
    folder.Commit();
  }
};

TEST_F(FolderTest, AppearsWholeAndReplacesTheOwnersOldOne) {
  WriteFolder(folder_ / "model", "old");
  EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), "old");
  {
    AtomicFolder abandoned(folder_ / "model", "me");
    WriteFileAtomic(abandoned.temporary() / "inside", "half");
  }
  EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), "old");
  WriteFolder(folder_ / "model/", "new");
  EXPECT_EQ(ReadFile(folder_ / "model" / "sub" / "deep"), "new");
  EXPECT_EQ(Names(), std::set<std::string>{"model"});
  const Json marker = ReadMarker(folder_ / "model");
  EXPECT_EQ(marker["kind"], "test");
  EXPECT_EQ(marker["files"], (Json{"inside", "sub/deep"}));
}

TEST_F(FolderTest, WhatOthersHaveAddedMovesOver) {
  WriteFolder(folder_ / "model", "old");
  WriteFileAtomic(folder_ / "model" / "notes", "mine");
  fs::create_directory(folder_ / "model" / "runs");
  WriteFileAtomic(folder_ / "model" / "runs" / "log", "mine too");
  WriteFileAtomic(folder_ / "model" / "sub" / "more", "and this");
  WriteFolder(folder_ / "model", "new");
  EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), "new");
  EXPECT_EQ(ReadFile(folder_ / "model" / "notes"), "mine");
  EXPECT_EQ(ReadFile(folder_ / "model" / "runs" / "log"), "mine too");
  EXPECT_EQ(ReadFile(folder_ / "model" / "sub.kept" / "more"), "and this");
  EXPECT_EQ(Names(), std::set<std::string>{"model"});
}

TEST_F(FolderTest, OnlyTheOwnersIsReplacedOrRemoved) {
  WriteFolder(folder_ / "theirs", "x", "somebody");
  fs::create_directory(folder_ / "plain");
  WriteFileAtomic(folder_ / "plain" / "inside", "x");
  WriteFileAtomic(folder_ / "file", "x");
  WriteFolder(folder_ / "mine", "x");
  fs::copy(folder_ / "mine", folder_ / "copy", fs::copy_options::recursive);
  fs::create_directory_symlink(folder_ / "mine", folder_ / "link");
  fs::create_directory(folder_ / "forged");
  WriteFileAtomic(folder_ / "forged" / kMarkerFile,
                  R"({"owner": "me", "name": "forged", "files": ["../plain/inside"]})");
  const auto before = Names();
  for (const char* name : {"theirs", "plain", "file", "copy", "link", "forged"}) {
    EXPECT_FALSE(IsOwned(folder_ / name, "me")) << name;
    for (const std::string& message : {ErrorOf([&] { WriteFolder(folder_ / name, "new"); }),
                                       ErrorOf([&] { RemoveOwnedFolder(folder_ / name, "me"); })}) {
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_NE(message.find("has not written it"), std::string::npos) << message;
    }
  }
  EXPECT_EQ(Names(), before);
  EXPECT_EQ(ReadFile(folder_ / "copy" / "inside"), "x");
  EXPECT_EQ(ReadFile(folder_ / "plain" / "inside"), "x");
  fs::create_directory(folder_ / "empty");
  WriteFolder(folder_ / "empty", "new");  // nothing of anybody's is in it
}

TEST_F(FolderTest, OneThatComesInTheWayLaterStaysToo) {
  AtomicFolder folder(folder_ / "model", "me");
  fs::create_directory(folder_ / "model");
  WriteFileAtomic(folder_ / "model" / "inside", "theirs");
  EXPECT_NE(ErrorOf([&] { folder.Commit(); }).find("in the way"), std::string::npos);
  EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), "theirs");
}

TEST_F(FolderTest, RemovingKeepsWhatOthersHaveAdded) {
  WriteFolder(folder_ / "a", "x");
  WriteFolder(folder_ / "b", "x");
  WriteFileAtomic(folder_ / "b" / "notes", "mine");
  for (const char* name : {"a", "b", "none"}) RemoveOwnedFolder(folder_ / name, "me");
  EXPECT_EQ(Names(), std::set<std::string>{"b"});
  EXPECT_EQ(ReadFile(folder_ / "b" / "notes"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "b" / "inside"));
}

TEST_F(FolderTest, AKilledWriterLeavesOldOrNewContentAndLeftoversGo) {
  for (const auto& [point, left] :
       {std::pair{"file-before-rename:1", "old"}, std::pair{"file-before-rename:2", "old"},
        std::pair{"folder-before-rename:1", "old"}, std::pair{"folder-exchanged:1", "new"},
        std::pair{"folder-after-rename:1", "new"}}) {
    WriteFolder(folder_ / "model", "old");
    WriteFileAtomic(folder_ / "model" / "notes", "mine");
    fs::create_directory(folder_ / ".model.tmp-backup");  // looks alike
    const int status = InChild([&, point = point] {
      ::setenv("RETORT_KILL_AT", point, 1);
      WriteFolder(folder_ / "model", "new");
    });
    EXPECT_TRUE(Killed(status)) << point;
    EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), left) << point;
    RemoveLeftovers(folder_, "model", "me");
    EXPECT_EQ(Names(), (std::set<std::string>{"model", ".model.tmp-backup"})) << point;
    EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), left) << point;
    EXPECT_EQ(ReadFile(folder_ / "model" / "notes"), "mine") << point;
    fs::remove_all(folder_ / "model");
  }
}

// As on a network share, which cannot exchange two folders in one step.
TEST_F(FolderTest, AKilledExchangeByRenamesIsMadeWhole) {
  for (const auto& [point, left] :
       {std::pair{"folder-aside:1", "old"}, std::pair{"folder-in-place:1", "new"}}) {
    WriteFolder(folder_ / "model", "old");
    WriteFileAtomic(folder_ / "model" / "notes", "mine");
    WriteFolder(folder_ / "fresh", "new");
    // Under its temporary name, as AtomicFolder has it at that time.
    std::string marker = ReadFile(folder_ / "fresh" / kMarkerFile);
    marker.replace(marker.find("fresh"), 5, "model");
    WriteFileAtomic(folder_ / "fresh" / kMarkerFile, marker);
    const fs::path fresh = folder_ / ".model.tmp-17";
    fs::rename(folder_ / "fresh", fresh);
    const int status = InChild([&, point = point] {
      ::setenv("RETORT_KILL_AT", point, 1);
      ExchangeByRenames(fresh, folder_ / "model");
    });
    EXPECT_TRUE(Killed(status)) << point;
    RemoveLeftovers(folder_, "model", "me");
    EXPECT_EQ(Names(), std::set<std::string>{"model"}) << point;
    EXPECT_EQ(ReadFile(folder_ / "model" / "inside"), left) << point;
    EXPECT_EQ(ReadFile(folder_ / "model" / "notes"), "mine") << point;
    EXPECT_TRUE(IsOwned(folder_ / "model", "me")) << point;
    fs::remove_all(folder_ / "model");
  }
}

TEST_F(FolderTest, ExchangingByRenamesExchanges) {
  WriteFolder(folder_ / "a", "1");
  WriteFolder(folder_ / "b", "2");
  ExchangeByRenames(folder_ / "a", folder_ / "b");
  EXPECT_EQ(ReadFile(folder_ / "a" / "inside"), "2");
  EXPECT_EQ(ReadFile(folder_ / "b" / "inside"), "1");
  EXPECT_EQ(Names(), (std::set<std::string>{"a", "b"}));
}

TEST_F(FolderTest, WhatSteppedAsideIsPutBackOnlyWhole) {
  WriteFolder(folder_ / "model", "old");
  const fs::path aside = folder_ / ".model.tmp-0-17";
  fs::rename(folder_ / "model", aside);
  fs::remove(aside / "inside");  // as in the middle of its removal
  RemoveLeftovers(folder_, "model", "me");
  EXPECT_EQ(Names(), std::set<std::string>{});
}

TEST_F(FolderTest, RemovingTakesANameThatIsFree) {
  WriteFolder(folder_ / "a", "x");
  const std::string taken = StrCat(".a.tmp-", ::getpid());
  fs::create_symlink(folder_ / "elsewhere", folder_ / taken);
  RemoveOwnedFolder(folder_ / "a", "me");
  EXPECT_EQ(Names(), std::set<std::string>{taken});
}

TEST_F(FolderTest, AKilledRemovalKeepsWhatOthersHaveAdded) {
  WriteFolder(folder_ / "model", "old");
  WriteFileAtomic(folder_ / "model" / "notes", "mine");
  EXPECT_TRUE(Killed(InChild([&] {
    ::setenv("RETORT_KILL_AT", "folder-removal:1", 1);
    RemoveOwnedFolder(folder_ / "model", "me");
  })));
  RemoveLeftovers(folder_, "model", "me");
  EXPECT_EQ(Names(), std::set<std::string>{"model"});
  EXPECT_EQ(ReadFile(folder_ / "model" / "notes"), "mine");
}

TEST_F(FolderTest, TheMarkerOfAnUnfinishedFolderGoesLast) {
  // Nothing can be removed from `sub`: a kill in the middle of the removal looks like this.
  {
    AtomicFolder folder(folder_ / "model", "me");
    const fs::path left = folder_ / ".model.tmp-1";
    fs::copy(folder.temporary(), left);
    fs::create_directory(left / "sub");
    WriteFileAtomic(left / "sub" / "inside", "x");
    fs::permissions(folder_, fs::perms::all);
    fs::permissions(left, fs::perms::all);
    fs::permissions(left / "sub", fs::perms::owner_read | fs::perms::owner_exec);
  }
  const int status = InChild([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(1);  // root may remove anything
    RemoveLeftovers(folder_, "model", "me");
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::exists(folder_ / ".model.tmp-1" / kMarkerFile));
  fs::permissions(folder_ / ".model.tmp-1" / "sub", fs::perms::owner_all);
  RemoveLeftovers(folder_, "model", "me");
  EXPECT_EQ(Names(), std::set<std::string>{});
}

TEST_F(FolderTest, LeftoversOfOthersStay) {
  for (const char* name : {".model.tmp-12", ".other.tmp-12"}) {
    fs::create_directory(folder_ / name);
    WriteFileAtomic(folder_ / name / "inside", "x");
  }
  WriteFileAtomic(folder_ / ".model.tmp-13", "a file of ours");
  RemoveLeftovers(folder_, "model", "me");
  EXPECT_EQ(Names(), (std::set<std::string>{".model.tmp-12", ".other.tmp-12"}));
}

// Watches from outside while folders replace each other: there is no moment without one.
TEST_F(FolderTest, AReplacedFolderIsNeverAbsent) {
  WriteFolder(folder_ / "model", "x");
  const pid_t writer = ::fork();
  if (writer == 0) {
    for (int i = 0; i < 30; ++i) WriteFolder(folder_ / "model", "x");
    ::_exit(0);
  }
  int status = 0, absent = 0;
  while (::waitpid(writer, &status, WNOHANG) == 0) absent += !fs::exists(folder_ / "model");
  EXPECT_EQ(absent, 0);
  EXPECT_TRUE(WIFEXITED(status));
}

TEST(NewOwner, IsNew) {
  EXPECT_EQ(NewOwner().size(), 32u);
  EXPECT_NE(NewOwner(), NewOwner());
}

}  // namespace
}  // namespace retort::folder_test
