#include <gtest/gtest.h>

#include "verifiers/registry.h"

namespace retort::verifiers::format_test {
namespace {

std::string Reason(const std::string& text, const Json& options = Json::object()) {
  const Problem problem;
  const Verdict verdict =
      MakeVerifier("format", options, "test")->Judge({.text = text, .problem = problem});
  const bool well_formed = verdict.reason == "well-formed";
  EXPECT_EQ(verdict.status, well_formed ? VerdictStatus::kRight : VerdictStatus::kWrong);
  EXPECT_EQ(verdict.score, well_formed ? 1 : 0);
  return verdict.reason;
}

TEST(Format, AcceptsTheTemplate) {
  EXPECT_EQ(Reason("<think>a</think><answer>b</answer>"), "well-formed");
  EXPECT_EQ(Reason(" \n<think>\na\n</think>\n\n<answer> b </answer>\n"), "well-formed");
}

TEST(Format, NamesTheFault) {
  EXPECT_EQ(Reason(""), "no-think");
  EXPECT_EQ(Reason("42"), "no-think");
  EXPECT_EQ(Reason("<answer>b</answer>"), "no-think");
  EXPECT_EQ(Reason("<think>a</think>b"), "no-answer");
  EXPECT_EQ(Reason("<think>a<answer>b</answer>"), "unclosed-tag");
  EXPECT_EQ(Reason("<think>a</think><answer>b"), "unclosed-tag");
  EXPECT_EQ(Reason("a</think><answer>b</answer>"), "unclosed-tag");
  EXPECT_EQ(Reason("<think>a</think><think>a</think><answer>b</answer>"), "repeated-tag");
  EXPECT_EQ(Reason("<think>a</think><answer>b</answer><answer>c</answer>"), "repeated-tag");
  EXPECT_EQ(Reason("<answer>b</answer><think>a</think>"), "tag-order");
  EXPECT_EQ(Reason("</think>a<think><answer>b</answer>"), "tag-order");
  EXPECT_EQ(Reason("<think>a<answer>b</answer></think>"), "tag-order");
  EXPECT_EQ(Reason("<think>a<answer></think>b</answer>"), "tag-order");
  EXPECT_EQ(Reason("Hm <think>a</think><answer>b</answer>"), "text-outside");
  EXPECT_EQ(Reason("<think>a</think>so<answer>b</answer>"), "text-outside");
  EXPECT_EQ(Reason("<think>a</think><answer>b</answer>."), "text-outside");
  EXPECT_EQ(Reason("<think> \n</think><answer>b</answer>"), "empty-think");
  EXPECT_EQ(Reason("<think>a</think><answer> </answer>"), "empty-answer");
}

TEST(Format, OptionsMatter) {
  EXPECT_EQ(Reason("<answer>b</answer>", Json{{"require_think", false}}), "well-formed");
  EXPECT_EQ(Reason("<answer>b</answer><think>a</think>", Json{{"require_think", false}}),
            "tag-order");
  EXPECT_EQ(Reason("so <answer>b</answer>", Json{{"require_think", false}}), "text-outside");
  EXPECT_EQ(Reason("<think></think><answer>b</answer>", Json{{"allow_empty_think", true}}),
            "well-formed");
  EXPECT_EQ(Reason("<think>a</think> so b", Json{{"require_answer", false}}), "well-formed");
  EXPECT_EQ(Reason("<think>a</think> ", Json{{"require_answer", false}}), "empty-answer");
  EXPECT_EQ(Reason("x <think>a</think> b", Json{{"require_answer", false}}), "text-outside");
  const Json boxed{{"require_boxed", true}};
  EXPECT_EQ(Reason("<think>a</think><answer>\\boxed{b}</answer>", boxed), "well-formed");
  EXPECT_EQ(Reason("<think>\\boxed{a}</think><answer>b</answer>", boxed), "no-box");
  EXPECT_EQ(Reason("<think>a</think><answer>\\boxed{b</answer>", boxed), "no-box");
}

}  // namespace
}  // namespace retort::verifiers::format_test
