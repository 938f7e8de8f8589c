// Real input: solutions sampled from real models with the labels their authors gave them, and the
// worked solutions of MATH-500. Skipped where the data is not at hand.

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "verifiers/score.h"

namespace retort::verifiers {
namespace {

const std::filesystem::path kData = std::filesystem::path(RETORT_SOURCE_DIR) / "../shared/data";

ScoreSummary ScoreFile(const char* name, const ScoreOptions& options, std::string* disagreements) {
  const auto math = MakeVerifier("math", Json::object(), "test");
  std::istringstream lines(ReadFile(kData / name));
  ScoreSummary summary;
  std::string line;
  for (int64_t row = 1; std::getline(lines, line); ++row) {
    const std::string where = name + (":" + std::to_string(row));
    for (const ScoredResponse& scored :
         ScoreRow(ParseJson(line, where), row, where, options, *math)) {
      summary.Add(scored);
      const bool right = scored.verdict.status == VerdictStatus::kRight;
      if (right != scored.label.value_or(true)) {
        *disagreements +=
            where + " " +
            ToJson(scored, true).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
      }
    }
  }
  return summary;
}

TEST(SharedData, Gsm8kModelSolutionsAgreeWithTheirLabels) {
  const char* kFile = "gsm8k_example_model_solutions.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  ScoreOptions options;
  options.answer = "ground_truth";
  options.response.clear();
  for (const char* model :
       {"6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"}) {
    options.response.push_back(std::string(model) + ".solution");
    options.label.push_back(std::string(model) + ".is_correct");
  }
  std::string disagreements;
  const ScoreSummary summary = ScoreFile(kFile, options, &disagreements);
  EXPECT_EQ(summary.labelled, 5276);
  EXPECT_GE(summary.ToJson()["agreement"].get<double>(), 0.999) << disagreements;
  RecordProperty("summary", summary.ToJson().dump());
}

TEST(SharedData, Math500SolutionsAgainstTheirAnswers) {
  const char* kFile = "math500_test.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  ScoreOptions options;
  options.response = {"solution"};
  std::string disagreements;
  const ScoreSummary summary = ScoreFile(kFile, options, &disagreements);
  EXPECT_EQ(summary.right + summary.wrong + summary.unjudged, 500);
  EXPECT_GE(summary.right, 500) << disagreements;
}

}  // namespace
}  // namespace retort::verifiers
