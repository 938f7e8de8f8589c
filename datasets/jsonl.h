#pragma once
// Rows of a file, one object each, and the problems in them.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "base/records.h"
#include "datasets/byte_source.h"
#include "datasets/csv.h"

namespace retort::datasets {

/// A row is held in memory as a whole; a compressed file may say a gigabyte in a megabyte.
inline constexpr size_t kMaxRowBytes = size_t{256} << 20;

enum class RowFormat {
  kAuto,   ///< kCsv for names that end in .csv, .csv.gz or .csv.zst, else kJsonl
  kJsonl,  ///< one JSON object per line
  kCsv,    ///< RFC 4180; the first record names the columns, whose values are texts
};
constexpr auto EnumNames(RowFormat) {
  return std::array{std::pair{RowFormat::kAuto, "auto"}, std::pair{RowFormat::kJsonl, "jsonl"},
                    std::pair{RowFormat::kCsv, "csv"}};
}

/// One row of a file: either an object or what is wrong with it.
struct JsonlLine {
  int64_t number = 0;  ///< of the line it begins on, from 1
  std::optional<Json> row;
  std::string error;  ///< "file:line: what, and what to do"; empty when there is a row
};

/// Reads row by row, holding one in memory, from plain, gzip or Zstandard bytes. A bad row is
/// reported and does not end the reading. Blank lines are skipped, and counted as lines.
class JsonlReader {
 public:
  /// "-" reads standard input. Throws Error when the file cannot be opened.
  explicit JsonlReader(const std::string& path, RowFormat format = RowFormat::kAuto);
  /// False at the end. Throws Error when the file cannot be read on or decompressed, and on a CSV
  /// header that names a column twice.
  bool Next(JsonlLine& line);
  /// The path, or "standard input".
  const std::string& name() const { return source_.name(); }
  /// "file:line", for messages about a row.
  std::string Where(int64_t line) const;
  /// Read so far, decompressed, line ends included.
  int64_t bytes() const { return bytes_; }
  /// Read of the file itself so far: compressed bytes, where it is compressed.
  int64_t consumed() const { return source_.consumed(); }

 private:
  bool GetLine();
  void ReadJson(JsonlLine& line);
  void ReadCsv(JsonlLine& line);
  bool ReadRecord(JsonlLine& line);

  ByteSource source_;
  bool csv_;
  std::string_view piece_;  // of the source, what is still to be split into lines
  std::string text_;        // the line read last
  bool too_long_ = false;   // and was not kept
  int64_t number_ = 0;      // its number
  int64_t bytes_ = 0;
  CsvRecord record_;
  std::vector<std::string> columns_;  // of a CSV file
};

/// What a list of chat messages gives, if it is more than one message of the user.
enum class Turns {
  kError,  ///< nothing: an Error that names the row
  kLast,   ///< its last user message; the other turns are left out
  kJoin,   ///< every turn up to the last user message, the system's too, with blank lines between
};
constexpr auto EnumNames(Turns) {
  return std::array{std::pair{Turns::kError, "error"}, std::pair{Turns::kLast, "last"},
                    std::pair{Turns::kJoin, "join"}};
}

/// Which columns mean what. A column left empty is found by convention:
///   prompt:   prompt | question | problem | messages | input (a list of {role, content}: see
///             Turns)
///   answer:   answer | solution | ground_truth | label; a row with `tests`, `test`, `test_list` or
///             `input_output` needs none
///   solution: solution, unless it serves as the answer
struct JsonlOptions {
  std::string prompt_column;
  std::string answer_column;
  std::string solution_column;
  std::string id_column;
  Turns turns = Turns::kError;
  int64_t limit = 0;

  template <class V>
  void Visit(V& v) {
    v("prompt_column", prompt_column,
      "Column of the question; empty: prompt, question, problem, messages or input.");
    v("answer_column", answer_column,
      "Column of the gold answer; empty: answer, solution, ground_truth or label.");
    v("solution_column", solution_column, "Column of the worked solution; empty: solution.");
    v("id_column", id_column, "Column of the problem's id; empty: the file's name and the line.");
    v("turns", turns,
      "Chat messages beside a single one of the user: refuse the row, take the last user message, "
      "or join all turns up to it.");
    v("limit", limit, "Read at most this many problems; 0 reads all.", Bounds{0, 1e12});
  }
};

/// The problem in one row. GSM8K's "… #### 72" is split into solution and answer. When `solution`
/// serves as the answer and has a \boxed{…} (MATH), the content of the last box is the answer, and
/// the text with that box opened is the solution. The canonical text is the prompt. Other columns
/// go to `extra`. `id` is used when no id column is named. Throws Error starting with `where`.
Problem ProblemFromRow(const Json& row, const JsonlOptions& options, const std::string& where,
                       const std::string& id);

/// Calls `visit` with every problem of a file, in order; the family is the file's name without
/// folder and extension. Throws Error "file:line: …" at the first bad line, or, given `bad_row`,
/// tells that and goes on; throws when there are no rows.
void ForEachProblem(const std::string& path, const JsonlOptions& options,
                    const std::function<void(Problem)>& visit,
                    const std::function<void(const std::string&)>& bad_row = {});
std::vector<Problem> LoadProblems(const std::string& path, const JsonlOptions& options);

}  // namespace retort::datasets
