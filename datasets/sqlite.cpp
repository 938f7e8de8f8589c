#include "datasets/internal/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "datasets/trace_store.h"

namespace retort::datasets {
namespace fs = std::filesystem;
namespace {

constexpr uintmax_t kWalHeader = 32;  // bytes; frames follow
constexpr int kLargest = 128 << 20;   // bytes of a text, blob or row
constexpr int64_t kHeap = 1 << 30;    // bytes that SQLite may use
constexpr int kWorkBetweenLooks = 4096;
// Many times what our statements need, which take each row once.
constexpr int64_t kWork = 200'000'000, kWorkPerByte = 50;

constexpr std::pair<int, int> kSettings[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};
constexpr std::pair<int, int> kLimits[] = {
    {SQLITE_LIMIT_LENGTH, kLargest},          {SQLITE_LIMIT_SQL_LENGTH, 1'000'000},
    {SQLITE_LIMIT_EXPR_DEPTH, 200},           {SQLITE_LIMIT_COMPOUND_SELECT, 100},
    {SQLITE_LIMIT_VDBE_OP, 1'000'000},        {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},  // cascades
};

int MustEnd(void* watch) {
  Watch& bounds = *static_cast<Watch*>(watch);
  bounds.work += kWorkBetweenLooks;
  return !bounds.Reason().empty();
}

int64_t SizeOf(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

// SQLite writes these, of a WAL database even to read it: what was planted there would be
// destroyed. They are not opened: closing one would drop the locks that this process has on it.
void CheckSideFiles(const fs::path& path) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    const std::string side = path.string() + suffix;
    struct stat status {};
    if (::lstat(side.c_str(), &status) != 0) continue;
    RETORT_CHECK(S_ISREG(status.st_mode) && status.st_nlink <= 1, side,
                 ": is a link, a folder, a pipe or a device, or has a second name (a hard link), "
                 "where SQLite keeps a file of its own, so the database is not opened. Move it "
                 "away, or copy the database to a folder of yours");
  }
}

// What makes SQLite look for no other file and take no lock.
std::string ImmutableUri(const fs::path& path) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("/-_.", c)) {
      uri += c;
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
      uri += escaped;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

std::string Watch::Reason() const {
  if (stop && stop()) return "stopped";
  if (deadline) {
    return std::chrono::steady_clock::now() < *deadline
               ? ""
               : "the time for it is up (--seconds of retort traces sql)";
  }
  if (work <= kWork) return "";
  const int64_t size = SizeOf(file) + SizeOf(file.string() + "-wal");
  if ((work - kWork) / kWorkPerByte <= size) return "";
  return StrCat("it takes more work than the ", size,
                " bytes of the file can need; it is damaged, or was made to keep readers busy. Do "
                "not use it");
}

Database::Database(fs::path path, std::function<bool()> stop)
    : path_(std::move(path)), watch_(new Watch{.file = path_, .stop = std::move(stop)}) {}

Database Database::InMemory() {
  Database database("memory", nullptr);
  database.Open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  return database;
}

Database::Database(const fs::path& path, bool write, std::function<bool()> stop)
    : Database(path, std::move(stop)) {
  const std::string name = path.string();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  RETORT_CHECK(!error || status.type() == fs::file_type::not_found, name, ": ", error.message(),
               "; check the permissions of the folders above it");
  RETORT_CHECK(!fs::is_directory(status), name,
               ": is a folder, expected a trace database file such as ", name, "/traces.db");
  RETORT_CHECK(!fs::exists(status) || fs::is_regular_file(status), name,
               ": is not a regular file, expected a trace database file; choose another file");
  RETORT_CHECK(fs::exists(status) || !fs::is_symlink(fs::symlink_status(path, error)), name,
               ": is a link to a file that is not there; remove it, or name the file itself");
  // They stand beside the file that a link leads to.
  CheckSideFiles(fs::exists(status) ? fs::canonical(path) : path);
  if (write) {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    RETORT_CHECK(fs::is_directory(folder), name, ": cannot be created: there is no folder ",
                 folder.string(), "; create it first");
    // SQLite keeps what is newest beside the name that it was opened by.
    RETORT_CHECK(!fs::is_regular_file(status) || fs::hard_link_count(path) == 1, name,
                 ": has a second name (a hard link), and writers under two names destroy a "
                 "database. Remove the other name, or make a copy instead of a link");
  } else {
    RETORT_CHECK(fs::exists(status), name,
                 ": no such trace database; check the path, or run a recipe ", "that writes it");
  }
  if (!write) {
    OpenForReading();
    return;
  }
  Open(name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  RETORT_CHECK(sqlite3_db_readonly(handle_.get(), "main") == 0, name,
               ": is read-only; make the file writable or choose another output folder");
}

void Database::Open(const std::string& name, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) FailWith("open", code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 30'000);
  sqlite3_hard_heap_limit64(kHeap);
  for (const auto& [setting, value] : kSettings) {
    RETORT_CHECK(sqlite3_db_config(handle, setting, value, nullptr) == SQLITE_OK, name,
                 ": this SQLite (", sqlite3_libversion(),
                 ") cannot open it safely; install a newer one");
  }
  for (const auto& [limit, value] : kLimits) sqlite3_limit(handle, limit, value);
  sqlite3_progress_handler(handle, kWorkBetweenLooks, MustEnd, watch_.get());
  Execute("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
}

void Database::OpenForReading() {
  Open(path_.string(), SQLITE_OPEN_READONLY);
  // In WAL mode even a reader needs -shm beside the file. The first read tells whether it has it.
  const int code = sqlite3_exec(handle_.get(), "PRAGMA schema_version", nullptr, nullptr, nullptr);
  const int kind = code & 0xff;
  if (kind != SQLITE_CANTOPEN && kind != SQLITE_READONLY && kind != SQLITE_PERM) return;
  const fs::path wal = path_.string() + "-wal";
  std::error_code error;
  const uintmax_t size = fs::exists(wal, error) ? fs::file_size(wal, error) : 0;
  RETORT_CHECK(!error && size <= kWalHeader, path_.string(), ": cannot be read here, because ",
               wal.string(),
               " holds steps that are not in it yet and its folder cannot be written. Copy the "
               "database, its -wal and its -shm to a folder of yours and read the copy");
  Open(ImmutableUri(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

void Database::FailWith(const std::string& what, int code) const {
  const char* message = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const char* remedy = "";
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
      remedy =
          "; nothing of this write was kept. Free disk space (or raise the file-size limit), "
          "then resume";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      remedy = "; another process is writing to it, wait until it is done";
      break;
    case SQLITE_ERROR:  // a table or column of the schema is missing
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      remedy =
          "; expected a trace database written by retort, restore it from a copy or choose "
          "another file";
      break;
    case SQLITE_CANTOPEN:
      remedy =
          "; check that the file and its folder may be read and written (files ending in -wal and "
          "-shm live beside it)";
      break;
    case SQLITE_INTERRUPT:
      if (watch_->stop && watch_->stop()) throw Stopped(path_.string() + ": interrupted");
      Fail(path_.string(), ": cannot ", what, ": ", watch_->Reason());
    case SQLITE_TOOBIG:
      Fail(path_.string(), ": cannot ", what, ": a text, blob or row is larger than ",
           kLargest >> 20, " MiB, which no trace needs. Leave it out, or use another database");
    case SQLITE_NOMEM:
      Fail(path_.string(), ": cannot ", what, ": SQLite needs more than ", kHeap >> 20,
           " MiB of memory for it");
    default:
      break;
  }
  Fail(path_.string(), ": cannot ", what, ": ", message, remedy);
}

void Database::Execute(const std::string& sql) {
  watch_->work = 0;
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) FailWith("run '" + sql.substr(0, sql.find('\n')) + "'", code);
}

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) database.FailWith("read it as a trace database", code);
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

void Statement::Bind(int index, int64_t value) { sqlite3_bind_int64(handle(), index, value); }

void Statement::Bind(int index, double value) { sqlite3_bind_double(handle(), index, value); }

void Statement::Bind(int index, std::string_view value) {
  CheckBound(sqlite3_bind_text64(handle(), index, value.data() ? value.data() : "", value.size(),
                                 SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::Bind(int index, Blob value) {
  CheckBound(sqlite3_bind_blob64(handle(), index, value.size ? value.data : "", value.size,
                                 SQLITE_TRANSIENT));
}

void Statement::CheckBound(int code) const {
  if (code != SQLITE_OK) database_->FailWith("write", code);
}

void Statement::Bind(int index, std::nullptr_t) { sqlite3_bind_null(handle(), index); }

bool Statement::Step() {
  Watch& watch = database_->watch();
  watch.work = work_;
  const int code = sqlite3_step(handle());
  work_ = watch.work;
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE)
    database_->FailWith(sqlite3_stmt_readonly(handle()) ? "read" : "write", code);
  return false;
}

void Statement::Run() {
  while (Step()) {
  }
}

void Statement::Reset() {
  sqlite3_reset(handle());
  work_ = 0;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(handle(), column); }

double Statement::Real(int column) const {
  return IsNull(column) ? std::nan("") : sqlite3_column_double(handle(), column);
}

std::optional<double> Statement::MaybeReal(int column) const {
  if (IsNull(column)) return std::nullopt;
  return sqlite3_column_double(handle(), column);
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle(), column));
  CheckRead(text);
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(handle(), column))) : "";
}

// Where there was no memory to convert a value, it looks like NULL.
void Statement::CheckRead(const void* value) const {
  if (!value && sqlite3_errcode(database_->handle()) == SQLITE_NOMEM) {
    database_->FailWith("read", SQLITE_NOMEM);
  }
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle(), column) == SQLITE_NULL;
}

Blob Statement::Bytes(int column) const {
  const void* data = sqlite3_column_blob(handle(), column);
  CheckRead(data);
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle(), column))};
}

// IMMEDIATE takes the write lock now: two writers meet here, not in the middle of their inserts.
Transaction::Transaction(Database& database) : database_(database) {
  database.Execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::Commit() {
  FaultPoint("db-in-transaction");
  database_.Execute("COMMIT");
  open_ = false;
  FaultPoint("db-after-commit");
}

}  // namespace retort::datasets
