#pragma once
// Records of CSV files as RFC 4180 has them.

#include <string>
#include <string_view>
#include <vector>

namespace retort::datasets {

/// One record, fed line by line: fields between commas; in double quotes a field may hold commas,
/// line ends and doubled quotes. CRLF and LF both end lines.
class CsvRecord {
 public:
  void Clear();
  /// Takes a line without its LF. False when a quoted field goes on in the next line.
  bool AddLine(std::string_view line);
  const std::vector<std::string>& fields() const { return fields_; }
  /// What is wrong with the record; empty when nothing is.
  const std::string& error() const { return error_; }

 private:
  enum class State { kStart, kPlain, kQuoted, kAfterQuote };
  void EndField();

  State state_ = State::kStart;
  std::string field_;
  std::vector<std::string> fields_;
  std::string error_;
};

}  // namespace retort::datasets
