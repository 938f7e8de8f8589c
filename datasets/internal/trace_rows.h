#pragma once
// How a Trace becomes rows and rows become a Trace; private to this room.

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/records.h"
#include "datasets/internal/sqlite.h"
#include "datasets/trace_store.h"

namespace retort::datasets {

struct TraceStore::Impl {
  Database database;
};

/// Numbers as they lie in memory.
template <class T>
Blob AsBlob(const std::vector<T>& values) {
  return {values.data(), values.size() * sizeof(T)};
}

template <class T>
std::vector<T> FromBlob(Blob blob) {
  RETORT_CHECK(blob.size % sizeof(T) == 0, "trace database: a blob of ", blob.size,
               " bytes cannot hold elements of ", sizeof(T), "; the file is damaged");
  std::vector<T> values(blob.size / sizeof(T));
  if (blob.size) std::memcpy(values.data(), blob.data, blob.size);
  return values;
}

/// Writes the samples of one step inside the caller's transaction; returns their ids.
std::vector<int64_t> InsertSamples(const Database& database, const StepRecord& record);
void InsertVerdicts(Statement& insert, int64_t completion,
                    const std::vector<NamedVerdict>& verdicts);
/// For InsertVerdicts.
constexpr const char* kInsertVerdict = "INSERT INTO verdicts VALUES (?,?,?,?,?,?,?)";

/// What tells problems apart (16 bytes); `extra` is theirs as it is stored.
std::string FingerprintOfProblem(const Problem& problem, const std::string& extra);

/// The columns problem_id, family, prompt, answer, solution, canonical, difficulty, from `first`
/// on.
Problem ProblemAt(const Statement& row, int first);

/// Reads traces from the tables with this prefix ("" or "replay_").
class TraceReader {
 public:
  /// `where` is a condition on `c` (completions); its parameters are bound through statement().
  TraceReader(const Database& database, const std::string& prefix, const std::string& where);
  Statement& statement() { return traces_; }
  /// False after the last trace.
  bool Next(Trace& trace);
  /// What is left, in order.
  std::vector<Trace> All();
  /// Reads verdicts, reward and advantage of this layer instead.
  void TakeVerdictsOf(int64_t layer);

 private:
  void ReadLayer(Trace& trace);

  const Database& database_;
  bool old_turns_ = false;          // the file is of schema 2 or older
  std::optional<Statement> layer_;  // reward and advantage
  int64_t layer_id_ = 0;
  Statement traces_, verdicts_;
};

}  // namespace retort::datasets
