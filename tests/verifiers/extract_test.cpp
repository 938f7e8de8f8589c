#include "verifiers/extract.h"

#include <gtest/gtest.h>

#include "base/options.h"

namespace retort::verifiers {
namespace {

// "rule: text", or "none".
std::string Extract(std::string_view text, Extraction extraction = Extraction::kAny,
                    bool last_number = false) {
  const auto answer = ExtractAnswer(text, extraction, last_number);
  return answer ? EnumName(answer->rule) + ": " + answer->text : "none";
}

struct Case {
  const char* text;
  const char* expected;
};

TEST(Extract, EachRule) {
  for (const auto& [text, expected] : std::initializer_list<Case>{
           {"<answer>4</answer>", "answer-tag: 4"},
           {"<answer>3</answer> no: <answer> 4 </answer>", "answer-tag: 4"},
           {"<answer>It is \\boxed{4}</answer> \\boxed{5}", "answer-tag: 4"},
           {"<answer>The answer is 4.</answer>", "answer-tag: 4."},
           {"<answer> </answer>", "none"},
           {"\\boxed{4}", "boxed: 4"},
           {"\\fbox{4}", "boxed: 4"},
           {"\\boxed {4}", "boxed: 4"},
           {"so \\boxed{3}, that is wrong. It is \\boxed{4}.", "boxed: 4"},
           {"\\boxed{\\frac{1}{2}}", "boxed: \\frac{1}{2}"},
           {"\\boxed{\\{1,2\\}}", "boxed: \\{1,2\\}"},
           {"\\boxed{\\left\\{1,2\\right.}", "boxed: \\left\\{1,2\\right."},
           {"\\boxed{3} then \\boxed{4", "boxed: 3"},
           {"{{{ \\boxed{4}", "boxed: 4"},
           {"}}} \\boxed{4}", "boxed: 4"},
           {"\\boxed{4} The answer is 5", "boxed: 4"},
           {"work\n#### 72", "hashes: 72"},
           {"#### 71\n#### 72\nbye", "hashes: 72"},
           {"work\nA: 72", "phrase: 72"},
           {"A: 71\nA: 72\n", "phrase: 72"},
           {"Answer: 72", "phrase: 72"},
           {"**Answer:** 72", "phrase: 72"},
           {"**Answer**: 72", "phrase: 72"},
           {"The ANSWER is 72. Good.", "phrase: 72"},
           {"The final answer is $3.50. I hope it is correct.", "phrase: $3.50"},
           {"The final answer is:\n\n$$72$$\n", "phrase: 72$$"},
           {"The answer is\n\\[\n72\n\\]", "phrase: 72"},
           {"The answer is 71. Wait, the answer is 72", "phrase: 72"},
           {"The answers is 72", "none"},
           {"The answer isn't 72", "none"},
           {"CAA: 72", "none"},
           {"It is 72", "none"},
           {"", "none"}}) {
    EXPECT_EQ(Extract(text), expected) << text;
  }
}

TEST(Extract, NeighbouringBoxesAreOneAnswer) {
  EXPECT_EQ(Extract("\\boxed{4} or \\boxed{5}"), "boxed: 4, 5");
  EXPECT_EQ(Extract("$\\boxed{4}$ \\text{ and } $\\boxed{5}$, $\\boxed{6}$"), "boxed: 4, 5, 6");
  EXPECT_EQ(Extract("\\boxed{4}\\boxed{4}"), "boxed: 4");
  EXPECT_EQ(Extract("\\boxed{4} is wrong, so \\boxed{5}"), "boxed: 5");
  EXPECT_EQ(Extract("\\boxed{\\boxed{4}}"), "boxed: \\boxed{4}");
}

TEST(Extract, ThinkingIsNeverSearched) {
  EXPECT_EQ(Extract("<think>\\boxed{3}</think> \\boxed{4}"), "boxed: 4");
  EXPECT_EQ(Extract("<think>\\boxed{3}</think> four"), "none");
  EXPECT_EQ(Extract("\\boxed{3}</think> A: 4"), "none");  // "A:" only at the start of a line
  EXPECT_EQ(Extract("\\boxed{3}</think>\nA: 4"), "phrase: 4");
  EXPECT_EQ(Extract("<think>\\boxed{3} <answer>4</answer>"), "none");
  EXPECT_EQ(Extract("<think>a</think>\\boxed{3}<think>b"), "none");
}

TEST(Extract, TheOptionSaysWhatCounts) {
  const char* text = "<answer>3</answer> \\boxed{4}";
  EXPECT_EQ(Extract(text, Extraction::kAny), "answer-tag: 3");
  EXPECT_EQ(Extract(text, Extraction::kAnswerTag), "answer-tag: 3");
  EXPECT_EQ(Extract(text, Extraction::kBoxed), "boxed: 4");
  EXPECT_EQ(Extract("A: 5", Extraction::kAnswerTag), "none");
  EXPECT_EQ(Extract("A: 5", Extraction::kBoxed), "none");
}

TEST(Extract, LastNumberOnlyWhenAsked) {
  EXPECT_EQ(Extract("first 3, then 1,234.5.", Extraction::kAny, true), "last-number: 1,234.5");
  EXPECT_EQ(Extract("it is -3/4", Extraction::kAny, true), "last-number: -3/4");
  EXPECT_EQ(Extract("5-3", Extraction::kAny, true), "last-number: 3");
  EXPECT_EQ(Extract("none", Extraction::kAny, true), "none");
  EXPECT_EQ(Extract("it is 3", Extraction::kAny, false), "none");
  EXPECT_EQ(Extract("A: 4 of 9", Extraction::kAny, true), "phrase: 4 of 9");
}

}  // namespace
}  // namespace retort::verifiers
