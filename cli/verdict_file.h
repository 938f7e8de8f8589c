#pragma once
// What `retort score --out` writes: verdicts row by row, so that an interrupted run can be gone on
// with.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/lock.h"
#include "base/output_file.h"
#include "datasets/jsonl.h"
#include "verifiers/score.h"

namespace retort::cli {

/// A regular file grows as NAME.partial and gets its name at the end. Beside it NAME.partial.rows
/// records at each Flush how many rows it holds, in how many bytes, what they were and with what
/// settings they were judged. A pipe or device gets them then and has neither.
class VerdictFile {
 public:
  /// `settings` names all that verdicts depend on beside the rows. With `resume` goes on with what
  /// an earlier run left, cut back to its last record; starts anew when there is nothing.
  /// Throws Error when something is there without `resume`, when it has other settings, and when
  /// another process is writing it.
  VerdictFile(const OutputTarget& target, std::string settings, bool resume);
  /// What holds verdicts stays, for --resume; what holds none goes.
  ~VerdictFile();

  /// What a regular file has beside it meanwhile: NAME.partial and NAME.partial.rows.
  static std::vector<std::filesystem::path> PlacesBeside(const OutputTarget& target);

  /// Rows whose verdicts are there already: the first so many.
  int64_t kept_rows() const { return kept_rows_; }
  /// The verdicts on one of them; none of a bad line. Called in the order of rows, by their lines'
  /// numbers.
  std::vector<verifiers::ScoredResponse> Kept(int64_t number);
  /// The next row: what it was, and its lines, which a kept row has already. Throws Error when the
  /// kept rows were others than those given now.
  void Add(uint64_t row, std::string_view lines);
  /// The rows added so far are safe.
  void Flush();
  void Commit();
  void Discard();
  /// Where what is done stands, and how to go on; "" where there is nothing to go on with.
  std::string HowToGoOn() const;
  [[noreturn]] void FailOtherRows() const;

 private:
  struct Record {
    int64_t rows = 0, bytes = 0;
    std::string inputs, settings;
  };
  static std::string RecordLine(const Record& record);
  void Start(const OutputTarget& target);
  void Resume(const OutputTarget& target);
  void WriteRecord();

  std::optional<WriterLock> lock_;
  std::filesystem::path partial_, record_path_;  // "" of a stream
  std::string settings_;
  std::optional<OutputFile> out_;
  std::optional<AppendFile> record_;
  std::optional<datasets::JsonlReader> kept_;  // the verdicts that are there
  std::optional<verifiers::ScoredResponse> next_;
  int64_t kept_rows_ = 0, kept_bytes_ = 0;
  std::string kept_inputs_;
  int64_t rows_ = 0, bytes_ = 0;  // added, written
  Fingerprint inputs_;            // of the rows added
  std::string buffer_;
};

}  // namespace retort::cli
