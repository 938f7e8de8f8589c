#include "train/panel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "tests/support/error_of.h"
#include "train/internal/tensorboard.h"
#include "train/problems.h"
#include "train/stage.h"

namespace retort::train::panel_test {
namespace {

Judgement OfScores(const std::vector<std::optional<double>>& scores,
                   const std::vector<double>& weights) {
  std::vector<JudgeSpec> judges;
  std::vector<NamedVerdict> verdicts;
  for (size_t i = 0; i < scores.size(); ++i) {
    judges.push_back({"math", weights[i], Json::object()});
    Verdict verdict;
    if (scores[i]) {
      verdict.score = *scores[i];
      verdict.status = verdict.score == 1 ? VerdictStatus::kRight : VerdictStatus::kWrong;
    }
    verdicts.push_back({i == 0 ? "math" : StrCat("math-", i + 1), verdict});
  }
  return RewardPanel(judges, "reward").FromVerdicts(verdicts);
}

TEST(Panel, AddsWeightedScoresOfThoseThatJudged) {
  const std::vector<double> weights{2, -0.5, 1};
  EXPECT_EQ(OfScores({1, 1, 1}, weights).reward, 2.5);
  EXPECT_EQ(OfScores({1, 1, 1}, weights).correct, true);
  EXPECT_EQ(OfScores({1, 0.5, {}}, weights).reward, 1.75);
  EXPECT_EQ(OfScores({1, 0.5, {}}, weights).correct, false);
  EXPECT_EQ(OfScores({1, {}, {}}, weights).correct, std::nullopt);
  const Judgement none = OfScores({{}, {}, {}}, weights);
  EXPECT_FALSE(none.reward.has_value());
  EXPECT_EQ(none.correct, std::nullopt);
  EXPECT_EQ(none.verdicts.size(), 3u);
  const RewardPanel panel({{"math", 1, Json::object()}}, "reward");
  EXPECT_THROW(panel.FromVerdicts({}), Error);
}

// Throws on the problem "bad".
class Fragile final : public verifiers::Verifier {
 public:
  Verdict Judge(const verifiers::Response& response) const override {
    if (response.problem.id == "bad") throw std::runtime_error("no such column");
    return {VerdictStatus::kRight, 1, "equal", ""};
  }
};

TEST(Panel, AJudgeThatThrowsNamesTheProblemAndHasNotJudged) {
  const RewardPanel panel({{"fragile", 1, Json::object()}}, "reward",
                          [](const std::string& name, const Json&, const std::string& where) {
                            EXPECT_EQ(name, "fragile");
                            EXPECT_EQ(where, "reward[0].options");
                            return std::make_unique<Fragile>();
                          });
  Problem problem;
  problem.id = "good";
  EXPECT_EQ(panel.Judge({"4", problem}).correct, true);
  problem.id = "bad";
  const Judgement judgement = panel.Judge({"4", problem});
  EXPECT_EQ(judgement.correct, std::nullopt);
  EXPECT_FALSE(judgement.reward.has_value());
  EXPECT_EQ(judgement.verdicts[0].verdict.reason, "error: problem 'bad': no such column");
}

TEST(Panel, EveryJudgeHasANameOfItsOwn) {
  const auto names = [](const Json& json) {
    std::vector<std::string> names;
    for (const JudgeSpec& judge : ReadPanel(json, "reward")) names.push_back(judge.name);
    return names;
  };
  const Json math = {{"verifier", "math"}}, format = {{"verifier", "format"}};
  EXPECT_EQ(names({math, math, format, math}),
            (std::vector<std::string>{"math", "math-2", "format", "math-3"}));
  EXPECT_EQ(names({{{"verifier", "format"}, {"name", "math"}}, math}),
            (std::vector<std::string>{"math", "math-2"}));
  EXPECT_THROW(
      names({{{"verifier", "math"}, {"name", "a"}}, {{"verifier", "format"}, {"name", "a"}}}),
      Error);
  // What is written says it, so that the resolved recipe reads back the same.
  const Json written = WritePanel({{"math", 1, Json::object()}, {"math", 2, Json::object()}});
  EXPECT_EQ(written[1]["name"], "math-2");
  EXPECT_EQ(WritePanel(ReadPanel(written, "reward")), written);
  const RewardPanel panel({{"math", 1, Json::object()}, {"math", 2, Json::object()}}, "reward");
  Problem problem;
  problem.answer = "4";
  EXPECT_EQ(panel.Judge({"\\boxed{4}", problem}).verdicts[1].verifier, "math-2");
}

TEST(Panel, JudgesTakeTheProblemsOfTheirColumn) {
  const RewardPanel panel(
      ReadPanel({{{"verifier", "math"}, {"column", "task"}, {"values", {"sum", "product"}}},
                 {{"verifier", "format"},
                  {"values", {"essay"}},
                  {"options", {{"require_think", false}}}}},
                "reward"),
      "reward");
  Problem sum, essay, other;
  sum.answer = "4";
  sum.extra["task"] = "sum";
  essay.family = "essay";
  const Judgement right = panel.Judge({"<answer>4</answer>", sum});
  ASSERT_EQ(right.verdicts.size(), 1u);
  EXPECT_EQ(right.verdicts[0].verifier, "math");
  EXPECT_EQ(right.correct, true);  // the judge that does not apply has no say
  const Judgement form = panel.Judge({"<answer>no number</answer>", essay});
  ASSERT_EQ(form.verdicts.size(), 1u);
  EXPECT_EQ(form.verdicts[0].verifier, "format");
  EXPECT_EQ(form.correct, true);
  EXPECT_EQ(panel.FromVerdicts(form.verdicts).reward, form.reward);
  EXPECT_EQ(panel.Feedback(essay, form.verdicts), "That is right.");
  Problem named = sum;  // a file's own column of that name goes before the name of the file
  named.family = "file";
  named.extra["family"] = "essay";
  EXPECT_EQ(panel.Judge({"<answer>4</answer>", named}).verdicts.size(), 2u);
  const Judgement nobody = panel.Judge({"<answer>4</answer>", other});
  EXPECT_TRUE(nobody.verdicts.empty());
  EXPECT_EQ(nobody.correct, std::nullopt);
  EXPECT_FALSE(nobody.reward.has_value());
  EXPECT_THROW(panel.FromVerdicts({{"code", {}}}), Error);  // a verdict of nobody here
}

TEST(Panel, FormAloneMakesNoAnswerCorrect) {
  const Verdict right{VerdictStatus::kRight, 1, "", ""}, unjudged;
  const RewardPanel panel({{"math", 1, Json::object()}, {"format", 0.5, Json::object()}}, "reward");
  EXPECT_EQ(panel.FromVerdicts({{"math", right}, {"format", right}}).correct, true);
  const Judgement form = panel.FromVerdicts({{"math", unjudged}, {"format", right}});
  EXPECT_EQ(form.correct, std::nullopt);
  EXPECT_EQ(form.reward, 0.5);
  Problem problem;  // without a gold answer
  problem.prompt = "?";
  const Judgement judged = panel.Judge({"<think>So.</think><answer>4</answer>", problem});
  EXPECT_EQ(judged.verdicts[0].verdict.status, VerdictStatus::kUnjudged);
  EXPECT_EQ(judged.verdicts[1].verdict.status, VerdictStatus::kRight);
  EXPECT_EQ(judged.correct, std::nullopt);
}

TEST(Panel, JudgesWithEveryVerifierAndItsOptions) {
  Problem problem;
  problem.prompt = "1+1";
  problem.answer = "2";
  const RewardPanel panel(
      {{"math", 1, Json::object()}, {"format", 0.5, {{"require_think", false}}}}, "reward");
  const Judgement good = panel.Judge({"<answer>2</answer>", problem});
  EXPECT_EQ(good.reward, 1.5);
  EXPECT_EQ(good.verdicts[1].verifier, "format");
  EXPECT_EQ(panel.Judge({"<answer>3</answer>", problem}).reward, 0.5);
  const RewardPanel strict({{"format", 0.5, Json::object()}}, "reward");
  EXPECT_EQ(strict.Judge({"<answer>2</answer>", problem}).reward, 0);
}

TEST(Panel, FeedbackIsAboutWhatIsWrong) {
  Problem problem;
  problem.answer = "2";
  const RewardPanel panel({{"math", 1, Json::object()}, {"format", 0.5, Json::object()}}, "reward");
  const auto feedback = [&](const std::string& text) {
    return panel.Feedback(problem, panel.Judge({text, problem}).verdicts);
  };
  EXPECT_EQ(feedback("<think>t</think><answer>2</answer>"), "That is right.");
  EXPECT_EQ(feedback("<think>t</think><answer>3</answer>"), "3 is wrong.");
  const std::string both = feedback("");
  EXPECT_TRUE(both.starts_with("There is no answer. That is not accepted: ")) << both;
  problem.answer = "";  // which the mathematics verifier cannot judge
  EXPECT_EQ(feedback("<think>t</think><answer>3</answer>"), "That is right.");
  const RewardPanel math({{"math", 1, Json::object()}}, "reward");
  EXPECT_EQ(math.Feedback(problem, math.Judge({"3", problem}).verdicts), "");
}

TEST(Panel, HasABoundedNumberOfJudges) {
  std::vector<JudgeSpec> judges(1000, JudgeSpec{.verifier = "math"});
  judges[7].name = "math-3";
  NameJudges(judges, "reward");
  EXPECT_EQ(judges[1].name, "math-2");
  EXPECT_EQ(judges[2].name, "math-4");
  EXPECT_EQ(judges[999].name, "math-1000");
  judges.emplace_back();
  EXPECT_EQ(ErrorOf([&] { NameJudges(judges, "reward"); }),
            "reward: got 1001 judges, expected at most 1000; leave some out");
}

TEST(Panel, ReadingNamesThePlace) {
  const auto message = [](const Json& json) -> std::string {
    try {
      RewardPanel(ReadPanel(json, "stages[1].reward"), "stages[1].reward");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const Json good = {{{"verifier", "math"}, {"weight", 2}, {"options", {{"extraction", "boxed"}}}}};
  EXPECT_EQ(message(good), "no error");
  const Json written = WritePanel(ReadPanel(good, "x"));
  for (const auto& [key, value] : good[0].items()) EXPECT_EQ(written[0][key], value);
  EXPECT_EQ(WritePanel(ReadPanel(written, "x")), written);
  for (const auto& [json, part] : std::vector<std::pair<Json, std::string>>{
           {Json::array(), "stages[1].reward: expected"},
           {{{{"verifier", "mth"}}}, "'math'"},
           {{{{"verifier", "math"}, {"wieght", 1}}}, "'weight'"},
           {{{{"verifier", "math"}, {"weight", "1"}}}, "stages[1].reward[0].weight"},
           {{{{"verifier", "math"}, {"options", {{"x", 1}}}}}, "stages[1].reward[0].options"}}) {
    EXPECT_NE(message(json).find(part), std::string::npos) << message(json);
  }
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    for (const int digit : {(c >> 4) & 15, c & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

TEST(TensorBoard, WritesThePublishedBytes) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Hex(TensorBoardHeader(1700000000)),
            "1800000000000000"
            "a37f4b22"
            "0900000040fc54d9411a0d627261696e2e4576656e743a32"
            "eced8f9d");
  const std::string scalar = Hex(TensorBoardScalars(1700000001, 7, {{"loss", 0.5}}));
  EXPECT_EQ(scalar.substr(0, 16), "1a00000000000000");
  EXPECT_EQ(scalar.substr(24),
            "0900004040fc54d94110072a0d0a0b0a046c6f7373150000003f"
            "368fc084");
}

TEST(ShuffledOrder, EveryEpochIsAPermutationOfItsOwn) {
  ShuffledOrder order(13, 5, "examples"), again(13, 5, "examples");
  std::vector<std::vector<int64_t>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> items;
    for (int64_t i = 0; i < 13; ++i) items.push_back(order.At(epoch * 13 + i));
    epochs.push_back(items);
    std::sort(items.begin(), items.end());
    for (int64_t i = 0; i < 13; ++i) EXPECT_EQ(items[static_cast<size_t>(i)], i);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (const int64_t n : {38, 0, 20, 13, 12, 25}) {  // whatever was asked before
    EXPECT_EQ(again.At(n), epochs[static_cast<size_t>(n / 13)][static_cast<size_t>(n % 13)]);
  }
  EXPECT_NE(ShuffledOrder(1000, 5, "a").At(0), ShuffledOrder(1000, 5, "b").At(0));
  EXPECT_NE(ShuffledOrder(1000, 5, "a").At(0), ShuffledOrder(1000, 6, "a").At(0));
  EXPECT_THROW(ShuffledOrder(0, 1, "x"), Error);
}

TEST(MaxViolation, IsListedPerLayerAndOnAverage) {
  Metrics metrics;
  AddMaxViolation({}, metrics);
  EXPECT_TRUE(metrics.empty());
  AddMaxViolation({1, 2}, metrics);
  EXPECT_EQ(metrics, (Metrics{{"moe/max_violation/0", 1},
                              {"moe/max_violation/1", 2},
                              {"moe/max_violation", 1.5}}));
}

}  // namespace
}  // namespace retort::train::panel_test
