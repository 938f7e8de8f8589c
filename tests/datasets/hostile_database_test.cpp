// Databases that a stranger made: endless views, triggers, virtual tables, giant cells, pages that
// name themselves.

#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.h"
#include "base/strings.h"
#include "tests/datasets/store_fixture.h"
#include "tests/support/trace_step.h"

namespace retort::datasets::hostile_database_test {
namespace {

using Mode = TraceStore::Mode;

constexpr const char* kEndless =
    " AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT ";

class HostileTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    TraceStore store(path_, Mode::kWrite);
    ids_ = store.AppendStep(MakeStep({store.CreateRun("r", Json::object()), 0, 0}));
  }

  /// What another program does to the file.
  void Tamper(const std::string& sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << message << " in " << sql;
    sqlite3_free(message);
    sqlite3_close(handle);
  }

  std::string Opening(Mode mode) const {
    return ErrorOf([&] { TraceStore(path_, mode, [] { return false; }); });
  }

  std::vector<int64_t> ids_;
};

TEST_F(HostileTest, WhatStandsForATableOrViewOfOursIsRefusedByName) {
  struct Case {
    const char* object;
    std::string sql;
    const char* said;
  };
  const std::string before = ReadFile(path_);
  for (const Case& c : std::vector<Case>{
           {"traces", StrCat("DROP VIEW traces; CREATE VIEW traces", kEndless, "i AS id FROM n"),
            "the view 'traces' in it is not the one"},
           {"TRACES", StrCat("DROP VIEW traces; CREATE VIEW TRACES", kEndless, "i AS id FROM n"),
            "the view 'traces' in it is not the one"},
           {"curves", StrCat("DROP VIEW curves; CREATE VIEW curves", kEndless, "i FROM n"),
            "the view 'curves'"},
           {"rescored", "DROP VIEW rescored; CREATE TABLE rescored(id)",
            "'rescored' is a table in it, expected a view"},
           {"completions",
            StrCat("ALTER TABLE completions RENAME TO c; CREATE VIEW completions", kEndless,
                   "i AS id FROM n"),
            "'completions' is a view in it, expected a table"},
           {"metrics", "DROP TABLE metrics; CREATE VIRTUAL TABLE metrics USING fts5(a)",
            "'metrics' is a virtual table in it, expected a table"},
           {"selections",
            "DROP TABLE selections; CREATE TABLE selections(id INTEGER PRIMARY KEY, filter TEXT AS "
            "(hex(zeroblob(100000000))), ids TEXT, hash TEXT, created TEXT)",
            "the table 'selections' in it is not the one"},
           {"layers", "DROP TABLE layers", "there is no table 'layers' in it"},
       }) {
    { std::ofstream(path_, std::ios::binary) << before; }
    Tamper(c.sql);
    for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
      const std::string said = Opening(mode);
      EXPECT_NE(said.find(StrCat(path_.string(), ": ", c.said)), std::string::npos)
          << c.object << ": " << said;
      EXPECT_NE(said.find("take the database from where it was written"), std::string::npos);
    }
  }
}

TEST_F(HostileTest, ATriggerIsRefusedWhereItWouldRun) {
  for (const std::string sql :
       {"CREATE TRIGGER t1 AFTER INSERT ON steps BEGIN DELETE FROM runs; END",
        "CREATE TABLE mine(a); CREATE TRIGGER t2 AFTER INSERT ON mine BEGIN DELETE FROM runs; END",
        "CREATE TRIGGER t3 INSTEAD OF INSERT ON traces BEGIN DELETE FROM runs; END"}) {
    Tamper(sql);
    const std::string said = Opening(Mode::kWrite);
    const std::string name = sql.substr(sql.find("TRIGGER ") + 8, 2);
    EXPECT_NE(said.find(StrCat("has a trigger, '", name, "' on '")), std::string::npos) << said;
    EXPECT_NE(said.find(StrCat("'DROP TRIGGER ", name, "'")), std::string::npos) << said;
    EXPECT_EQ(TraceStore(path_, Mode::kRead).Select({}).size(), ids_.size());
    Tamper("DROP TRIGGER " + name);
  }
  TraceStore(path_, Mode::kWrite).AppendStep(MakeStep({1, 0, 1}));
}

