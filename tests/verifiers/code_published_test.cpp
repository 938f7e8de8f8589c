// Rows in the shapes that data sets are published in (LiveCodeBench, APPS and TACO, MBPP+,
// HumanEval+), written for this test: code_published.jsonl, a row a line, with the "reason" of the
// verdict on its "response".

#include <sstream>

#include "base/file.h"
#include "tests/verifiers/code_fixture.h"

namespace retort::verifiers::code_published_test {
namespace {

class CodePublished : public CodeTest {};

TEST_F(CodePublished, RowsAreReadOrRefused) {
  std::istringstream lines(
      ReadFile(std::filesystem::path(RETORT_SOURCE_DIR) / "tests/verifiers/code_published.jsonl"));
  std::string line;
  int rows = 0;
  for (; std::getline(lines, line); ++rows) {
    const Json row = ParseJson(line, "code_published.jsonl");
    EXPECT_TRUE(Is(Judge(row["response"], row), row["reason"])) << row["name"];
  }
  EXPECT_GE(rows, 20);
}

}  // namespace
}  // namespace retort::verifiers::code_published_test
