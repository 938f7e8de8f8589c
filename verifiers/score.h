#pragma once
// The pure part of `retort score`: one JSON row in, its verdicts out, and the running summary.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "verifiers/verifier.h"

namespace retort::verifiers {

/// Which columns of a row mean what. A name is a key of the row, or a dotted path into nested
/// objects
/// ("6b_finetuning.solution"), or several with '|' between them, of which the first that is there
/// counts. A response column holds a text or a list of texts; its label column then holds a boolean
/// or a list of as many.
struct ScoreOptions {
  std::string answer = "answer";
  std::vector<std::string> response{"response"};
  std::vector<std::string> label;

  template <class V>
  void Visit(V& v) {
    v("answer", answer, "Column with the gold answer (text or number); empty when there is none.");
    v("response", response, "Columns with responses: a text, or a list of texts.");
    v("label", label, "Columns with boolean labels to agree with, one per response column.");
  }
};

/// Throws Error when the number of label columns is neither 0 nor that of response columns.
void CheckScoreOptions(const ScoreOptions& options);

struct ScoredResponse {
  int64_t row = 0;       ///< as given by the caller
  int64_t response = 0;  ///< index among the responses of the row
  Verdict verdict;
  std::optional<bool> label;
  double seconds = 0;  ///< that the verdict took, by the wall clock
};

/// Judges every response of one row, in the order of the columns. All columns reach the verifier as
/// Problem::extra. `where` ("file:line") starts the message of the Error thrown for a column that
/// is missing (naming the nearest) or of the wrong type. Thread-safe.
std::vector<ScoredResponse> ScoreRow(Json columns, int64_t row, const std::string& where,
                                     const ScoreOptions& options, const Verifier& verifier);

/// {"row", "verdict", "score", "reason", "extracted", "normal_form", "gold_normal_form"}, with
/// "response" after "row" when asked (rows that hold several responses). The score of an unjudged
/// response is null; normal forms are "" where the verifier reads none.
Json ToJson(const ScoredResponse& scored, bool with_response);

/// Counts of scored responses. Sums of parts in any order are the same.
struct ScoreSummary {
  int64_t right = 0;
  int64_t wrong = 0;
  int64_t unjudged = 0;
  int64_t labelled = 0;
  int64_t agreeing = 0;  ///< verdict right and label true, or verdict not right and label false
  int64_t slowest_row = 0;
  int64_t slowest_response = 0;
  double slowest_seconds = 0;

  void Add(const ScoredResponse& scored);
  /// {"rows", "right", "wrong", "unjudged", "agreement", "slowest"}: rows counts responses;
  /// agreement is a share in [0, 1], null without labels; slowest is {"row", "response",
  /// "seconds"}, row 0 without responses.
  Json ToJson() const;
};

}  // namespace retort::verifiers
