#pragma once
// A step made of whole traces.

#include <vector>

#include "datasets/trace_store.h"

namespace retort {

/// Converts to the record of its traces, which refers to it. Their `id` and `step` are not read.
struct TraceStep {
  datasets::StepKey key;
  std::string stage;
  std::vector<std::pair<std::string, double>> metrics = {};
  std::vector<Trace> traces = {};

  operator datasets::StepRecord() {
    samples_.clear();
    problems_.clear();
    for (const Trace& trace : traces) {
      samples_.push_back(trace);
      samples_.back().problem_index = static_cast<int64_t>(problems_.size());
      problems_.push_back(trace.problem);
    }
    return {key, stage, metrics, samples_, problems_};
  }

  std::vector<Sample> samples_ = {};
  std::vector<Problem> problems_ = {};
};

}  // namespace retort
