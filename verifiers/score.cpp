#include "verifiers/score.h"

#include <utility>

#include "base/options.h"
#include "base/stopwatch.h"
#include "base/strings.h"

namespace retort::verifiers {

namespace {

// The value of a column: a key as it stands, else a dotted path. Throws naming the nearest key.
const Json& OneColumn(const Json& columns, const std::string& name, const std::string& where) {
  RETORT_CHECK(columns.is_object(), where, ": got a JSON ", columns.type_name(),
               ", expected an object with one member per column.");
  if (const auto whole = columns.find(name); whole != columns.end()) return *whole;
  const Json* value = &columns;
  for (const std::string& key : Split(name, '.')) {
    const auto found = value->is_object() ? value->find(key) : value->end();
    if (found == value->end()) {
      std::vector<std::string> keys;
      if (value->is_object()) {
        for (const auto& item : value->items()) keys.push_back(item.key());
      }
      Fail(where, ": no column '", name, "' ('", key, "' is missing).", DidYouMean(key, keys),
           " Present: ", keys.empty() ? "none" : Join(keys, ", "), ".");
    }
    value = &*found;
  }
  return *value;
}

// The first of the names that is a key.
const Json& Column(const Json& columns, const std::string& names, const std::string& where) {
  const std::vector<std::string> choices = Split(names, '|');
  for (const std::string& name : choices) {
    if (columns.is_object() && columns.contains(name)) return columns[name];
  }
  RETORT_CHECK(choices.size() == 1, where, ": none of the columns '", Join(choices, "', '"),
               "' is there.");
  return OneColumn(columns, names, where);
}

[[noreturn]] void FailType(const std::string& where, const std::string& column, const Json& value,
                           const char* expected) {
  Fail(where, ": column '", column, "' is ", value.type_name(), ", expected ", expected, ".");
}

// A single value counts as a list of one.
std::vector<const Json*> Elements(const Json& value) {
  if (!value.is_array()) return {&value};
  std::vector<const Json*> elements;
  for (const Json& element : value) elements.push_back(&element);
  return elements;
}

std::string AnswerText(const Json& value, const std::string& column, const std::string& where) {
  if (value.is_number()) return value.dump();
  if (!value.is_string()) FailType(where, column, value, "text or a number");
  return value.get<std::string>();
}

}  // namespace

void CheckScoreOptions(const ScoreOptions& options) {
  RETORT_CHECK(!options.response.empty(), "response: name at least one column.");
  RETORT_CHECK(options.label.empty() || options.label.size() == options.response.size(),
               "label: got ", options.label.size(), " columns for ", options.response.size(),
               " response columns, expected as many (or none).");
}

std::vector<ScoredResponse> ScoreRow(Json columns, int64_t row, const std::string& where,
                                     const ScoreOptions& options, const Verifier& verifier) {
  CheckScoreOptions(options);
  Problem problem;
  problem.id = where;
  if (!options.answer.empty()) {
    problem.answer = AnswerText(Column(columns, options.answer, where), options.answer, where);
  }
  problem.extra = std::move(columns);

  std::vector<ScoredResponse> scored;
  for (size_t c = 0; c < options.response.size(); ++c) {
    const std::string& column = options.response[c];
    const auto texts = Elements(Column(problem.extra, column, where));
    std::vector<const Json*> labels;
    if (!options.label.empty()) {
      labels = Elements(Column(problem.extra, options.label[c], where));
      RETORT_CHECK(labels.size() == texts.size(), where, ": column '", options.label[c], "' has ",
                   labels.size(), " labels for ", texts.size(), " responses in '", column, "'.");
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i]->is_string()) FailType(where, column, *texts[i], "text or a list of texts");
      ScoredResponse& result = scored.emplace_back();
      result.row = row;
      result.response = static_cast<int64_t>(scored.size()) - 1;
      if (!labels.empty()) {
        if (!labels[i]->is_boolean())
          FailType(where, options.label[c], *labels[i], "true or false");
        result.label = labels[i]->get<bool>();
      }
      const Stopwatch watch;
      result.verdict =
          verifier.Judge({.text = texts[i]->get_ref<const std::string&>(), .problem = problem});
      result.seconds = watch.seconds();
    }
  }
  return scored;
}

Json ToJson(const ScoredResponse& scored, bool with_response) {
  const Verdict& verdict = scored.verdict;
  Json json{{"row", scored.row}};
  if (with_response) json["response"] = scored.response;
  json["verdict"] = EnumName(verdict.status);
  json["score"] = verdict.status == VerdictStatus::kUnjudged ? Json(nullptr) : Json(verdict.score);
  json["reason"] = verdict.reason;
  json["extracted"] = verdict.extracted;
  json["normal_form"] = verdict.normal_form;
  json["gold_normal_form"] = verdict.gold_normal_form;
  return json;
}

void ScoreSummary::Add(const ScoredResponse& scored) {
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
  if (slowest_row == 0 || scored.seconds > slowest_seconds) {
    slowest_row = scored.row;
    slowest_response = scored.response;
    slowest_seconds = scored.seconds;
  }
  if (!scored.label) return;
  ++labelled;
  if (*scored.label == (scored.verdict.status == VerdictStatus::kRight)) ++agreeing;
}

Json ScoreSummary::ToJson() const {
  Json json{{"rows", right + wrong + unjudged},
            {"right", right},
            {"wrong", wrong},
            {"unjudged", unjudged}};
  json["agreement"] = labelled == 0
                          ? Json(nullptr)
                          : Json(static_cast<double>(agreeing) / static_cast<double>(labelled));
  json["slowest"] = {
      {"row", slowest_row}, {"response", slowest_response}, {"seconds", slowest_seconds}};
  return json;
}

}  // namespace retort::verifiers
