#include "train/panel.h"

#include <algorithm>
#include <exception>
#include <map>
#include <set>

#include "base/options.h"
#include "base/strings.h"
#include "verifiers/registry.h"

namespace retort::train {
namespace {

// A file's own column goes before what every problem has.
std::string ColumnText(const Problem& problem, const std::string& column) {
  if (problem.extra.is_object() && problem.extra.contains(column)) {
    const Json& value = problem.extra[column];
    return value.is_string() ? value.get<std::string>() : ToJsonLine(value);
  }
  if (column == "family") return problem.family;
  if (column == "difficulty") return StrCat(problem.difficulty);
  return column == "id" ? problem.id : "";
}

}  // namespace

void NameJudges(std::vector<JudgeSpec>& judges, const std::string& where) {
  constexpr size_t kMost = 1000;
  RETORT_CHECK(judges.size() <= kMost, where, ": got ", judges.size(), " judges, expected at most ",
               kMost, "; leave some out");
  std::set<std::string> names;
  for (const JudgeSpec& judge : judges) {
    RETORT_CHECK(judge.name.empty() || names.insert(judge.name).second, where,
                 ": two judges are named '", judge.name, "'; give each a name of its own");
  }
  std::map<std::string, int> used;  // numbers, of each verifier
  for (JudgeSpec& judge : judges) {
    while (judge.name.empty()) {
      const int n = ++used[judge.verifier];
      const std::string name = n == 1 ? judge.verifier : StrCat(judge.verifier, "-", n);
      if (names.insert(name).second) judge.name = name;
    }
  }
}

void FinishReading(std::vector<JudgeSpec>& judges, const std::string& where) {
  RETORT_CHECK(!judges.empty(), where, ": expected a list of judges such as ", ExampleOf(&judges));
  NameJudges(judges, where);
  RewardPanel(judges, where);  // unknown verifiers and options
}

std::vector<JudgeSpec> DefaultPanel() {
  return {{"math", 1, {{"extraction", "announced"}, {"echo", true}}, "math"}};
}

std::vector<JudgeSpec> ReadPanel(const Json& json, const std::string& where) {
  std::vector<JudgeSpec> judges;
  options_internal::ReadValue(json, where, {}, judges);
  return judges;
}

Json WritePanel(const std::vector<JudgeSpec>& judges) {
  std::vector<JudgeSpec> named = judges;
  NameJudges(named, "judges");
  return options_internal::WriteValue(named);
}

RewardPanel::RewardPanel(std::vector<JudgeSpec> judges, const std::string& where,
                         const VerifierMaker& make)
    : judges_(std::move(judges)) {
  RETORT_CHECK(!judges_.empty(), where, ": the panel has no judge");
  for (size_t i = 0; i < judges_.size(); ++i) {
    const std::string place = StrCat(where, "[", i, "].options");
    verifiers_.push_back(
        make ? make(judges_[i].verifier, judges_[i].options, place)
             : verifiers::MakeVerifier(judges_[i].verifier, judges_[i].options, place));
  }
  NameJudges(judges_, where);
}

Judgement RewardPanel::Judge(const verifiers::Response& response) const {
  std::vector<NamedVerdict> verdicts;
  for (size_t i = 0; i < judges_.size(); ++i) {
    if (!Takes(i, response.problem)) continue;
    NamedVerdict& named = verdicts.emplace_back(NamedVerdict{judges_[i].name, {}});
    try {
      named.verdict = verifiers_[i]->Judge(response);
    } catch (const std::exception& error) {
      named.verdict.reason =
          ToValidUtf8(StrCat("error: problem '", response.problem.id, "': ", error.what()));
    }
  }
  return FromVerdicts(std::move(verdicts));
}

bool RewardPanel::Takes(size_t i, const Problem& problem) const {
  const JudgeSpec& judge = judges_.at(i);
  return judge.values.empty() ||
         std::ranges::count(judge.values, ColumnText(problem, judge.column)) > 0;
}

std::string RewardPanel::CannotJudge(size_t i, const Problem& problem) const {
  return verifiers_.at(i)->CannotJudge(problem);
}

// The judge of each verdict: both stand in the order of the panel, judges may have passed.
std::vector<size_t> RewardPanel::JudgesOf(const std::vector<NamedVerdict>& verdicts) const {
  std::vector<size_t> owners;
  for (size_t i = 0; i < judges_.size(); ++i) {
    const bool judged =
        owners.size() < verdicts.size() && verdicts[owners.size()].verifier == judges_[i].name;
    RETORT_CHECK(judged || !judges_[i].values.empty(), "the panel's judge '", judges_[i].name,
                 "' gave none of the ", verdicts.size(), " verdicts");
    if (judged) owners.push_back(i);
  }
  RETORT_CHECK(owners.size() == verdicts.size(), "got a verdict of '",
               verdicts[owners.size()].verifier, "', which is no judge of the panel here");
  return owners;
}

Judgement RewardPanel::FromVerdicts(std::vector<NamedVerdict> verdicts) const {
  const std::vector<size_t> owners = JudgesOf(verdicts);
  Judgement judgement;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i].verdict;
    if (verdict.status == VerdictStatus::kUnjudged) continue;
    judgement.reward = judgement.reward.value_or(0) + judges_[owners[i]].weight * verdict.score;
  }
  judgement.correct = Correct(verdicts);
  judgement.verdicts = std::move(verdicts);
  return judgement;
}

std::string RewardPanel::Feedback(const Problem& problem,
                                  const std::vector<NamedVerdict>& verdicts) const {
  const std::vector<size_t> owners = JudgesOf(verdicts);
  std::vector<std::string> complaints, praise;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i].verdict;
    const std::string text = verifiers_[owners[i]]->Feedback(problem, verdict);
    auto& texts = verdict.status == VerdictStatus::kRight ? praise : complaints;
    if (!text.empty() && std::ranges::count(texts, text) == 0) texts.push_back(text);
  }
  return Join(complaints.empty() ? praise : complaints, " ");
}

}  // namespace retort::train
