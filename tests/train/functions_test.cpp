// The generated functions before the verifier that judges them: references pass their hidden tests,
// programs one slip away do not.

#include <gtest/gtest.h>

#include "base/error.h"
#include "datasets/generator.h"
#include "train/evaluation.h"

namespace retort::train::functions_test {
namespace {

TEST(GeneratedFunctions, ReferencesPassTheirTestsAndDraftsFailThem) {
  const RewardPanel panel({{"code", 1, {{"memory_mib", 256}}}}, "panel");
  for (const char* family : {"functions", "drafts"}) {
    for (int64_t difficulty = 1; difficulty <= 3; ++difficulty) {
      for (uint64_t i = 0; i < 40; ++i) {
        RandomStream random({.seed = 11, .purpose = "judge", .problem = i});
        const Problem problem =
            datasets::Generate(datasets::FindGenerator(family), difficulty, random);
        const std::string text =
            StrCat("<think>", problem.solution, "</think><answer>", problem.answer, "</answer>");
        const Judgement judgement = panel.Judge({text, problem});
        const Verdict& verdict = judgement.verdicts.at(0).verdict;
        for (const char* missing : {"no-sandbox", "no-python"}) {
          if (verdict.reason.starts_with(missing)) GTEST_SKIP() << verdict.reason;
        }
        EXPECT_EQ(EnumName(verdict.status), family[0] == 'f' ? "right" : "wrong")
            << problem.prompt << "\n"
            << problem.answer << "\n"
            << verdict.reason;
      }
    }
  }
}

}  // namespace
}  // namespace retort::train::functions_test
