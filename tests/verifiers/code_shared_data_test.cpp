// Published problems: a sample of HumanEval, MBPP and code-contests as they stand. All of them,
// with mutants, and HumanEval in C++: bench/shows/code_data.py. Skipped where the data is not at
// hand.

#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "tests/verifiers/code_fixture.h"
#include "verifiers/registry.h"
#include "verifiers/score.h"

namespace retort::verifiers::code_shared_data_test {
namespace {

const std::filesystem::path kData = std::filesystem::path(RETORT_SOURCE_DIR) / "../shared/data";

class CodeSharedDataTest : public CodeTest {
 protected:
  // Every `step`-th row, each with the responses in the column `response`.
  ScoreSummary Score(const char* name, const std::string& response, int64_t step,
                     std::string* others) {
    const auto code = MakeVerifier("code", Json::object(), "test");
    ScoreOptions options;
    options.answer = "";
    options.response = {response};
    std::istringstream lines(ReadFile(kData / name));
    ScoreSummary summary;
    std::string line;
    for (int64_t row = 1; std::getline(lines, line); ++row) {
      if (row % step != 0) continue;
      const std::string where = StrCat(name, ":", row);
      for (const ScoredResponse& scored :
           ScoreRow(ParseJson(line, where), row, where, options, *code)) {
        summary.Add(scored);
        if (scored.verdict.status != VerdictStatus::kRight) {
          *others +=
              StrCat(where, " ", scored.verdict.reason, " ", scored.verdict.normal_form, "\n");
        }
      }
    }
    return summary;
  }
};

TEST_F(CodeSharedDataTest, MbppReferencesAreAccepted) {
  const char* kFile = "mbpp.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  std::string others;
  const ScoreSummary summary = Score(kFile, "code", 20, &others);
  EXPECT_EQ(summary.right, 48) << others;
  EXPECT_EQ(summary.wrong + summary.unjudged, 0) << others;
}

TEST_F(CodeSharedDataTest, CodeContestsTestsAreRead) {
  const char* kFile = "code_contests_sample.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  // There are no reference solutions; the statement is no program, and the tests are in order.
  std::string others;
  const ScoreSummary summary = Score(kFile, "content", 4, &others);
  EXPECT_EQ(summary.wrong, 5) << others;
  EXPECT_EQ(summary.right + summary.unjudged, 0) << others;
}

}  // namespace
}  // namespace retort::verifiers::code_shared_data_test
