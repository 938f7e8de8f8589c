#pragma once
// How good a model is on problems: counts over judged traces, and their names in reports.

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/records.h"
#include "train/recorder.h"

namespace retort::train {

/// Whether a completion has a think block with something in it.
bool Reasons(std::string_view text);

/// Counts over a set of traces. Accuracies are over those that were judged: unjudged is not wrong.
struct Accuracy {
  int64_t count = 0;
  int64_t unjudged = 0;   ///< Correct() is empty
  int64_t left_open = 0;  ///< no judge took it, or one of them could not judge it
  int64_t correct = 0;
  int64_t reasoning = 0;  ///< completions that reason
  int64_t reasoning_unjudged = 0;
  int64_t reasoning_correct = 0;
  int64_t finished = 0;  ///< ended by themselves
  int64_t tokens = 0;    ///< completion tokens

  void Add(const Sample& sample);
  double accuracy() const { return OfJudged(correct, count, unjudged); }
  double unjudged_share() const { return Share(left_open, count); }
  double reasoning_share() const { return Share(reasoning, count); }
  double reasoning_accuracy() const {
    return OfJudged(reasoning_correct, reasoning, reasoning_unjudged);
  }
  double direct_accuracy() const {
    return OfJudged(correct - reasoning_correct, count - reasoning, unjudged - reasoning_unjudged);
  }
  double finished_share() const { return Share(finished, count); }
  double mean_length() const { return Share(tokens, count); }
  static double Share(int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
  /// NaN (NULL, null) when none was judged: of nothing there is no accuracy.
  static double OfJudged(int64_t part, int64_t whole, int64_t unjudged) {
    return unjudged == whole ? std::numeric_limits<double>::quiet_NaN()
                             : Share(part, whole - unjudged);
  }
};

/// A mean of nothing is null.
inline Json NumberOrNull(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

/// Totals and per family, in the order of the names.
struct AccuracyTable {
  Accuracy all;
  std::map<std::string, Accuracy> families;
  void Add(const Sample& sample, const std::string& family);
  void Add(const Trace& trace) { Add(trace, trace.problem.family); }
  void Add(std::span<const Sample> samples, std::span<const Problem> problems);
};

/// The object that stands for it in every report: accuracy, unjudged, completions, …; shares and
/// accuracies of nothing are null.
Json ToJson(const Accuracy& accuracy);
/// The metrics of a step's samples: "accuracy", "reasoning/share", "completions/mean_length", …
void AddAccuracy(const Accuracy& accuracy, Metrics& metrics);
/// The same and "accuracy/FAMILY".
void AddAccuracy(const AccuracyTable& table, Metrics& metrics);

}  // namespace retort::train
