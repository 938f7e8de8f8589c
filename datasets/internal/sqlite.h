#pragma once
// A thin owner of SQLite's handles, private to this room. Every failure throws Error naming the
// file. Not thread-safe: one Database per thread.
//
// A file may come from a stranger. On every connection SQLite's defensive mode is on; triggers,
// extensions, tokenizers by address, writes to the schema and functions with side effects in it are
// off; what stands at the names of its -wal, -shm and -journal has to be a file of one name; texts,
// blobs and rows are at most 128 MiB, the memory of SQLite at most 1 GiB; and a Watch
// ends statements that would not end by themselves.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace retort::datasets {

/// What ends a statement while it runs.
struct Watch {
  std::filesystem::path file;
  std::function<bool()> stop = {};  ///< asked often; true: end it. May be empty
  /// For the user's own SQL. Without one, a statement may do the work that a file of this size can
  /// need, and no more.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  int64_t work = 0;  ///< instructions of SQLite's machine so far, of the statement that runs

  /// Why the statement must end now; empty: it may go on.
  std::string Reason() const;
};

class Database {
 public:
  /// Opens (or, with `write`, creates) the file. WAL is switched on for writers. A reader that may
  /// not write beside the file (read-only media, another user's folder) reads it as it is, which is
  /// whole only where no `-wal` holds steps; where one does, that is an Error. `stop` as in Watch.
  Database(const std::filesystem::path& path, bool write, std::function<bool()> stop = {});
  /// An empty database in memory.
  static Database InMemory();

  const std::filesystem::path& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }
  Watch& watch() const { return *watch_; }
  /// Runs statements that return nothing.
  void Execute(const std::string& sql);
  /// Throws Error "PATH: cannot WHAT: SQLite's message", with the remedy for a full disk or a lock.
  [[noreturn]] void FailWith(const std::string& what, int code) const;

 private:
  Database(std::filesystem::path path, std::function<bool()> stop);
  void Open(const std::string& name, int flags);
  void OpenForReading();

  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::filesystem::path path_;
  std::unique_ptr<Watch> watch_;  // SQLite holds its address
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Bytes bound or read as a blob.
struct Blob {
  const void* data;
  size_t size;
};

/// A prepared statement; parameters count from 1, columns from 0. Must not outlive its Database.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);
  /// Takes over a handle that was prepared elsewhere; it may be null.
  Statement(const Database& database, sqlite3_stmt* handle)
      : database_(&database), handle_(handle) {}

  void Bind(int index, int64_t value);
  void Bind(int index, double value);  ///< NaN is stored as NULL
  void Bind(int index, std::string_view value);
  void Bind(int index, Blob value);
  void Bind(int index, std::nullptr_t);
  template <class T>
  void Bind(int index, const std::optional<T>& value) {  ///< NULL when empty
    value ? Bind(index, *value) : Bind(index, nullptr);
  }

  /// Binds all parameters from the first and forgets an earlier result.
  template <class... Args>
  Statement& With(const Args&... args) {
    Reset();
    int index = 0;
    (Bind(++index, args), ...);
    return *this;
  }
  /// True while there is a row.
  bool Step();
  /// Steps to the end of a statement that returns nothing.
  void Run();
  void Reset();

  int64_t Int(int column) const;
  double Real(int column) const;  ///< NULL reads as NaN
  std::optional<double> MaybeReal(int column) const;
  std::string Text(int column) const;
  bool IsNull(int column) const;
  /// Valid until the next Step or Reset.
  Blob Bytes(int column) const;
  sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  void CheckBound(int code) const;
  void CheckRead(const void* value) const;

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int64_t work_ = 0;  // since the last Reset
};

/// A write transaction: rolled back unless committed. Passes the fault points "db-in-transaction"
/// just before the commit and "db-after-commit" after it.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void Commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace retort::datasets