// Such an index runs its expression at each write.
TEST_F(HostileTest, AnIndexThatComputesIsRefusedWhereItWouldRun) {
  for (const std::string index :
       {"completions(lower(text))", "steps(step, zeroblob(100000000))",
        "verdicts(completion) WHERE score > 0", "runs(name) WHERE name LIKE '%a%'"}) {
    Tamper("CREATE INDEX \"my own\" ON " + index);
    const std::string said = Opening(Mode::kWrite);
    const std::string table = index.substr(0, index.find('('));
    EXPECT_NE(said.find(StrCat("'my own' on '", table, "'")), std::string::npos) << said;
    EXPECT_NE(said.find("'DROP INDEX \"my own\"'"), std::string::npos) << said;
    EXPECT_EQ(TraceStore(path_, Mode::kRead).Select({}).size(), ids_.size());
    Tamper("DROP INDEX \"my own\"");
  }
  TraceStore(path_, Mode::kWrite).AppendStep(MakeStep({1, 0, 1}));
}

// SQLite writes to its side files; of a WAL database even a reader does.
TEST_F(HostileTest, WhatIsPlantedAtASideFileIsLeftAlone) {
  namespace fs = std::filesystem;
  const fs::path theirs = folder_ / "theirs", link = folder_ / "link.db";
  WriteFileAtomic(theirs, "kept");
  fs::create_symlink(path_, link);
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    const std::string side = path_.string() + suffix;
    for (const std::string kind : {"hard link", "link", "dangling link", "pipe", "folder"}) {
      if (kind == "hard link") fs::create_hard_link(theirs, side);
      if (kind == "link") fs::create_symlink(theirs, side);
      if (kind == "dangling link") fs::create_symlink(folder_ / "nowhere", side);
      if (kind == "pipe") ::mkfifo(side.c_str(), 0600);
      if (kind == "folder") fs::create_directory(side);
      for (const fs::path& name : {path_, link}) {
        for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
          const std::string said = ErrorOf([&] { TraceStore(name, mode); });
          EXPECT_NE(said.find(StrCat(side, ": is a link, ")), std::string::npos) << kind << said;
          EXPECT_NE(said.find("Move it away"), std::string::npos) << said;
        }
      }
      EXPECT_EQ(ReadFile(theirs), "kept") << side << kind;
      fs::remove(side);
    }
  }
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  TraceStore(link, Mode::kWrite).AppendStep(MakeStep({1, 0, 1}));
}

TEST_F(HostileTest, OnlyARegularFileIsADatabase) {
  namespace fs = std::filesystem;
  const fs::path pipe = folder_ / "pipe", dangling = folder_ / "dangling";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink(folder_ / "nowhere", dangling);
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    for (const fs::path& name : {pipe, fs::path("/dev/zero")}) {
      const std::string said = ErrorOf([&] { TraceStore(name, mode); });
      EXPECT_NE(said.find(name.string() + ": is not a regular file"), std::string::npos) << said;
    }
    const std::string said = ErrorOf([&] { TraceStore(dangling, mode); });
    EXPECT_NE(said.find("a link to a file that is not there"), std::string::npos) << said;
  }
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
}

TEST_F(HostileTest, WhatAUserAddedStays) {
  Tamper(
      "CREATE TABLE notes(completion REFERENCES completions(id), note TEXT);"
      "INSERT INTO notes VALUES (1, 'good');"
      "CREATE INDEX by_length ON completions(length);"
      "CREATE INDEX by_note ON notes(lower(note)) WHERE note <> '';"
      "CREATE VIEW noted AS SELECT * FROM traces JOIN notes ON completion = id; ANALYZE");
  TraceStore store(path_, Mode::kWrite);
  store.AppendStep(MakeStep({1, 0, 1}));
  EXPECT_EQ(Cell(store, "SELECT note FROM noted"), "good");
  EXPECT_EQ(TraceStore(path_, Mode::kRead).Select({}).size(), 2 * ids_.size());
}

// A file of schema 1 is compared with schema 1; its views are never run.
TEST_F(HostileTest, AnOlderSchemaIsComparedWithItsOwn) {
  std::filesystem::remove(path_);
  Tamper(ReadFile(std::string(RETORT_SOURCE_DIR) + "/tests/datasets/schema1.sql") +
         StrCat("PRAGMA application_id = ", 0x52744F54, "; PRAGMA user_version = 1;"));
  Tamper(StrCat("DROP VIEW IF EXISTS traces; CREATE VIEW traces", kEndless, "i AS id FROM n"));
  EXPECT_EQ(TraceStore(path_, Mode::kRead).Select({}).size(), 6u);
  Tamper(StrCat("ALTER TABLE runs RENAME TO r; CREATE VIEW runs", kEndless, "i AS id FROM n"));
  for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
    EXPECT_NE(Opening(mode).find("'runs' is a view in it, expected a table"), std::string::npos);
  }
}

