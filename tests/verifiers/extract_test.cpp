#include "verifiers/text/extract.h"

#include <gtest/gtest.h>

#include "base/options.h"

namespace retort::verifiers::extract_test {
namespace {

// "rule: text", or "none"; " (joined)" and " (percent)" follow.
std::string Extract(std::string_view text, Extraction extraction = Extraction::kAny) {
  const auto answer = ExtractAnswer(text, extraction);
  if (!answer) return "none";
  return EnumName(answer->rule) + ": " + answer->text + (answer->joined ? " (joined)" : "") +
         (answer->outside_percent ? " (percent)" : "");
}

struct Case {
  const char* text;
  const char* expected;
};

void Check(std::initializer_list<Case> cases, Extraction extraction) {
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(Extract(text, extraction), expected) << text;
  }
}

TEST(Extract, EachAnnouncement) {
  const std::initializer_list<Case> cases{
      {"<answer>4</answer>", "answer-tag: 4"},
      {"<answer>3</answer> no: <answer> 4 </answer>", "answer-tag: 4"},
      {"<answer>It is \\boxed{4}</answer> \\boxed{5}", "answer-tag: 4"},
      {"<answer>The answer is 4.</answer>", "answer-tag: 4"},
      {"<answer> </answer>", "none"},
      {"The final answer is 9, \\boxed{1}", "boxed: 1"},
      {"\\boxed{1}. Final Answer: The final answer is $9$. I hope it is correct.",
       "final-answer: 9"},
      {"The final answer is $x = \\boxed{5}$.", "boxed: 5"},
      {"The final answer is $5 + 4 = \\boxed{9}$.", "boxed: 9"},
      {"\\boxed{4}", "boxed: 4"},
      {"\\fbox{4}", "boxed: 4"},
      {"\\boxed {4}", "boxed: 4"},
      {"\\\\boxed{\\\\frac{1}{2}}", "boxed: \\frac{1}{2}"},
      {"so \\boxed{3}, that is wrong. It is \\boxed{4}.", "boxed: 4"},
      {"\\boxed{\\frac{1}{2}}", "boxed: \\frac{1}{2}"},
      {"\\boxed{\\{1,2\\}}", "boxed: \\{1,2\\}"},
      {"\\boxed{\\left\\{1,2\\right.}", "boxed: \\left\\{1,2\\right."},
      {"$x \\in \\boxed{[0, 1)}$", "boxed: [0, 1)"},
      {"{{{ \\boxed{4}", "boxed: 4"},
      {"}}} \\boxed{4}", "boxed: 4"},
      {"\\boxed{4} The answer is 5", "boxed: 4"},
      {"$\\boxed{20}$ percent", "boxed: 20% (percent)"},
      {"\\(\\boxed{20}\\)\\% of it", "boxed: 20% (percent)"},
      {"\\boxed{20\\%} %", "boxed: 20\\%"},
      {"\\boxed{20} percentage points", "boxed: 20"},
      {"work\n#### 72", "hashes: 72"},
      {"#### 71\n#### 72\nbye", "hashes: 72"},
      {"work\nA: 72", "phrase: 72"},
      {"A: 71\nA: 72\n", "phrase: 72"},
      {"Answer: 72", "phrase: 72"},
      {"**Answer:** 72", "phrase: 72"},
      {"**Answer: 72**", "phrase: 72"},
      {"**Answer**: 72", "phrase: 72"},
      {"The ANSWER is 72. Good.", "phrase: 72"},
      {"The answer is $3.50. I hope it is correct.", "phrase: $3.50"},
      {"The answer is:\n\n$$72$$\n", "phrase: 72"},
      {"The answer is\n\\[\n72\n\\]", "phrase: 72"},
      {"The answer is 1 or 2", "phrase: 1 or 2"},
      {"The answer is 4 of 9", "phrase: 4 of 9"},
      {"The answer is $1$ and $2$", "phrase: 1, 2 (joined)"},
      {"The answer is 71. Wait, the answer is 72", "phrase: 72"},
      {"", "none"}};
  Check(cases, Extraction::kAny);
  Check(cases, Extraction::kAnnounced);
}

TEST(Extract, WhatIsNoAnnouncement) {
  for (const char* text : {"The answers are 72 and so is it", "The answer isn't 72", "CAA: 72",
                           "It is 72", "72", "$72$", "\\boxed{72", "\\boxed 72"}) {
    EXPECT_EQ(Extract(text, Extraction::kAnnounced), "none") << text;
  }
}

TEST(Extract, AnnouncedSentencesAreReadIntoOnlyWhenAnythingMayBeTheAnswer) {
  const std::initializer_list<Case> cases{
      {"Final Answer: The largest $n$ is 34.", "phrase: 34"},
      {"Final Answer: The volume of $ABCD$ is 120. I hope it is correct.", "phrase: 120"},
      {"Final Answer: Jane started growing Sphere 3 hours ago. I hope so.", "phrase: 3"},
      {"Answer: 12, since it is 3 times 4 by the rule", "phrase: 12"},
      {"The answer is not 5", "phrase: not 5"},
      {"The final answer is positive, because two of the three are not: \\boxed{P}", "boxed: P"},
      {"**Final Answer**\n\nIt is 42 in all", "phrase: 42"},
      {"**Final Answer**\n\\boxed{004}", "boxed: 004"},
      {"Answer $9$", "phrase: 9"},
      {"Answer \\[\n 9\n \\]", "phrase: 9"},
      {"Answer $\n9\n$", "phrase: $"},  // such a formula has one line
      {"A: so 3 of the apples of the basket", "phrase: 3"}};
  Check(cases, Extraction::kAny);
  EXPECT_EQ(Extract("Final Answer: The largest $n$ is 34.", Extraction::kAnnounced),
            "phrase: The largest $n$ is 34");
}

TEST(Extract, NeighbouringBoxesAreOneAnswer) {
  Check({{"\\boxed{4} or \\boxed{5}", "boxed: 4, 5 (joined)"},
         {"$\\boxed{4}$ \\text{ and } $\\boxed{5}$, $\\boxed{6}$", "boxed: 4, 5, 6 (joined)"},
         {"\\boxed{1} papers and \\boxed{2} bins", "boxed: 1, 2 (joined)"},
         {"\\boxed{35 cm} ++++++ \\boxed{4}", "boxed: 35 cm, 4 (joined)"},
         {"\\boxed{1} no no no no no \\boxed{2}", "boxed: 2"},
         {"\\boxed{4}\\boxed{4}", "boxed: 4"},
         {"\\boxed{4} is wrong, so \\boxed{5}", "boxed: 5"},
         {"It is \\boxed{4}, as said. And then also \\boxed{5}", "boxed: 5"},
         {"\\boxed{4}, and then, after quite a large number of other thoughts that are long, "
          "\\boxed{5}",
          "boxed: 5"},
         {"\\boxed{\\boxed{4}}", "boxed: \\boxed{4}"}},
        Extraction::kBoxed);
}

TEST(Extract, UnfinishedBoxes) {
  Check({{"so \\boxed{4", "boxed: 4"},
         {"so $\\boxed{4$ it is", "boxed: 4"},
         {"\\boxed{3} and so on, then as we saw \\boxed{4", "boxed: 4"},
         {"so \\boxed 42.", "boxed: 42"},
         {"so \\boxed\\frac{1}{2} it is", "boxed: \\frac{1}{2}"}},
        Extraction::kAny);
  EXPECT_EQ(Extract("\\boxed{3} then \\boxed{4", Extraction::kBoxed), "boxed: 3");
  EXPECT_EQ(Extract("\\boxed 4", Extraction::kBoxed), "none");
}

TEST(Extract, ThinkingIsNeverSearched) {
  for (const Extraction extraction : {Extraction::kAny, Extraction::kAnnounced}) {
    EXPECT_EQ(Extract("<think>\\boxed{3}</think> \\boxed{4}", extraction), "boxed: 4");
    EXPECT_EQ(Extract("\\boxed{3}</think>\nA: 4", extraction), "phrase: 4");
    EXPECT_EQ(Extract("<think>\\boxed{3} <answer>4</answer>", extraction), "none");
    EXPECT_EQ(Extract("<think>a</think>\\boxed{3}<think>b", extraction), "none");
  }
  EXPECT_EQ(Extract("<think>\\boxed{3}</think> four", Extraction::kAnnounced), "none");
  EXPECT_EQ(Extract("<think>\\boxed{3}</think> four"), "whole: four");
  EXPECT_EQ(Extract("\\boxed{3}</think> A: 4", Extraction::kAnnounced), "none");  // no line starts
}

TEST(Extract, TheOptionSaysWhatCounts) {
  const char* text = "<answer>3</answer> \\boxed{4}";
  EXPECT_EQ(Extract(text, Extraction::kAny), "answer-tag: 3");
  EXPECT_EQ(Extract(text, Extraction::kAnnounced), "answer-tag: 3");
  EXPECT_EQ(Extract(text, Extraction::kAnswerTag), "answer-tag: 3");
  EXPECT_EQ(Extract(text, Extraction::kBoxed), "boxed: 4");
  EXPECT_EQ(Extract(text, Extraction::kLetter), "none");
  EXPECT_EQ(Extract("The final answer is $9$, \\boxed{1}", Extraction::kUnboxed),
            "final-answer: 9");
  EXPECT_EQ(Extract("\\boxed{1}", Extraction::kUnboxed), "none");
  EXPECT_EQ(Extract("so it must be 4 by now", Extraction::kUnboxed), "last-number: 4");
  EXPECT_EQ(Extract("A: 5", Extraction::kAnswerTag), "none");
  EXPECT_EQ(Extract("A: 5", Extraction::kBoxed), "none");
  EXPECT_EQ(Extract("<answer>The sum of it all is 34 apples.</answer>"), "answer-tag: 34");
  EXPECT_EQ(Extract("<answer>The sum of it all is 34 apples.</answer>", Extraction::kAnswerTag),
            "answer-tag: The sum of it all is 34 apples.");
}

TEST(Extract, AnAnswerOnItsOwnComesBackWhole) {
  Check({{"-5", "whole: -5"},
         {"1 000", "whole: 1 000"},
         {"\\frac{1}{2}", "whole: \\frac{1}{2}"},
         {"x=5", "whole: x=5"},
         {"x = 2 or x = 3", "whole: x = 2 or x = 3"},
         {"AB=4,CD=5", "whole: AB=4,CD=5"},
         {"Evelyn", "whole: Evelyn"},
         {"no solution", "whole: no solution"},
         {"5 apples.", "whole: 5 apples"},
         {"$1,000.99", "whole: $1,000.99"},
         {"**73**", "whole: 73"},
         {"(7,6)", "whole: (7,6)"},
         {"AZYUK2A", "whole: AZYUK2A"},
         {"not 5", "whole: not 5"},
         {"<answer>not $5$</answer>", "answer-tag: not $5$"},
         {"28 percent", "whole: 28 percent"},
         {"$125$ miles", "whole: 125 miles"},
         {"$1/3$", "formula: 1/3"},
         {"$-2 \\\\le x \\\\le 7$", "formula: -2 \\le x \\le 7"},
         {"$\\text{The midpoints form a regular hexagon}$",
          "formula: \\text{The midpoints form a regular hexagon}"},
         {"$$\\begin{pmatrix}1\\\\\n2\\end{pmatrix}$$",
          "formula: \\begin{pmatrix}1\\\\\n2\\end{pmatrix}"},
         {"$1$ and $2$ and $3$", "formula: 1, 2, 3 (joined)"},
         {"$21,16$ or $11$", "formula: 21,16, 11 (joined)"},
         {"$28$ %", "formula: 28% (percent)"}},
        Extraction::kAny);
}

TEST(Extract, LastFormulaOrNumber) {
  Check({{"Therefore $x \\geq 5$ is the solution.", "formula: x \\geq 5"},
         {"The matrix is $ (1\\ 2) $", "formula: (1\\ 2)"},
         {"So we see that \\( 20 \\) percent of them left.", "formula: 20% (percent)"},
         {"So 120 is the volume of $ABCD$ in the end.", "last-number: 120"},
         {"It costs $5 and then $6 for the two of us.", "last-number: $6"},
         {"so the number is 10 which is 1,000.99m\xC2\xB2", "last-number: 1,000.99m\xC2\xB2"},
         {"P(A) = 2/3 Therefore, the probability of it is 2/3.", "last-number: 2/3"},
         {"at the end of it all (1 000)", "last-number: 1 000"},
         {"we finally get that x = 1/2", "last-number: x = 1/2"},
         {"in the end it must be \\frac{1}{2}.", "last-number: \\frac{1}{2}"},
         {"the point that we look for is (7, 6).", "last-number: (7, 6)"},
         {"Soucis : 2,74 $ a..", "last-number: 2,74"},
         {"first 3, then 1,234.5.", "last-number: 1,234.5"},
         {"it is -3/4", "last-number: -3/4"},
         {"the error increases by 100%.", "last-number: 100%"},
         {"- 5 apples are in the basket here", "last-number: 5"},
         {"I think that it is 1 or 2", "last-number: 1, 2 (joined)"},
         {"I think that it is 1, 2, or 3", "last-number: 1, 2, 3 (joined)"},
         {"I think that it is 1 or $2$ by now", "formula: 1, 2 (joined)"},
         {"nothing that would look like an answer", "none"},
         {"the file is called report2024final", "none"}},
        Extraction::kAny);
}

TEST(Extract, LettersOfOptions) {
  Check({{"The answer is (A)", "phrase: A"},
         {"The answer is U.", "phrase: U"},
         {"Answer: option B, because A is too small", "phrase: B"},
         {"Final answer is B", "final-answer: B"},
         {"<answer>C</answer>", "answer-tag: C"},
         {"\\boxed{\\text{(C)}}", "boxed: C"},
         {"A. Because B is not valid", "letter: A"},
         {"(A) one\n(B) two\nSo it has to be C", "letter: C"},
         {"Because B is valid", "letter: B"},
         {"A dog is an animal", "letter: A"},
         {"A dog likes option D more", "letter: D"},
         {"The answer is A or B", "phrase: A, B (joined)"},
         {"\\boxed{A} or \\boxed{C}", "boxed: A, C (joined)"},
         {"no option", "none"}},
        Extraction::kLetter);
}

TEST(Extract, WhatTemplatesLeaveBehindEndsTheText) {
  Check({{"The answer is 2/3. <|im_start|>user\nThe answer is 5", "phrase: 2/3"},
         {"#### 4<|im_end|>", "hashes: 4"},
         {"#### 4</s>#### 5", "hashes: 4"},
         {"#### 4<|im_end|><think>no</think>#### 5", "hashes: 4"},
         {"<|im_start|>assistant\n#### 4", "hashes: 4"},
         {"x <| 3 |> \\boxed{4}", "boxed: 4"}},
        Extraction::kAnnounced);
}

TEST(Extract, NewlinesEscapedTwice) {
  EXPECT_EQ(Extract("The answer is 4\\n\\nThat is all", Extraction::kAnnounced), "phrase: 4");
  EXPECT_EQ(Extract("The answer is $\\nu$", Extraction::kAnnounced), "phrase: \\nu");
}

// Any of these in quadratic time would take hours.
TEST(Extract, LongTextsComeToAnEnd) {
  for (const char* part :
       {"\\boxed{", "\\boxed{1} ", "\\boxed 1",  "$",         "$1",   "$1$ and ", "\\(",
        "\\[",      "$$1 ",        "1 or ",      "1, ",       "x+",   "x + ",     "(1 ",
        "( ",       ") ",          "answer is ", "Answer: $", "A:\n", "####",     "<|im_",
        "<answer>", "</answer>",   "<think>",    "<",         "\\n",  "\\",       "A ",
        "(A)\n",    "a",           "1",          "1 ",        "x1 ",  "\\text{",  "{",
        "* ",       "\xE2\x89\xA4"}) {
    std::string text;
    while (text.size() < 1'000'000) text += part;
    for (const Extraction extraction :
         {Extraction::kAny, Extraction::kAnnounced, Extraction::kLetter}) {
      const auto answer = ExtractAnswer(text, extraction);
      EXPECT_LE(answer ? answer->text.size() : 0, text.size()) << part;
    }
  }
}

}  // namespace
}  // namespace retort::verifiers::extract_test
