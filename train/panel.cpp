#include "train/panel.h"

#include "base/options.h"

namespace retort::train {
namespace {

struct JudgeFields {
  std::string verifier;
  double weight = 1;
  template <class V>
  void Visit(V& v) {
    v("verifier", verifier, "Name of the verifier.");
    v("weight", weight, "What its score is multiplied by.", Bounds{-1e6, 1e6});
  }
};

}  // namespace

std::vector<JudgeSpec> ReadPanel(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_array() && !json.empty(), where,
               ": expected a list of judges such as [{\"verifier\": \"math\"}]");
  std::vector<JudgeSpec> judges;
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string place = StrCat(where, "[", i, "]");
    Json fields = json[i];
    JudgeSpec& judge = judges.emplace_back();
    if (fields.is_object() && fields.contains("options")) {
      judge.options = fields["options"];
      fields.erase("options");
    }
    JudgeFields read;
    ReadOptions(fields, place, read);
    judge.verifier = read.verifier;
    judge.weight = read.weight;
  }
  return judges;
}

Json WritePanel(const std::vector<JudgeSpec>& judges) {
  Json json = Json::array();
  for (const JudgeSpec& judge : judges) {
    json.push_back(
        {{"verifier", judge.verifier}, {"weight", judge.weight}, {"options", judge.options}});
  }
  return json;
}

RewardPanel::RewardPanel(std::vector<JudgeSpec> judges, const std::string& where)
    : judges_(std::move(judges)) {
  RETORT_CHECK(!judges_.empty(), where, ": the panel has no judge");
  for (size_t i = 0; i < judges_.size(); ++i) {
    verifiers_.push_back(verifiers::MakeVerifier(judges_[i].verifier, judges_[i].options,
                                                 StrCat(where, "[", i, "].options")));
  }
}

Judgement RewardPanel::Judge(const verifiers::Response& response) const {
  std::vector<NamedVerdict> verdicts;
  for (size_t i = 0; i < judges_.size(); ++i) {
    verdicts.push_back({judges_[i].verifier, verifiers_[i]->Judge(response)});
  }
  return FromVerdicts(std::move(verdicts));
}

Judgement RewardPanel::FromVerdicts(std::vector<NamedVerdict> verdicts) const {
  RETORT_CHECK(verdicts.size() == judges_.size(), "the panel has ", judges_.size(), " judges, got ",
               verdicts.size(), " verdicts");
  Judgement judgement;
  bool all_right = true;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i].verdict;
    if (verdict.status == VerdictStatus::kUnjudged) continue;
    judgement.reward = judgement.reward.value_or(0) + judges_[i].weight * verdict.score;
    all_right = all_right && verdict.status == VerdictStatus::kRight;
  }
  judgement.correct = judgement.reward.has_value() && all_right;
  judgement.verdicts = std::move(verdicts);
  return judgement;
}

}  // namespace retort::train
