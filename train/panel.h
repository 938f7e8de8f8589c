#pragma once
// The reward panel: named verifiers with weights, whose scores add up to the reward.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "verifiers/text/verifier.h"

namespace retort::train {

/// One judge of the panel, as a recipe writes it: {"verifier", "weight", "name", "column",
/// "values", "options"}.
struct JudgeSpec {
  std::string verifier;
  double weight = 1;
  Json options = Json::object();
  std::string name = {};  ///< of its verdicts and metrics; empty: see NameJudges
  /// It takes the problems whose column has one of these values: a column of Problem::extra, else
  /// "family", "difficulty" or "id". Empty takes every problem.
  std::string column = "family";
  std::vector<std::string> values = {};

  template <class V>
  void Visit(V& v) {
    v("verifier", verifier, "Name of the verifier.");
    v("weight", weight, "What its score is multiplied by.", Bounds{-1e6, 1e6});
    v("name", name, "Of its verdicts and metrics; empty: its verifier's, then NAME-2, …");
    v("column", column, "Column that says which problems it takes.");
    v("values", values,
      "It takes the problems whose column has one of these values; empty: every problem.");
    v("options", options, "Options of the verifier.");
  }
};
/// Gives the judges without a name that of their verifier, a repeated one "math-2", "math-3", …
/// Throws Error when two names given are the same, and on more than 1000 judges. `where` starts the
/// message.
void NameJudges(std::vector<JudgeSpec>& judges, const std::string& where);
inline constexpr const char* kRewardHelp =
    "Who judges a completion; see Judges. The weighted scores add up to the reward.";
/// Of a list in options: there is a judge, each has a name, and its verifier and options are known.
void FinishReading(std::vector<JudgeSpec>& judges, const std::string& where);
inline const char* ExampleOf(const std::vector<JudgeSpec>*) { return R"([{"verifier": "math"}])"; }
/// What a stage takes that names no judge: the mathematics verifier, paying announced answers only.
std::vector<JudgeSpec> DefaultPanel();
/// Reads a list of judges. `where` starts the message of an Error.
std::vector<JudgeSpec> ReadPanel(const Json& json, const std::string& where);
Json WritePanel(const std::vector<JudgeSpec>& judges);

struct Judgement {
  std::vector<NamedVerdict> verdicts;  ///< of those that take the problem, in their order
  /// Weighted sum of the scores of those that judged; empty when none did (a null reward).
  std::optional<double> reward;
  std::optional<bool> correct;  ///< Correct(verdicts)
};

/// Makes the verifier with this name and these options; throws Error, whose message `where` starts.
using VerifierMaker = std::function<std::unique_ptr<verifiers::Verifier>(
    const std::string& name, const Json& options, const std::string& where)>;

/// Immutable; Judge may be called from any number of threads at once.
class RewardPanel {
 public:
  /// Throws Error on an unknown verifier or option, or an empty panel. `make` (empty: the table of
  /// verifiers/registry.h) may know others.
  RewardPanel(std::vector<JudgeSpec> judges, const std::string& where,
              const VerifierMaker& make = {});

  /// A judge that throws has not judged: its verdict is unjudged, the reason "error: …" names the
  /// problem.
  Judgement Judge(const verifiers::Response& response) const;
  /// The same from verdicts that were given before (a resumed run reuses what it stored). Throws
  /// Error when they are not of these judges.
  Judgement FromVerdicts(std::vector<NamedVerdict> verdicts) const;
  /// What its verifiers say about their verdicts (Verifier::Feedback): about those that are not
  /// right, or, when all are, that they are. `verdicts` as in Judgement.
  std::string Feedback(const Problem& problem, const std::vector<NamedVerdict>& verdicts) const;
  /// Every one has a name, all different.
  const std::vector<JudgeSpec>& judges() const { return judges_; }
  /// Whether judge `i` takes this problem.
  bool Takes(size_t i, const Problem& problem) const;
  /// Why judge `i` can judge no answer to this problem, "" when it can (Verifier::CannotJudge).
  std::string CannotJudge(size_t i, const Problem& problem) const;

 private:
  std::vector<size_t> JudgesOf(const std::vector<NamedVerdict>& verdicts) const;

  std::vector<JudgeSpec> judges_;
  std::vector<std::unique_ptr<verifiers::Verifier>> verifiers_;
};

}  // namespace retort::train
