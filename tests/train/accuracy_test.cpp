#include "train/accuracy.h"

#include <gtest/gtest.h>

namespace retort::train::accuracy_test {
namespace {

TEST(Reasons, NeedsAThinkBlockWithSomethingInIt) {
  for (const char* text : {"<think>1</think><answer>2</answer>", "x<think> 1", "<think>a<think>"}) {
    EXPECT_TRUE(Reasons(text)) << text;
  }
  for (const char* text : {"", "2", "<answer>2</answer>", "<think></think>2", "<think> \n</think>2",
                           "<think>", "</think>2", "think>2"}) {
    EXPECT_FALSE(Reasons(text)) << text;
  }
}

Trace Said(const std::string& text, const std::string& family, size_t tokens,
           FinishReason finish = FinishReason::kStop) {
  Trace trace;
  trace.text = text;
  trace.problem.family = family;
  trace.trajectory.completion.resize(tokens);
  trace.trajectory.finish = finish;
  return trace;
}

void AddAll(const std::vector<Trace>& traces, AccuracyTable& table) {
  for (const Trace& trace : traces) table.Add(trace);
}

Trace Judged(Trace trace, bool right) {
  trace.verdicts = {
      {"math", {right ? VerdictStatus::kRight : VerdictStatus::kWrong, right ? 1.0 : 0.0, "", ""}}};
  return trace;
}

TEST(AccuracyTable, CountsInAllAndPerFamily) {
  const std::vector<Trace> traces = {
      Judged(Said("<think>1</think>", "sum", 10), true),
      Judged(Said("<think>1</think>", "sum", 20), false),
      Judged(Said("direct", "gcd", 4, FinishReason::kStopString), true),
      Judged(Said("", "gcd", 5), false),
      Judged(Said("cut", "gcd", 6, FinishReason::kLength), false)};
  AccuracyTable table;
  AddAll(traces, table);
  EXPECT_EQ(table.all.count, 5);
  EXPECT_EQ(table.all.correct, 2);
  EXPECT_EQ(table.all.reasoning, 2);
  EXPECT_EQ(table.all.reasoning_correct, 1);
  EXPECT_EQ(table.all.finished, 4);
  EXPECT_EQ(table.all.tokens, 45);
  EXPECT_DOUBLE_EQ(table.all.accuracy(), 0.4);
  EXPECT_DOUBLE_EQ(table.all.reasoning_share(), 0.4);
  EXPECT_DOUBLE_EQ(table.all.reasoning_accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(table.all.direct_accuracy(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(table.all.mean_length(), 9);
  ASSERT_EQ(table.families.size(), 2u);
  EXPECT_EQ(table.families["sum"].count, 2);
  EXPECT_EQ(table.families["gcd"].correct, 1);
  EXPECT_EQ(table.families["gcd"].finished, 2);
  AddAll(traces, table);
  EXPECT_EQ(table.all.count, 10);
  EXPECT_TRUE(std::isnan(Accuracy().accuracy()));  // of nothing
  AccuracyTable direct;
  direct.Add(Judged(traces[2], false));
  EXPECT_TRUE(
      std::isnan(direct.all.reasoning_accuracy()));  // none reasons: neither right nor wrong
  EXPECT_EQ(direct.all.direct_accuracy(), 0);
}

TEST(AccuracyTable, TakesSamplesWithTheirProblems) {
  std::vector<Problem> problems(3);
  problems[0].family = "sum";
  problems[2].family = "gcd";
  std::vector<Sample> samples{Judged(Said("", "", 4), true), Judged(Said("", "", 9), false)};
  samples[0].problem_index = 2;
  samples[1].trajectory.said = {1, 1, 0, 0, 0, 1, 1, 1, 1};  // its last turn counts
  AccuracyTable table;
  table.Add(samples, problems);
  EXPECT_EQ(table.families["gcd"].correct, 1);
  EXPECT_EQ(table.families["sum"].tokens, 4);
  EXPECT_EQ(table.all.tokens, 8);
}

TEST(AccuracyTable, UnjudgedIsNotWrong) {
  AccuracyTable table;
  AddAll({Judged(Said("<think>1</think>", "sum", 10), true), Said("<think>1</think>", "sum", 20),
          Judged(Said("direct", "sum", 4), true), Judged(Said("direct", "sum", 5), false),
          Said("direct", "code", 6)},
         table);
  EXPECT_EQ(table.all.count, 5);
  EXPECT_EQ(table.all.unjudged, 2);
  EXPECT_DOUBLE_EQ(table.all.accuracy(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(table.all.reasoning_accuracy(), 1);
  EXPECT_DOUBLE_EQ(table.all.direct_accuracy(), 0.5);
  EXPECT_DOUBLE_EQ(table.families["sum"].accuracy(), 2.0 / 3);
  EXPECT_TRUE(std::isnan(table.families["code"].accuracy()));  // nobody knows, which is not 0
}

TEST(AccuracyTable, TheUnjudgedShareCountsWhateverAJudgeLeftOpen) {
  const Verdict wrong{VerdictStatus::kWrong, 0, "different", ""}, open;
  AccuracyTable table;
  const auto add = [&](std::vector<NamedVerdict> verdicts) {
    Trace trace = Said("", "sum", 1);
    trace.verdicts = std::move(verdicts);
    table.Add(trace);
    return table.all.unjudged_share();
  };
  EXPECT_EQ(table.all.unjudged_share(), 0);
  EXPECT_DOUBLE_EQ(add({{"math", wrong}, {"format", wrong}}), 0);
  EXPECT_DOUBLE_EQ(add({{"math", open}, {"format", wrong}}), 1.0 / 2);  // wrong, and yet left open
  EXPECT_DOUBLE_EQ(add({}), 2.0 / 3);
  EXPECT_DOUBLE_EQ(add({{"math", open}}), 3.0 / 4);
  EXPECT_EQ(table.all.unjudged, 2);
}

// Every report has the same names for the same numbers.
TEST(AccuracyTable, IsTheSameInAReportAndInMetrics) {
  AccuracyTable table;
  AddAll({Judged(Said("<think>1</think>", "sum", 10), true), Said("direct", "gcd", 4),
          Judged(Said("cut", "sum", 6, FinishReason::kLength), false)},
         table);
  const Json report = ToJson(table.all);
  Metrics metrics;
  AddAccuracy(table, metrics);
  const std::map<std::string, double> metric(metrics.begin(), metrics.end());
  EXPECT_EQ(report["accuracy"], 0.5);
  EXPECT_EQ(report["accuracy"], metric.at("accuracy"));
  EXPECT_EQ(report["unjudged"], metric.at("completions/unjudged"));
  EXPECT_EQ(report["reasoning_share"], metric.at("reasoning/share"));
  EXPECT_EQ(report["reasoning_accuracy"], metric.at("reasoning/accuracy"));
  EXPECT_EQ(report["direct_accuracy"], metric.at("reasoning/direct_accuracy"));
  EXPECT_EQ(report["mean_completion_length"], metric.at("completions/mean_length"));
  EXPECT_EQ(1 - report["finished_share"].get<double>(), metric.at("completions/clipped_ratio"));
  EXPECT_EQ(report["completions"], 3);
  EXPECT_EQ(metric.at("accuracy/sum"), 0.5);
  EXPECT_TRUE(std::isnan(metric.at("accuracy/gcd")));
  EXPECT_TRUE(ToJson(Accuracy())["accuracy"].is_null());
}

}  // namespace
}  // namespace retort::train::accuracy_test
