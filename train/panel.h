#pragma once
// The reward panel: named verifiers with weights, whose scores add up to the reward.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "verifiers/verifier.h"

namespace retort::train {

/// One judge of the panel, as a recipe writes it: {"verifier", "weight", "options"}.
struct JudgeSpec {
  std::string verifier;
  double weight = 1;
  Json options = Json::object();
};
/// What a stage takes that names no judge: the mathematics verifier, paying announced answers only.
std::vector<JudgeSpec> DefaultPanel();
/// Reads a list of judges. `where` starts the message of an Error.
std::vector<JudgeSpec> ReadPanel(const Json& json, const std::string& where);
Json WritePanel(const std::vector<JudgeSpec>& judges);

struct Judgement {
  std::vector<NamedVerdict> verdicts;  ///< in the order of the panel
  /// Weighted sum of the scores of those that judged; empty when none did (a null reward).
  std::optional<double> reward;
  std::optional<bool> correct;  ///< Correct(verdicts)
};

/// Immutable; Judge may be called from any number of threads at once.
class RewardPanel {
 public:
  /// Throws Error on an unknown verifier or option, or an empty panel.
  RewardPanel(std::vector<JudgeSpec> judges, const std::string& where);

  Judgement Judge(const verifiers::Response& response) const;
  /// The same from verdicts that were given before (a resumed run reuses what it stored).
  Judgement FromVerdicts(std::vector<NamedVerdict> verdicts) const;
  /// What its verifiers say about their verdicts (Verifier::Feedback): about those that are not
  /// right, or, when all are, that they are. `verdicts` as in Judgement.
  std::string Feedback(const Problem& problem, const std::vector<NamedVerdict>& verdicts) const;
  const std::vector<JudgeSpec>& judges() const { return judges_; }

 private:
  std::vector<JudgeSpec> judges_;
  std::vector<std::unique_ptr<verifiers::Verifier>> verifiers_;
};

}  // namespace retort::train
