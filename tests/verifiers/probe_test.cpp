#include "verifiers/probe.h"

#include <gtest/gtest.h>

#include <set>

namespace retort::verifiers::probe_test {
namespace {

TEST(Probe, TextsAreFilledIn) {
  const Probe probe{"", "«{gold} or {other}»\n", 2};
  EXPECT_EQ(ProbeText(probe, "42", "<a>%</a>"), "<a>42 or 427</a>\n<a>42 or 427</a>\n");
  EXPECT_EQ(ProbeText(probe, "A", "%"), "A or B\nA or B\n");
  EXPECT_EQ(ProbeText(probe, "C", "%"), "C or A\nC or A\n");
  EXPECT_NE(ProbeText({"", "{list}"}, "42", "%").find(", 42, "), std::string::npos);
  EXPECT_NE(ProbeText({"", "{boxes}"}, "42", "%").find("\\boxed{42}"), std::string::npos);
}

TEST(Probe, NamesDifferAndNoPlaceholderIsLeft) {
  std::set<std::string> names;
  for (const Probe& probe : Probes()) {
    EXPECT_TRUE(names.insert(probe.name).second) << probe.name;
    const std::string text = ProbeText(probe, "42", "#### %");
    for (const char* part : {"{gold}", "{other}", "{list}", "{boxes}", "{digits}", "{open}", "«"}) {
      EXPECT_EQ(text.find(part), std::string::npos) << probe.name;
    }
  }
}

TEST(Probe, OnlyFormsInWhichTheRightAnswerIsPaidAreTried) {
  std::vector<std::string> seen;
  const ProbeReport report = RunProbes("42", [&](const Response& response) {
    EXPECT_EQ(response.problem.answer, "42");
    seen.emplace_back(response.text);
    const bool paid = response.text == "#### 42" || response.text == "So it is.\n#### 42";
    return Payment{paid, paid ? 1.0 : 0.25, "why"};
  });
  EXPECT_EQ(report.forms, std::vector<std::string>{"So it is.\n#### %"});
  EXPECT_EQ(seen.size(), AnswerForms().size() + Probes().size());
  ASSERT_EQ(report.results.size(), Probes().size());
  EXPECT_EQ(report.paid, 0);
  EXPECT_EQ(report.results[0].payment.reward, 0.25);
  EXPECT_EQ(report.results[0].payment.reason, "why");
}

TEST(Probe, WhatIsPaidIsReportedWithTheResponse) {
  const ProbeReport report = RunProbes("42", [](const Response& response) {
    const bool right = response.text.find("42") != std::string_view::npos;
    return Payment{right, right ? 1.5 : 1.4, ""};
  });
  EXPECT_EQ(report.forms.size(), AnswerForms().size());
  EXPECT_GT(report.paid, 10);
  for (const ProbeResult& result : report.results) {
    EXPECT_EQ(result.paid, result.response.find("42") != std::string::npos) << result.probe->name;
  }
}

}  // namespace
}  // namespace retort::verifiers::probe_test
