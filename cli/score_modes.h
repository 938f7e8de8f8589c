#pragma once
// What `retort score` does besides judging a file, and what its parts share.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "cli/judge_flags.h"
#include "datasets/jsonl.h"
#include "verifiers/score.h"

namespace retort::cli {

struct ScoreCommand {
  std::string file;
  verifiers::ScoreOptions columns;
  JudgeFlags judges;
  datasets::RowFormat format = datasets::RowFormat::kAuto;
  std::string out;
  std::string disagreements;
  std::string compare;
  bool resume = false;
  bool json = false;
  int threads = 0;
  int64_t limit = 0;

  bool explain = false;
  bool probe = false;
  std::optional<std::string> gold;           // of --explain and --probe
  std::optional<std::string> response_text;  // of --explain
};

/// Judges a file. The exit code is 1 when a line could not be judged.
int ScoreFile(const ScoreCommand& command);
/// Its summary, {"rows", …, "by"}, as tables.
std::string ScoreSummaryText(const Json& summary, double seconds);
/// --explain: how one pair is read and judged.
int ExplainScore(const ScoreCommand& command);
/// --probe: which cheats the judges pay. The exit code is 1 when they pay one, or pay no right
/// answer.
int ProbeScore(const ScoreCommand& command);

/// --compare: earlier verdicts, read beside the rows that are judged now. Both are in the order of
/// rows, so memory is constant.
class EarlierVerdicts {
 public:
  explicit EarlierVerdicts(const std::string& path);

  /// The earlier verdict on this response, if there was one. Called in the order of rows. Throws
  /// Error when the file is not in that order or has a line that is no verdict.
  std::optional<VerdictStatus> Find(int64_t row, int64_t response);
  /// Counts one response and notes a disagreement.
  void Add(const verifiers::ScoredResponse& scored, std::optional<VerdictStatus> earlier);
  /// What is left in the file was not judged now.
  void Finish();

  /// {"rows", "agreeing", "changes": {"wrong": {"right": n}}, "only_here", "only_there",
  /// "disagreements"}: the last holds the first of them.
  Json ToJson() const;
  /// Tables of the changes and of the first disagreements.
  std::string ToText() const;

 private:
  struct Entry {
    int64_t row = 0, response = 0;
    VerdictStatus verdict = VerdictStatus::kUnjudged;
    bool operator<(const Entry& other) const {
      return std::pair(row, response) < std::pair(other.row, other.response);
    }
  };
  void Advance();

  datasets::JsonlReader reader_;
  std::string path_;
  std::optional<Entry> next_;
  int64_t rows_ = 0, agreeing_ = 0, only_here_ = 0, only_there_ = 0;
  std::array<std::array<int64_t, 3>, 3> changes_{};  // [earlier][now]
  Json disagreements_ = Json::array();
};

}  // namespace retort::cli
