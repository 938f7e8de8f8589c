#include "verifiers/score.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/options.h"
#include "base/stopwatch.h"
#include "base/strings.h"

namespace retort::verifiers {
namespace {

constexpr size_t kMostGroups = 1000;

Json ShareOf(int64_t part, int64_t whole) {
  if (whole == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Judges one response against each of the gold answers until one makes it right.
JointVerdict JudgeByAny(ScoreTask& task, const std::string& text, const ScoreJudge& judge) {
  JointVerdict best;
  bool first = true;
  for (const std::string& gold : task.golds) {
    task.problem.answer = gold;
    JointVerdict joint = judge({.text = text, .problem = task.problem});
    const VerdictStatus status = joint.verdict.status;
    if (first || status == VerdictStatus::kRight ||
        (status == VerdictStatus::kUnjudged && best.verdict.status == VerdictStatus::kWrong)) {
      best = std::move(joint);
    }
    first = false;
    if (status == VerdictStatus::kRight) break;
  }
  return best;
}

void PutVerdict(const Verdict& verdict, Json& json) {
  json["verdict"] = EnumName(verdict.status);
  json["score"] = verdict.status == VerdictStatus::kUnjudged ? Json(nullptr) : Json(verdict.score);
  json["reason"] = verdict.reason;
  json["extracted"] = verdict.extracted;
  json["normal_form"] = verdict.normal_form;
  json["gold_normal_form"] = verdict.gold_normal_form;
}

Verdict VerdictFrom(const Json& json) {
  Verdict verdict;
  const std::string& name = json.at("verdict").get_ref<const std::string&>();
  bool known = false;
  for (const auto& [status, text] : EnumNames(VerdictStatus{})) {
    if (name != text) continue;
    verdict.status = status;
    known = true;
  }
  RETORT_CHECK(known, "verdict: got '", name, "', expected right, wrong or unjudged");
  if (!json.at("score").is_null()) verdict.score = json["score"].get<double>();
  verdict.reason = json.at("reason").get<std::string>();
  verdict.extracted = json.at("extracted").get<std::string>();
  verdict.normal_form = json.at("normal_form").get<std::string>();
  verdict.gold_normal_form = json.at("gold_normal_form").get<std::string>();
  return verdict;
}

}  // namespace

void CheckScoreOptions(const ScoreOptions& options) {
  RETORT_CHECK(!options.response.empty(), "response: name at least one column.");
  RETORT_CHECK(options.label.empty() || options.label.size() == options.response.size(),
               "label: got ", options.label.size(), " columns for ", options.response.size(),
               " response columns, expected as many (or none).");
}

Json KeptColumns(const Json& columns, const ScoreOptions& options) {
  Json kept = Json::object();
  for (const std::string& name : options.keep) {
    const Json* value = FindColumn(columns, name);
    kept[name] = value ? *value : Json(nullptr);
  }
  return kept;
}

ScoreTask ReadScoreTask(Json columns, const std::string& where, const ScoreOptions& options) {
  CheckScoreOptions(options);
  ScoreTask task;
  task.golds = {""};
  if (!options.answer.empty()) {
    task.golds = AnswerTexts(Column(columns, options.answer, where), options.answer, where);
  }
  for (size_t c = 0; c < options.response.size(); ++c) {
    const std::string& column = options.response[c];
    auto texts = ResponseTexts(columns, column, where);
    std::vector<std::optional<bool>> labels(texts.size());
    if (!options.label.empty()) {
      labels = Labels(Column(columns, options.label[c], where), options.label[c], where);
      RETORT_CHECK(labels.size() == texts.size(), where, ": column '", options.label[c], "' has ",
                   labels.size(), " labels for ", texts.size(), " responses in '", column, "'.");
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      task.items.push_back({.text = std::move(texts[i]), .label = labels[i]});
    }
  }
  task.kept = KeptColumns(columns, options);
  for (const std::string& name : options.by) {
    const Json* value = FindColumn(columns, name);
    task.groups.push_back(value && !value->is_null() ? TextOf(*value) : kNoValue);
  }
  task.problem.id = where;
  task.problem.answer = task.golds.front();
  // What was asked, for judges that want to know it beside the gold answer.
  for (const char* key : {"prompt", "question", "problem"}) {
    const auto asked = columns.find(key);
    if (task.problem.answer.empty() || asked == columns.end() || !asked->is_string()) continue;
    task.problem.prompt = asked->get<std::string>();
    break;
  }
  task.problem.extra = std::move(columns);
  return task;
}

JointVerdict JoinVerdicts(std::vector<NamedVerdict> verdicts, double score) {
  const auto any = [&](VerdictStatus status) {
    return std::ranges::any_of(verdicts,
                               [&](const NamedVerdict& v) { return v.verdict.status == status; });
  };
  JointVerdict joint{verdicts.at(0).verdict, {}};
  joint.verdict.status = any(VerdictStatus::kWrong)      ? VerdictStatus::kWrong
                         : any(VerdictStatus::kUnjudged) ? VerdictStatus::kUnjudged
                                                         : VerdictStatus::kRight;
  joint.verdict.score = joint.verdict.status == VerdictStatus::kUnjudged ? 0 : score;
  if (verdicts.size() == 1) return joint;
  std::vector<std::string> reasons;
  for (const NamedVerdict& named : verdicts) {
    reasons.push_back(named.verifier + ": " + named.verdict.reason);
  }
  joint.verdict.reason = Join(reasons, "; ");
  joint.judges = std::move(verdicts);
  return joint;
}

std::vector<ScoredResponse> ScoreRow(ScoreTask& task, int64_t row, const ScoreJudge& judge) {
  std::vector<ScoredResponse> scored;
  for (const ScoreTask::Item& item : task.items) {
    const Stopwatch watch;
    JointVerdict joint = JudgeByAny(task, item.text, judge);
    scored.push_back({.row = row,
                      .response = static_cast<int64_t>(scored.size()),
                      .verdict = std::move(joint.verdict),
                      .label = item.label,
                      .seconds = watch.seconds(),
                      .judges = std::move(joint.judges)});
  }
  return scored;
}

std::vector<ScoredResponse> ScoreRow(Json columns, int64_t row, const std::string& where,
                                     const ScoreOptions& options, const Verifier& verifier) {
  ScoreTask task = ReadScoreTask(std::move(columns), where, options);
  return ScoreRow(task, row, [&](const Response& response) {
    return JointVerdict{verifier.Judge(response), {}};
  });
}

Json ToJson(const ScoredResponse& scored, bool with_response) {
  Json json{{"row", scored.row}};
  if (with_response) json["response"] = scored.response;
  PutVerdict(scored.verdict, json);
  for (const NamedVerdict& named : scored.judges) {
    Json judge{{"verifier", named.verifier}};
    PutVerdict(named.verdict, judge);
    json["judges"].push_back(std::move(judge));
  }
  return json;
}

ScoredResponse ScoredFromJson(const Json& json, const std::string& where) {
  try {
    ScoredResponse scored;
    scored.row = json.at("row").get<int64_t>();
    scored.response = json.value("response", int64_t{0});
    scored.verdict = VerdictFrom(json);
    if (const auto judges = json.find("judges"); judges != json.end()) {
      for (const Json& judge : *judges) {
        scored.judges.push_back({judge.at("verifier").get<std::string>(), VerdictFrom(judge)});
      }
    }
    return scored;
  } catch (const std::exception&) {
    Fail(where, ": no verdict as retort score writes it");
  }
}

void ScoreCounts::Add(const ScoredResponse& scored) {
  switch (scored.verdict.status) {
    case VerdictStatus::kRight:
      ++right;
      break;
    case VerdictStatus::kWrong:
      ++wrong;
      break;
    case VerdictStatus::kUnjudged:
      ++unjudged;
      break;
  }
  if (!scored.label) return;
  ++labelled;
  if (scored.agrees()) ++agreeing;
}

Json ScoreCounts::accuracy() const { return ShareOf(right, right + wrong); }
Json ScoreCounts::unjudged_share() const { return ShareOf(unjudged, responses()); }
Json ScoreCounts::agreement() const { return ShareOf(agreeing, labelled); }

Json ScoreCounts::ToJson() const {
  return {{"responses", responses()},
          {"right", right},
          {"wrong", wrong},
          {"unjudged", unjudged},
          {"unjudged_share", unjudged_share()},
          {"accuracy", accuracy()},
          {"agreement", agreement()}};
}

void ScoreSummary::Add(const ScoredResponse& scored) {
  ScoreCounts::Add(scored);
  judging_seconds += scored.seconds;
  if (slowest_row == 0 || scored.seconds > slowest_seconds) {
    slowest_row = scored.row;
    slowest_response = scored.response;
    slowest_seconds = scored.seconds;
  }
}

Json ScoreSummary::ToJson() const {
  Json json{{"rows", rows}};
  json.update(ScoreCounts::ToJson());
  json["slowest"] = {
      {"row", slowest_row}, {"response", slowest_response}, {"seconds", slowest_seconds}};
  json["judging_seconds"] = judging_seconds;
  return json;
}

void ScoreGroups::Add(const std::string& value, const ScoredResponse& scored) {
  const auto known = counts_.find(value);
  if (known == counts_.end() && counts_.size() == kMostGroups) return other_.Add(scored);
  counts_[value].Add(scored);
}

std::vector<std::pair<std::string, ScoreCounts>> ScoreGroups::Sorted() const {
  std::vector<std::pair<std::string, ScoreCounts>> sorted(counts_.begin(), counts_.end());
  const auto key = [](const auto& group) {
    char* end = nullptr;
    const double number = std::strtod(group.first.c_str(), &end);
    const bool numeric = !group.first.empty() && *end == '\0' && !std::isnan(number);
    return std::tuple(!numeric, numeric ? number : 0.0);
  };
  std::ranges::stable_sort(sorted, [&](const auto& a, const auto& b) { return key(a) < key(b); });
  if (other_.responses() > 0) sorted.emplace_back("(other)", other_);
  return sorted;
}

}  // namespace retort::verifiers
