#include "train/panel.h"

#include <algorithm>

#include "base/options.h"
#include "base/strings.h"

namespace retort::train {
namespace {

struct JudgeFields {
  JudgeSpec judge;
  template <class V>
  void Visit(V& v) {
    v("verifier", judge.verifier, "Name of the verifier.");
    v("weight", judge.weight, "What its score is multiplied by.", Bounds{-1e6, 1e6});
  }
};

// The verifier reads its own options; to the panel they are any JSON.
Field OptionsField(Json& options) {
  return {"options",
          "Options of the verifier.",
          "options",
          {},
          {},
          {},
          [&options] { return options; },
          [&options](const Json& json, const std::string&) { options = json; }};
}

}  // namespace

std::vector<JudgeSpec> DefaultPanel() { return {{"math", 1, {{"extraction", "announced"}}}}; }

std::vector<JudgeSpec> ReadPanel(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_array() && !json.empty(), where,
               ": expected a list of judges such as [{\"verifier\": \"math\"}]");
  std::vector<JudgeSpec> judges;
  for (size_t i = 0; i < json.size(); ++i) {
    JudgeFields read;
    std::vector<Field> fields = ListFields(read);
    fields.push_back(OptionsField(read.judge.options));
    ReadFields(json[i], StrCat(where, "[", i, "]"), fields);
    judges.push_back(std::move(read.judge));
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
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i].verdict;
    if (verdict.status == VerdictStatus::kUnjudged) continue;
    judgement.reward = judgement.reward.value_or(0) + judges_[i].weight * verdict.score;
  }
  judgement.correct = Correct(verdicts);
  judgement.verdicts = std::move(verdicts);
  return judgement;
}

std::string RewardPanel::Feedback(const Problem& problem,
                                  const std::vector<NamedVerdict>& verdicts) const {
  std::vector<std::string> complaints, praise;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i].verdict;
    const std::string text = verifiers_.at(i)->Feedback(problem, verdict);
    auto& texts = verdict.status == VerdictStatus::kRight ? praise : complaints;
    if (!text.empty() && std::ranges::count(texts, text) == 0) texts.push_back(text);
  }
  return Join(complaints.empty() ? praise : complaints, " ");
}

}  // namespace retort::train
