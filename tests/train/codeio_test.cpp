// The CODEI/O families against their verifier, and a policy that learns one.

#include <gtest/gtest.h>

#include <map>

#include "exec/vm.h"
#include "tests/support/stage_run.h"
#include "train/evaluation.h"
#include "train/panel.h"

namespace retort::train::codeio_test {
namespace {

std::vector<Problem> Problems(const std::string& family, int64_t count) {
  ProblemOptions options;
  options.generator.families = {family};
  options.generator.count = count;
  return GetProblems(options);
}

class CodeioTest : public ::testing::Test {
 protected:
  bool Right(const Problem& problem, const std::string& answer) const {
    const std::string text = "<think>t</think><answer>" + answer + "</answer>";
    return panel_.Judge({text, problem}).correct == true;
  }
  RewardPanel panel_{{{"codeio", 1, Json::object()}}, "reward"};
};

TEST_F(CodeioTest, WorkedAnswersAreRightAndTheirNeighboursWrong) {
  for (int64_t d = 1; d <= 6; ++d) {
    for (const Problem& p : Problems(StrCat("codeio-output:", d), 100)) {
      SCOPED_TRACE(p.prompt);
      EXPECT_TRUE(Right(p, p.answer));
      const int64_t output = std::stoll(p.answer);
      for (const int64_t other : {output - 1, output + 1, -output - 1, output + 10}) {
        EXPECT_FALSE(Right(p, StrCat(other)));
      }
      EXPECT_FALSE(Right(p, p.answer + ",1"));
      EXPECT_FALSE(Right(p, "[" + p.answer + "]"));
    }
    for (const Problem& p : Problems(StrCat("codeio-input:", d), 100)) {
      SCOPED_TRACE(p.prompt);
      EXPECT_TRUE(Right(p, p.answer));
      EXPECT_TRUE(Right(p, p.extra["input"].dump()));
      EXPECT_FALSE(Right(p, p.answer + ",1"));
      EXPECT_FALSE(Right(p, ""));
      // Other inputs are right when, and only when, the program says so.
      const exec::VmProgram program(p.extra["program"].get<std::string>());
      for (int64_t a = -5; a <= 50; a += 5) {
        Json input = p.extra["input"];
        input["a"] = a;
        EXPECT_EQ(Right(p, input.dump()), program.Run(input).output == p.extra["output"]) << a;
      }
    }
  }
}

TEST_F(CodeioTest, NoConstantInputPays) {
  for (const char* family : {"codeio-input:1", "codeio-input:2", "codeio-input:4"}) {
    const std::vector<Problem> problems = Problems(family, 400);
    for (int64_t a = 0; a <= 40; ++a) {
      int64_t paid = 0;
      for (const Problem& p : problems) {
        Json input = p.extra["input"];
        for (const auto& [name, value] : input.items()) {
          input[name] = value.is_array() ? Json{6, 6} : Json(name == "a" ? a : 6);
        }
        paid += Right(p, input.dump());
      }
      EXPECT_LT(paid * 10, static_cast<int64_t>(problems.size())) << family << " " << a;
    }
  }
}

}  // namespace
}  // namespace retort::train::codeio_test
