#pragma once
// A folder of its own per test, and steps full of awkward values.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/folder.h"
#include "base/random.h"
#include "datasets/trace_store.h"
#include "tests/support/error_of.h"
#include "tests/support/trace_step.h"

namespace retort::datasets {

class StoreTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path(), path_ = folder_ / "traces.db";
};

inline std::string Cell(const TraceStore& store, const std::string& sql) {
  return CellText(store.Sql(sql).rows.at(0).at(0));
}

/// Two problems with four samples each; the values are a pure function of the place.
inline TraceStep MakeStep(const StepKey& key, const std::string& stage = "grpo") {
  TraceStep record{key, stage, {{"reward", 0.5 + static_cast<double>(key.step)}}, {}};
  RandomStream random({.seed = 11,
                       .purpose = "trace",
                       .step = static_cast<uint64_t>(key.step),
                       .problem = static_cast<uint64_t>(key.stage_index)});
  for (int64_t p = 0; p < 2; ++p) {
    for (int64_t sample = 0; sample < 4; ++sample) {
      Trace trace;
      trace.stage = stage;
      trace.step = key.step;
      trace.problem.id = StrCat("problem-", p);
      trace.problem.family = "addition";
      trace.problem.prompt = StrCat(p, "+1");
      trace.problem.answer = StrCat(p + 1);
      trace.problem.solution = StrCat(p, "+1+0=", p + 1);
      trace.problem.canonical = StrCat("addition:", p, "+1");
      trace.problem.difficulty = 1;
      trace.problem.extra = {{"level", "easy"}, {"weights", {0.1, -2}}, {"none", nullptr}};
      Trajectory& t = trace.trajectory;
      t.prompt = {1, static_cast<int32_t>(p), -7, 2'000'000'000};
      t.sample = sample;
      t.finish = sample == 3 ? FinishReason::kLength : FinishReason::kStop;
      for (uint64_t i = 0; i < 2 + random.Below(5); ++i) {
        t.completion.push_back(static_cast<int32_t>(random.NextU32()));
        t.logprobs.push_back(-static_cast<float>(random.Uniform()));
        t.experts.push_back(static_cast<uint16_t>(random.NextU32()));
      }
      t.logprobs[0] = sample == 0   ? std::nanf("0x123")
                      : sample == 1 ? -0.0f
                      : sample == 2 ? -std::numeric_limits<float>::infinity()
                                    : std::numeric_limits<float>::denorm_min();
      trace.text = std::string("a\0b\xff <think>ü", 14) + StrCat(sample);
      const bool right = sample % 2 == 0;
      trace.verdicts = {
          {"math",
           {right ? VerdictStatus::kRight : VerdictStatus::kWrong, right ? 1.0 : 0.0, "equal",
            StrCat(sample)}},
          {"format",
           {sample == 2 ? VerdictStatus::kUnjudged : VerdictStatus::kRight, 0.1, "", "x"}}};
      trace.reward = right ? 0.1 + 0.2 : -1e-300;
      trace.advantage = static_cast<double>(sample) - 1.5;
      trace.policy_version = key.step * 2;
      record.traces.push_back(std::move(trace));
    }
  }
  return record;
}

}  // namespace retort::datasets
