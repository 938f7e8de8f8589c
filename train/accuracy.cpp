#include "train/accuracy.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "model/template.h"

namespace retort::train {

bool Reasons(std::string_view text) {
  const size_t open = text.find(model::kThinkOpen);
  if (open == std::string_view::npos) return false;
  const size_t begin = open + std::string_view(model::kThinkOpen).size();
  return !Trim(text.substr(begin, text.find(model::kThinkClose, begin) - begin)).empty();
}

void Accuracy::Add(const Sample& sample) {
  const std::optional<bool> is_correct = Correct(sample.verdicts);
  const bool reasons = Reasons(sample.text);
  ++count;
  unjudged += !is_correct;
  left_open += sample.verdicts.empty() ||
               std::ranges::any_of(sample.verdicts, [](const NamedVerdict& named) {
                 return named.verdict.status == VerdictStatus::kUnjudged;
               });
  correct += is_correct == true;
  reasoning += reasons;
  reasoning_unjudged += reasons && !is_correct;
  reasoning_correct += reasons && is_correct == true;
  finished += sample.trajectory.finish != FinishReason::kLength;
  tokens += sample.trajectory.length();
}

void AccuracyTable::Add(const Sample& sample, const std::string& family) {
  all.Add(sample);
  families[family].Add(sample);
}

void AccuracyTable::Add(std::span<const Sample> samples, std::span<const Problem> problems) {
  for (const Sample& sample : samples) {
    Add(sample, problems[static_cast<size_t>(sample.problem_index)].family);
  }
}

Json ToJson(const Accuracy& accuracy) {
  return {{"accuracy", NumberOrNull(accuracy.accuracy())},
          {"unjudged", accuracy.unjudged},
          {"reasoning_share", accuracy.reasoning_share()},
          {"reasoning_accuracy", NumberOrNull(accuracy.reasoning_accuracy())},
          {"direct_accuracy", NumberOrNull(accuracy.direct_accuracy())},
          {"finished_share", accuracy.finished_share()},
          {"mean_completion_length", accuracy.mean_length()},
          {"completions", accuracy.count}};
}

void AddAccuracy(const Accuracy& accuracy, Metrics& metrics) {
  metrics.insert(metrics.end(), {{"accuracy", accuracy.accuracy()},
                                 {"reasoning/share", accuracy.reasoning_share()},
                                 {"reasoning/accuracy", accuracy.reasoning_accuracy()},
                                 {"reasoning/direct_accuracy", accuracy.direct_accuracy()},
                                 {"completions/unjudged", static_cast<double>(accuracy.unjudged)},
                                 {"unjudged_share", accuracy.unjudged_share()},
                                 {"completions/mean_length", accuracy.mean_length()},
                                 {"completions/clipped_ratio", 1 - accuracy.finished_share()}});
}

void AddAccuracy(const AccuracyTable& table, Metrics& metrics) {
  AddAccuracy(table.all, metrics);
  for (const auto& [family, accuracy] : table.families) {
    metrics.emplace_back("accuracy/" + family, accuracy.accuracy());
  }
}

}  // namespace retort::train
