// Verdicts of "math" on our own table of cases, cases/CLASS.jsonl: one JSON object a line with
// "gold", "response", "expected", and where needed "options" and a "note". Every expectation is
// true mathematics or a convention that docs and math.h state.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "verifiers/registry.h"

namespace retort::verifiers::cases_test {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(RETORT_SOURCE_DIR) / "tests/verifiers/cases";

std::vector<std::string> Classes() {
  std::vector<std::string> classes;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".jsonl") classes.push_back(entry.path().stem());
  }
  std::sort(classes.begin(), classes.end());
  return classes;
}

class CasesTest : public testing::TestWithParam<std::string> {};

TEST_P(CasesTest, AreJudgedAsExpected) {
  const std::filesystem::path path = kFolder / (GetParam() + ".jsonl");
  std::istringstream lines(ReadFile(path));
  std::string line, failures;
  int rows = 0, failed = 0;
  for (; std::getline(lines, line); ++rows) {
    const std::string where = path.filename().string() + ":" + std::to_string(rows + 1);
    const Json row = ParseJson(line, where);
    Problem problem;
    problem.answer = row.at("gold").get<std::string>();
    const std::string response = row.at("response").get<std::string>();
    const auto verifier = MakeVerifier("math", row.value("options", Json::object()), where);
    const Verdict verdict = verifier->Judge({.text = response, .problem = problem});
    if ((verdict.status == VerdictStatus::kRight) == row.at("expected").get<bool>()) continue;
    ++failed;
    failures += where + ": gold " + problem.answer + " | response " + response + " | got " +
                EnumName(verdict.status) + ", " + verdict.reason + "\n";
  }
  EXPECT_GE(rows, 10);
  EXPECT_EQ(failed, 0) << "of " << rows << ":\n" << failures;
}

INSTANTIATE_TEST_SUITE_P(Math, CasesTest, testing::ValuesIn(Classes()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace retort::verifiers::cases_test
