#include "train/problems.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/file.h"
#include "tests/support/error_of.h"
#include "tests/support/stage_run.h"

namespace retort::train::problems_test {
namespace {

class FileProblems : public ::testing::Test {
 protected:
  /// `rows` questions, the one with number `long_row` (from 1) longer by `extra` letters.
  ProblemOptions File(int64_t rows, int64_t long_row = 0, size_t extra = 0) {
    std::string text;
    for (int64_t i = 1; i <= rows; ++i) {
      const std::string more = i == long_row ? std::string(extra, 'x') : "";
      text += ToJsonLine({{"prompt", StrCat("What is ", i, "?", more)}, {"answer", StrCat(i)}});
      text += "\n";
    }
    ProblemOptions options;
    options.file = (folder_.path() / "school.jsonl").string();
    WriteFileAtomic(options.file, text);
    return options;
  }
  static std::set<std::string> Texts(const std::vector<Problem>& problems) {
    std::set<std::string> texts;
    for (const Problem& problem : problems) texts.insert(problem.canonical);
    return texts;
  }
  TemporaryFolder folder_;
};

TEST_F(FileProblems, SplitSharesGiveEveryProblemOneSideThatItKeeps) {
  ProblemOptions options = File(1000);
  EXPECT_EQ(GetProblems(options).size(), 1000u);  // not split
  options.split_shares = {0.7, 0.1, 0.2};
  std::map<datasets::Split, std::set<std::string>> sides;
  size_t count = 0;
  for (const auto& [split, name] : EnumNames(datasets::Split())) {
    options.split = split;
    sides[split] = Texts(GetProblems(options));
    count += sides[split].size();
  }
  EXPECT_EQ(count, 1000u);  // no problem is on two sides, none is lost
  EXPECT_NEAR(static_cast<double>(sides[datasets::Split::kTrain].size()), 700, 60);
  EXPECT_NEAR(static_cast<double>(sides[datasets::Split::kValidation].size()), 100, 40);
  EXPECT_NEAR(static_cast<double>(sides[datasets::Split::kHeldOut].size()), 200, 50);
  ProblemOptions larger = File(2000);
  larger.split_shares = {7, 1, 2};  // shares of their sum
  larger.split = datasets::Split::kHeldOut;
  const std::set<std::string> held_out = Texts(GetProblems(larger));
  for (const std::string& text : sides[datasets::Split::kHeldOut]) {
    EXPECT_TRUE(held_out.contains(text)) << text;
  }
  for (const std::string& text : sides[datasets::Split::kTrain]) {
    EXPECT_FALSE(held_out.contains(text)) << text;
  }
}

TEST_F(FileProblems, SharesThatMakeNoSenseAreErrors) {
  ProblemOptions options = File(10);
  for (const std::vector<double>& shares :
       std::vector<std::vector<double>>{{0.5, 0.5}, {0, 0, 0}, {1, 1, 1, 1}}) {
    options.split_shares = shares;
    EXPECT_NE(ErrorOf([&] { GetProblems(options); }).find("split_shares"), std::string::npos);
  }
  options.split_shares = {1, 0, 0};
  options.split = datasets::Split::kHeldOut;
  EXPECT_NE(ErrorOf([&] { GetProblems(options); }).find("'held_out'"), std::string::npos);
  ProblemOptions generated;
  generated.split_shares = {0.8, 0.1, 0.1};
  EXPECT_NE(ErrorOf([&] { GetProblems(generated); }).find("no effect"), std::string::npos);
}

TEST_F(FileProblems, BadRowsAreToldWithFileAndLineAndTheRestIsRead) {
  ProblemOptions options;
  options.file = (folder_.path() / "bad.jsonl").string();
  WriteFileAtomic(options.file,
                  "{\"prompt\":\"a\",\"answer\":\"1\"}\n{\"promt\":\"b\"}\n{oops\n"
                  "{\"prompt\":\"c\",\"answer\":\"2\"}\n");
  std::vector<std::string> bad;
  EXPECT_EQ(GetProblems(options, [&](const std::string& row) { bad.push_back(row); }).size(), 2u);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].find(options.file + ":2: "), 0u) << bad[0];
  EXPECT_EQ(bad[1].find(options.file + ":3"), 0u) << bad[1];
  EXPECT_THROW(GetProblems(options), Error);
}

TEST_F(FileProblems, OverlongIsCountedToTheToken) {
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  const auto overlong = [&](size_t extra, std::optional<int64_t> most) {
    ProblemOptions options = File(20, 7, extra);
    options.max_prompt_length = most;
    const Room room{tokenizer, model::PromptTemplate::kShort, 64, 30};
    return FindOverlong(GetProblems(options), options, room);
  };
  // "User: " + "What is 7?" + "\nAssistant: " are 12 tokens; 64 - 30 + 1 = 35 fit.
  EXPECT_TRUE(overlong(23, std::nullopt).problems.empty());
  const Overlongs one = overlong(24, std::nullopt);
  ASSERT_EQ(one.problems.size(), 1u);
  EXPECT_EQ(one.problems[0].id, "school.jsonl:7");
  EXPECT_EQ(one.problems[0].tokens, 36);
  EXPECT_EQ(one.limit, 35);
  for (const char* part : {"1 of 20", "'school.jsonl:7' with 36 tokens", "at most 35"}) {
    EXPECT_NE(one.Text().find(part), std::string::npos) << one.Text();
  }
  EXPECT_NE(one.remedy.find("or lower max_completion_length"), std::string::npos);
  EXPECT_NE(overlong(4, 15).remedy.find("or raise max_prompt_length"), std::string::npos);
  EXPECT_TRUE(overlong(3, 15).problems.empty());
  EXPECT_EQ(overlong(4, 15).problems.size(), 1u);
  EXPECT_EQ(overlong(24, 1000).problems.size(), 1u);  // the context is a limit all the same
}

}  // namespace
}  // namespace retort::train::problems_test
