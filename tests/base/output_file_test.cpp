// What the name of an output means, kind by kind.
#include "base/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/folder.h"
#include "tests/support/error_of.h"

namespace retort::output_file_test {
namespace {
namespace fs = std::filesystem;

class OutputFileTest : public ::testing::Test {
 protected:
  fs::path Path(const std::string& name) const { return folder_.path() / name; }
  fs::path Write(const std::string& name, const std::string& text) const {
    fs::create_directories(Path(name).parent_path());
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }
  static void Put(const fs::path& name, const std::string& text,
                  const std::vector<fs::path>& inputs = {}) {
    OutputFile out(OutputTarget(name, inputs));
    out.Write(text);
    out.Commit();
  }
  /// Putting is refused, the message has `part`, and what is there stays.
  void ExpectRefused(const fs::path& name, const std::vector<fs::path>& inputs,
                     const std::string& part) {
    std::error_code ignored;
    const bool file = fs::is_regular_file(name, ignored);
    const std::string before = file ? ReadFile(name) : "";
    const std::string message = ErrorOf([&] { Put(name, "new", inputs); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_NE(message.find(name.string()), std::string::npos) << message;
    EXPECT_EQ(file ? ReadFile(name) : "", before);
  }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  /// What reaches the descriptor while `body` runs.
  static std::string Captured(int descriptor, const std::function<void()>& body) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const int kept = ::dup(descriptor);
    ::dup2(ends[1], descriptor);
    ::close(ends[1]);
    body();
    ::dup2(kept, descriptor);
    ::close(kept);
    std::string text(100, '\0');
    const ssize_t size = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

  TemporaryFolder folder_;
};

bool IsLink(const fs::path& path) { return fs::is_symlink(fs::symlink_status(path)); }

TEST_F(OutputFileTest, AFileIsReplacedWholeOrNotAtAll) {
  Write("kept", "old");
  {
    OutputFile kept(OutputTarget(Path("kept"), {})), fresh(OutputTarget(Path("fresh"), {}));
    kept.Write("half");
    fresh.Write("half");
    EXPECT_FALSE(fs::exists(Path("fresh")));
    EXPECT_EQ(ReadFile(Path("kept")), "old");
  }
  EXPECT_EQ(Names(), std::set<std::string>{"kept"});
  Put(Path("kept"), "new");
  EXPECT_EQ(ReadFile(Path("kept")), "new");
  EXPECT_EQ(Names(), std::set<std::string>{"kept"});
}

TEST_F(OutputFileTest, AFileKeepsItsMode) {
  Write("kept", "old");
  fs::permissions(Path("kept"), fs::perms{0640});
  Put(Path("kept"), "new");
  EXPECT_EQ(fs::status(Path("kept")).permissions(), fs::perms{0640});
  const mode_t before = ::umask(0027);
  Put(Path("fresh"), "new");
  ::umask(before);
  EXPECT_EQ(fs::status(Path("fresh")).permissions(), fs::perms{0640});
}

TEST_F(OutputFileTest, ALinkStaysOneAndItsTargetIsReplaced) {
  fs::create_directory(Path("inner"));
  Write("inner/target", "old");
  fs::create_symlink("inner/target", Path("link"));
  fs::create_symlink("link", Path("second"));
  fs::create_symlink("inner/absent", Path("dangling"));
  fs::create_symlink("loop", Path("loop"));
  Put(Path("second"), "new");
  EXPECT_EQ(ReadFile(Path("inner/target")), "new");
  EXPECT_TRUE(IsLink(Path("link")) && IsLink(Path("second")));
  Put(Path("dangling"), "made");
  EXPECT_EQ(ReadFile(Path("inner/absent")), "made");
  EXPECT_TRUE(IsLink(Path("dangling")));
  ExpectRefused(Path("loop"), {}, "symbolic links");
}

TEST_F(OutputFileTest, APipeIsWrittenThrough) {
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] {
    std::ifstream in(Path("pipe"));
    got.assign(std::istreambuf_iterator<char>(in), {});
  });
  Put(Path("pipe"), "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(Path("pipe")));
}

TEST_F(OutputFileTest, ADeviceIsWrittenThrough) {
  Put("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  fs::create_symlink("/dev/null", Path("null"));
  Put(Path("null"), "gone");
  EXPECT_TRUE(fs::is_character_file(Path("null")));
  const std::string full = ErrorOf([] { Put("/dev/full", "x"); });
  EXPECT_NE(full.find("Free some space"), std::string::npos) << full;
}

TEST_F(OutputFileTest, NamesOfDescriptorsMeanThem) {
  const fs::file_type before = fs::symlink_status("/dev/stdout").type();
  fs::create_symlink("/dev/stdout", Path("link"));
  for (const fs::path& name : std::vector<fs::path>{
           "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1",
           "/dev/../dev/fd/1", StrCat("/proc/", ::getpid(), "/fd/1"), Path("link")}) {
    EXPECT_EQ(Captured(STDOUT_FILENO, [&] { Put(name, "seen"); }), "seen") << name;
    EXPECT_TRUE(OutputTarget(name, {}).is_standard_output()) << name;
  }
  EXPECT_EQ(Captured(STDERR_FILENO, [&] { Put("/dev/stderr", "seen"); }), "seen");
  EXPECT_EQ(Captured(57, [&] { Put("/dev/fd/57", "seen"); }), "seen");
  EXPECT_EQ(fs::symlink_status("/dev/stdout").type(), before);
  EXPECT_NE(ErrorOf([] { Put("/dev/fd/987654", "x"); }), "(no error)");
}

// As with `> file`: what is already there is neither replaced nor cut.
TEST_F(OutputFileTest, StandardOutputThatIsAFileIsWrittenOn) {
  Write("log", "before ");
  const int kept = ::dup(STDOUT_FILENO);
  const int log = ::open(Path("log").c_str(), O_WRONLY | O_APPEND);
  ::dup2(log, STDOUT_FILENO);
  Put("/dev/stdout", "after");
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  ::close(log);
  EXPECT_EQ(ReadFile(Path("log")), "before after");
}

TEST_F(OutputFileTest, AReaderThatHasGoneIsNoOrdinaryError) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  OutputFile out(OutputTarget(StrCat("/dev/fd/", ends[1]), {}));
  EXPECT_THROW(out.Write("x"), BrokenPipe);
  ::close(ends[1]);
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_F(OutputFileTest, FoldersAndMissingFoldersAreErrors) {
  ExpectRefused(folder_.path(), {}, "is a folder");
  ExpectRefused(folder_.path().string() + "/", {}, "is a folder");
  ExpectRefused(Path("no/file"), {}, "make it first");
  EXPECT_TRUE(Names().empty());
}

TEST_F(OutputFileTest, InputsAreNeverReplaced) {
  const fs::path input = Write("rows.jsonl", "rows");
  fs::create_hard_link(input, Path("same"));
  fs::create_symlink("rows.jsonl", Path("link"));
  for (const char* name : {"rows.jsonl", "same", "link"}) {
    ExpectRefused(Path(name), {Write("other", ""), input},
                  "is an input of this command (" + input.string());
  }
  EXPECT_EQ(ReadFile(input), "rows");
  Write("base.db", "x");
  Write("base.db-wal", "log");
  ExpectRefused(Path("base.db-wal"), {Path("base.db")}, "is an input");
  Put(Path("other"), "new", {input});
  EXPECT_EQ(ReadFile(Path("other")), "new");
  // A terminal or /dev/null may be both ends.
  Put("/dev/null", "x", {"/dev/null"});
}

TEST_F(OutputFileTest, FilesOfAnInputFolderAreInputs) {
  Write("model/config.json", "{}");
  Write("model/eval.jsonl", "what an earlier command left");
  ExpectRefused(Path("model/config.json"), {Path("model")}, "is an input");
  ExpectRefused(Path("model/../model/config.json"), {Path("model/")}, "is an input");
  Put(Path("model/eval.jsonl"), "new", {Path("model")});
  Put(Path("model/new.json"), "new", {Path("model")});
}

TEST_F(OutputFileTest, FilesOfARunAreNeverReplaced) {
  for (const char* marker : {"marked/retort.json", "unmarked/traces.db"}) {
    const fs::path run = Write(marker, "").parent_path();
    Write((run / "final/config.json").string(), "{}");
    for (const char* name :
         {"recipe.json", "stages.json", "metrics.jsonl", "retort.json", "traces.db",
          "traces.db-wal", "final/config.json", "final/new", "tb/events", "checkpoint-5/x"}) {
      ExpectRefused(Write((run / name).string(), "kept"), {}, "in a run directory");
    }
    Put(run / "export.jsonl", "mine");
    Put(run / "export.jsonl", "again");
    EXPECT_EQ(ReadFile(run / "export.jsonl"), "again");
  }
  Put(Write("plain/metrics.jsonl", "no run"), "new");
}

TEST_F(OutputFileTest, TraceDatabasesAreNeverReplaced) {
  std::string header("SQLite format 3\0", 16);
  header.resize(100, '\0');
  const fs::path other = Write("other.db", header);
  Put(other, "not Retort's");
  header.replace(68, 4, "RtOT");
  Write("copy.sqlite", header);
  Write("copy.sqlite-wal", "frames");
  ExpectRefused(Path("copy.sqlite"), {}, "trace database");
  ExpectRefused(Path("copy.sqlite-wal"), {}, "trace database");
}

TEST_F(OutputFileTest, APartialFileStaysAndIsGoneOnWith) {
  const OutputTarget target(Path("out"), {});
  const fs::path partial = OutputFile::PartialOf(target);
  {
    OutputFile out(target, OutputFile::Growth::kPartial);
    out.Write("one\ntw");
    EXPECT_NE(ErrorOf([&] { OutputFile(target, 0); }).find("another process"), std::string::npos);
  }
  EXPECT_EQ(Names(), std::set<std::string>{"out.partial"});
  EXPECT_THROW(OutputFile(target, OutputFile::Growth::kPartial), Error);
  OutputFile out(target, 4);
  out.Write("two\n");
  out.Commit();
  EXPECT_EQ(ReadFile(Path("out")), "one\ntwo\n");
  EXPECT_EQ(Names(), std::set<std::string>{"out"});
  OutputFile discarded(target, OutputFile::Growth::kPartial);
  discarded.Discard();
  EXPECT_EQ(Names(), std::set<std::string>{"out"});
}

TEST_F(OutputFileTest, WhatIsAtTheNameItGrowsUnderIsLeftAlone) {
  const fs::path theirs = Write("theirs", "kept"), partial = Path("out.partial");
  const fs::path hidden = Path(StrCat(".out.tmp-", ::getpid()));
  const auto plant = [&](const std::string& kind, const fs::path& name) {
    if (kind == "hard link") return fs::create_hard_link(theirs, name);
    fs::create_symlink(kind == "link" ? theirs : Path("nowhere"), name);
  };
  for (const std::string kind : {"link", "link to nothing", "hard link"}) {
    SCOPED_TRACE(kind);
    plant(kind, hidden);
    plant(kind, partial);
    Put(Path("out"), "new");
    EXPECT_EQ(ReadFile(Path("out")), "new");
    const OutputTarget target(Path("out"), {});
    const std::string fresh = ErrorOf([&] { OutputFile(target, OutputFile::Growth::kPartial); });
    EXPECT_NE(fresh.find("out.partial: is in the way"), std::string::npos) << fresh;
    const std::string resumed = ErrorOf([&] { OutputFile(target, 0); });
    EXPECT_NE(resumed.find("out.partial: is a link"), std::string::npos) << resumed;
    EXPECT_EQ(ReadFile(theirs), "kept");
    EXPECT_EQ(Names(), (std::set<std::string>{"theirs", "out", "out.partial", hidden.filename()}));
    for (const fs::path& name : {hidden, partial}) fs::remove(name);
  }
}

}  // namespace
}  // namespace retort::output_file_test