TEST_F(HostileTest, TheUsersOwnSqlEndsWhenItsTimeIsUp) {
  Tamper(StrCat("CREATE VIEW endless", kEndless, "i FROM n WHERE i < 0"));
  const TraceStore store(path_, Mode::kRead);
  const std::string said =
      ErrorOf([&] { store.Sql("SELECT * FROM endless", std::chrono::seconds(1)); });
  EXPECT_NE(said.find("the time for it is up"), std::string::npos) << said;
  EXPECT_EQ(Cell(store, "SELECT count(*) FROM traces"), "8");  // and goes on
}

TEST_F(HostileTest, AStatementStopsWhenItIsAskedTo) {
  bool stop = false;
  const TraceStore store(path_, Mode::kRead, [&] { return stop; });
  EXPECT_EQ(store.Select({}).size(), ids_.size());
  stop = true;
  EXPECT_THROW(store.Sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                         "SELECT count(*) FROM n",
                         std::chrono::hours(1)),
               Stopped);
}

TEST_F(HostileTest, AnAnswerIsBounded) {
  const TraceStore store(path_, Mode::kRead);
  const std::string said = ErrorOf([&] {
    store.Sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
        "hex(zeroblob(10000000)) FROM n");
  });
  EXPECT_NE(said.find("the answer is larger than 256 MiB"), std::string::npos) << said;
}

TEST_F(HostileTest, AGiantCellIsAnErrorAndNoMemory) {
  // 200 MB each; what lies beside them can be read.
  Tamper("UPDATE completions SET token_ids = zeroblob(200000000) WHERE id = 2");
  Tamper("UPDATE problems SET extra = CAST(zeroblob(200000000) AS TEXT) WHERE id = 2");
  const TraceStore store(path_, Mode::kRead);
  EXPECT_EQ(store.Stats().at(0).traces, 8);
  EXPECT_EQ(store.Read(1).text, MakeStep({1, 0, 0}).traces[0].text);
  for (const int64_t id : {2, 8}) {
    const std::string said = ErrorOf([&] { store.Read(id); });
    EXPECT_NE(said.find("larger than 128 MiB"), std::string::npos) << said;
  }
  EXPECT_NE(ErrorOf([&] { store.Sql("SELECT extra FROM problems"); }).find("128 MiB"),
            std::string::npos);
}

TEST_F(HostileTest, WhatIsTooLargeIsNotStoredAsNothing) {
  TraceStore store(path_, Mode::kWrite);
  TraceStep record = MakeStep({1, 0, 1});
  record.traces[0].text = std::string((128 << 20) + 1, 'x');
  const std::string said = ErrorOf([&] { store.AppendStep(record); });
  EXPECT_NE(said.find("cannot write: a text, blob or row is larger than 128 MiB"),
            std::string::npos)
      << said;
  EXPECT_EQ(store.Select({}).size(), ids_.size());
}

// Interior pages whose children are one page over and over: a table of endless rows in a small
// file, without any SQL of its own.
TEST_F(HostileTest, PagesThatRepeatDoNotKeepAReaderBusy) {
  Tamper(
      "PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = OFF;"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) "
      "INSERT INTO steps SELECT 1, i, 0, 'x' FROM n;");
  const auto root = static_cast<size_t>(std::stoi(Cell(
      TraceStore(path_, Mode::kRead), "SELECT rootpage FROM sqlite_master WHERE name = 'steps'")));
  constexpr size_t kPage = 4096;
  std::string file = ReadFile(path_);
  const auto get = [](const std::string& bytes, size_t at, size_t width) {
    size_t value = 0;
    for (size_t i = at; i < at + width; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  };
  const auto put = [](std::string& bytes, size_t at, size_t value) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  // The root again and again, each time with the last copy as every child.
  std::string top = file.substr((root - 1) * kPage, kPage);
  ASSERT_EQ(top[0], 2) << "an interior page";
  size_t child = get(top, 8, 4);
  for (int depth = 0; depth < 8; ++depth) {
    put(top, 8, child);
    for (size_t cell = 0; cell < get(top, 3, 2); ++cell)
      put(top, get(top, 12 + 2 * cell, 2), child);
    file += top;
    child = file.size() / kPage;
  }
  file.replace((root - 1) * kPage, kPage, top);
  put(file, 28, child);
  WriteFileAtomic(path_, file);

  const TraceStore store(path_, Mode::kRead);
  TraceFilter filter;
  filter.stage = "none";
  const std::string said = ErrorOf([&] { store.CheckFilter(filter); });
  EXPECT_NE(said.find("takes more work than the "), std::string::npos) << said;
}

}  // namespace
}  // namespace retort::datasets::hostile_database_test
