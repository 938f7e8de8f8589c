#pragma once
// The pure part of `retort score`: one JSON row in, its verdicts out, and the running summary.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "verifiers/score_columns.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

/// Which columns of a row mean what. A name is what Column() of score_columns.h takes. The label
/// column of a response column holds as many labels as that holds responses.
struct ScoreOptions {
  std::string answer = "answer";
  std::vector<std::string> response{"response"};
  std::vector<std::string> label;
  std::vector<std::string> keep;
  std::vector<std::string> by;

  template <class V>
  void Visit(V& v) {
    v("answer", answer,
      "Column with the gold answer (text or number, or a list of which any will do); empty when "
      "there is none.");
    v("response", response, "Columns with responses: a text, or a list of texts.");
    v("label", label, "Columns with boolean labels to agree with, one per response column.");
    v("keep", keep, "Columns to carry along.");
    v("by", by, "Columns whose values make groups that are counted apart.");
  }
};

/// Throws Error when the number of label columns is neither 0 nor that of response columns.
void CheckScoreOptions(const ScoreOptions& options);

inline constexpr const char* kNoValue = "(none)";  ///< of a row without the column

/// A row as it is to be judged.
struct ScoreTask {
  struct Item {
    std::string text;
    std::optional<bool> label = {};
  };
  Problem problem;                  ///< all columns are its `extra`
  std::vector<std::string> golds;   ///< any of them will do; one empty text when there is none
  std::vector<Item> items;          ///< the responses, in the order of the columns
  Json kept = Json::object();       ///< ScoreOptions::keep; null what the row lacks
  std::vector<std::string> groups;  ///< the values of ScoreOptions::by, kNoValue what it lacks
};
/// The columns that ScoreOptions::keep names.
Json KeptColumns(const Json& columns, const ScoreOptions& options);
/// `where` ("file:line") starts the message of the Error thrown for a column that is missing
/// (naming the nearest) or of the wrong type.
ScoreTask ReadScoreTask(Json columns, const std::string& where, const ScoreOptions& options);

/// What one judge, or several together, say of a response.
struct JointVerdict {
  Verdict verdict;
  std::vector<NamedVerdict> judges;  ///< each of several; empty when there is one
};
using ScoreJudge = std::function<JointVerdict(const Response&)>;

/// Several verdicts as one: wrong if one is wrong, else unjudged if one is unjudged, else right.
/// `score` is theirs together; the extracted answer is the first judge's, the reasons are joined.
JointVerdict JoinVerdicts(std::vector<NamedVerdict> verdicts, double score);

struct ScoredResponse {
  int64_t row = 0;       ///< as given by the caller
  int64_t response = 0;  ///< index among the responses of the row
  Verdict verdict;
  std::optional<bool> label = {};
  double seconds = 0;  ///< that the verdict took, by the wall clock
  std::vector<NamedVerdict> judges = {};

  /// An unjudged response counts as false.
  bool agrees() const { return label.value() == (verdict.status == VerdictStatus::kRight); }
};

/// Judges every response of a row. Of several gold answers the first that makes a response right
/// counts; if none does, one that could not be judged, else the first. Thread-safe if `judge` is.
std::vector<ScoredResponse> ScoreRow(ScoreTask& task, int64_t row, const ScoreJudge& judge);
/// The same of a row that has not been read yet, by one verifier.
std::vector<ScoredResponse> ScoreRow(Json columns, int64_t row, const std::string& where,
                                     const ScoreOptions& options, const Verifier& verifier);

/// {"row", "verdict", "score", "reason", "extracted", "normal_form", "gold_normal_form"}, with
/// "response" after "row" when asked (rows that hold several responses), and at the end "judges":
/// the same of each with its name as "verifier", where there are several. The score of an unjudged
/// response is null; normal forms are "" where the verifier reads none.
Json ToJson(const ScoredResponse& scored, bool with_response);
/// Reads back row, response and verdicts. Throws Error starting with `where`.
ScoredResponse ScoredFromJson(const Json& json, const std::string& where);

/// Counts of scored responses. Sums of parts in any order are the same.
struct ScoreCounts {
  int64_t right = 0;
  int64_t wrong = 0;
  int64_t unjudged = 0;
  int64_t labelled = 0;
  int64_t agreeing = 0;

  void Add(const ScoredResponse& scored);
  int64_t responses() const { return right + wrong + unjudged; }
  /// Right of those that were judged, in [0, 1]; null when none was.
  Json accuracy() const;
  /// Of all responses; null when there are none.
  Json unjudged_share() const;
  /// Of those that have a label; null when none has.
  Json agreement() const;
  /// {"responses", "right", "wrong", "unjudged", "unjudged_share", "accuracy", "agreement"}.
  Json ToJson() const;
};

struct ScoreSummary : ScoreCounts {
  int64_t rows = 0;  ///< counted by the caller
  int64_t slowest_row = 0;
  int64_t slowest_response = 0;
  double slowest_seconds = 0;
  double judging_seconds = 0;  ///< of all verdicts, whatever the threads

  void Add(const ScoredResponse& scored);
  /// {"rows", what ScoreCounts has, "slowest": {"row", "response", "seconds"}, "judging_seconds"};
  /// row 0 without responses.
  Json ToJson() const;
};

/// Counts by the values of one column, of which the first thousand are told apart.
class ScoreGroups {
 public:
  void Add(const std::string& value, const ScoredResponse& scored);
  /// Numbers in their order, then texts in theirs, "(other)" last.
  std::vector<std::pair<std::string, ScoreCounts>> Sorted() const;

 private:
  std::map<std::string, ScoreCounts> counts_;
  ScoreCounts other_;
};

}  // namespace retort::verifiers
