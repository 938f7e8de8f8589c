// Real input: solutions sampled from real models with the labels their authors gave them, and the
// worked solutions of MATH-500. Skipped where the data is not at hand.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/strings.h"
#include "verifiers/registry.h"
#include "verifiers/score.h"
#include "verifiers/text/boxes.h"

namespace retort::verifiers::shared_data_test {
namespace {

const std::filesystem::path kData = std::filesystem::path(RETORT_SOURCE_DIR) / "../shared/data";

ScoreSummary ScoreFile(const char* name, const ScoreOptions& options, std::string* disagreements) {
  const auto math = MakeVerifier("math", Json::object(), "test");
  std::istringstream lines(ReadFile(kData / name));
  ScoreSummary summary;
  std::string line;
  for (int64_t row = 1; std::getline(lines, line); ++row) {
    const std::string where = name + (":" + std::to_string(row));
    for (const ScoredResponse& scored :
         ScoreRow(ParseJson(line, where), row, where, options, *math)) {
      summary.Add(scored);
      const bool right = scored.verdict.status == VerdictStatus::kRight;
      if (right != scored.label.value_or(true)) {
        *disagreements +=
            where + " " +
            ToJson(scored, true).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
      }
    }
  }
  return summary;
}

TEST(SharedData, Gsm8kModelSolutionsAgreeWithTheirLabels) {
  const char* kFile = "gsm8k_example_model_solutions.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  ScoreOptions options;
  options.answer = "ground_truth";
  options.response.clear();
  for (const char* model :
       {"6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"}) {
    options.response.push_back(std::string(model) + ".solution");
    options.label.push_back(std::string(model) + ".is_correct");
  }
  std::string disagreements;
  const ScoreSummary summary = ScoreFile(kFile, options, &disagreements);
  EXPECT_EQ(summary.labelled, 5276);
  EXPECT_GE(summary.ToJson()["agreement"].get<double>(), 0.999) << disagreements;
  RecordProperty("summary", summary.ToJson().dump());
}

TEST(SharedData, Math500SolutionsAgainstTheirAnswers) {
  const char* kFile = "math500_test.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  ScoreOptions options;
  options.response = {"solution"};
  std::string disagreements;
  const ScoreSummary summary = ScoreFile(kFile, options, &disagreements);
  EXPECT_EQ(summary.right + summary.wrong + summary.unjudged, 500);
  EXPECT_GE(summary.right, 500) << disagreements;
}

Verdict Judge(const std::string& gold, const std::string& text,
              const Json& options = Json::object()) {
  Problem problem;
  problem.answer = gold;
  return MakeVerifier("math", options, "test")->Judge({.text = text, .problem = problem});
}

constexpr int kNotPaidHere[] = {7, 99, 101, 102, 105, 115, 116};

// Math-Verify's own cases; what its tests set by options is set by ours.
TEST(SharedData, MathVerifyCases) {
  const char* kFile = "mathverify_cases.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  std::istringstream lines(ReadFile(kData / kFile));
  std::string line;
  int judged = 0;
  for (int row = 1; std::getline(lines, line); ++row) {
    const Json item = ParseJson(line, kFile + (":" + std::to_string(row)));
    if (item.contains("suspect")) continue;  // no mathematics
    // "x = 5+5+1 = 7 = 11" and "1/3 \\approx 1.3" are false; of "1,22" the comma separates two.
    if (std::ranges::find(kNotPaidHere, row) != std::end(kNotPaidHere)) {
      EXPECT_NE(Judge(item["gold"], item["pred"]).status, VerdictStatus::kRight) << row;
      ++judged;
      continue;
    }
    Json options = Json::object();
    if (item["extraction"] == "string") {
      options["extraction"] = "letter";
    } else {
      // Boxes after phrases, or none at all.
      const int64_t priority = item["boxed_match_priority"];
      if (priority < 0 || priority == 100) options["extraction"] = "unboxed";
      options["decimals"] = item["precision"];
      options["rename_variables"] = !item["strict"].get<bool>();
      options["relation_for_set"] = item["allow_set_relation_comp"];
    }
    const Verdict verdict = Judge(item["gold"], item["pred"], options);
    EXPECT_EQ(verdict.status == VerdictStatus::kRight, item["expected"].get<bool>())
        << row << ": " << item["gold"] << " | " << verdict.extracted << " | " << verdict.reason
        << " | " << verdict.gold_normal_form << " | " << verdict.normal_form;
    ++judged;
  }
  EXPECT_EQ(judged, 278);
}

// Cases of reporters and their variations: true mathematics, written for verifiers to fail on.
TEST(SharedData, ReportersCases) {
  const char* kFile = "verifier_cases_2.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  std::istringstream lines(ReadFile(kData / kFile));
  std::string line, failures;
  int rows = 0, failed = 0;
  for (; std::getline(lines, line); ++rows) {
    const Json item = ParseJson(line, kFile);
    const Verdict verdict = Judge(item["gold"], item["response"]);
    if ((verdict.status == VerdictStatus::kRight) == item["expected"].get<bool>()) continue;
    ++failed;
    failures += StrCat(item["id"].get<std::string>(), " ", verdict.reason, "\n");
  }
  EXPECT_EQ(rows, 219);
  EXPECT_LE(failed, 4) << failures;
}

// Without what changes nothing: how fractions are set, \\left and \\right, signs beyond ASCII,
// spaces.
std::vector<std::string> Respellings(const std::string& gold) {
  std::vector<std::string> all{
      ReplaceAll(gold, "\\frac", "\\dfrac"),  ReplaceAll(gold, "\\infty", "∞"),
      ReplaceAll(gold, "\\pi", "π"),          ReplaceAll(gold, "\\pm", "±"),
      ReplaceAll(gold, " = ", " \\, = \\; "), ReplaceAll(gold, "+", "{}+\\!"),
      ReplaceAll(gold, ", \\", ",\\quad \\"), ReplaceAll(gold, "=", "~=\\: ")};
  if (gold.find("\\left.") == std::string::npos && gold.find("\\right.") == std::string::npos) {
    all.push_back(ReplaceAll(ReplaceAll(gold, "\\left", ""), "\\right", ""));
  }
  std::erase_if(all, [&](const std::string& text) {
    const bool letters = gold.find("arrow") != std::string::npos ||
                         text.find("πm") != std::string::npos ||
                         text.find("±od") != std::string::npos ||
                         text.find("\\begin") != std::string::npos;  // rows and columns
    return text == gold || letters;
  });
  return all;
}

// Golds of public benchmarks: themselves in every form, and spelled otherwise.
TEST(SharedData, GoldsEqualThemselves) {
  const char* kFile = "golds.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  std::istringstream lines(ReadFile(kData / kFile));
  std::string line, failures, misspelled;
  int rows = 0, refused = 0, texts = 0, wrong = 0, spellings = 0, missed = 0;
  for (; std::getline(lines, line); ++rows) {
    const std::string gold = ParseJson(line, kFile)["gold"];
    for (const std::string& text :
         {"\\boxed{" + gold + "}", "<answer>" + gold + "</answer>", gold}) {
      const Verdict verdict = Judge(gold, text);
      if (verdict.reason == "bad-gold") {
        ++refused;
      } else if (verdict.status != VerdictStatus::kRight) {
        ++wrong;
        failures += StrCat(gold, " | ", text, " | ", verdict.reason, "\n");
      }
      texts += verdict.reason.find("/text/") != std::string::npos;
    }
    for (const std::string& other : Respellings(gold)) {
      ++spellings;
      const Verdict verdict = Judge(gold, "\\boxed{" + other + "}");
      if (verdict.status == VerdictStatus::kRight) continue;
      ++missed;
      misspelled += StrCat(gold, " | ", other, " | ", verdict.reason, "\n");
    }
  }
  EXPECT_EQ(rows, 3413);
  EXPECT_EQ(wrong, 0) << failures;
  EXPECT_LE(refused, rows * 3 / 50);
  EXPECT_LE(texts, rows * 3 * 8 / 100);
  EXPECT_GT(spellings, 3000);
  EXPECT_LE(missed, spellings / 500) << misspelled;
}

// All 5,000: the last box is the answer; several boxes side by side are one answer together.
TEST(SharedData, MathAnswersEqualThemselvesAndNotTheirNeighbours) {
  const char* kFile = "math_test_5000.jsonl";
  if (!std::filesystem::exists(kData / kFile)) GTEST_SKIP() << kFile << " is not at hand";
  std::istringstream lines(ReadFile(kData / kFile));
  std::string line, before;
  int rows = 0, joined = 0;
  for (int row = 1; std::getline(lines, line); ++row) {
    const std::string solution =
        ParseJson(line, kFile + (":" + std::to_string(row)))["solution"].get<std::string>();
    const auto boxes = LastBoxes(solution, true).parts;
    ASSERT_FALSE(boxes.empty()) << row;
    const std::string answer = boxes.back();
    ++rows;
    const Verdict self = Judge(answer, "\\boxed{" + answer + "}");
    EXPECT_EQ(self.status, VerdictStatus::kRight) << row << ": " << answer << " | " << self.reason;
    if (boxes.size() > 1) {
      ++joined;
    } else {
      const Verdict own = Judge(answer, solution);
      EXPECT_EQ(own.status, VerdictStatus::kRight)
          << row << ": " << answer << " | " << own.extracted << " | " << own.reason;
    }
    if (!before.empty() && before != answer) {
      const Verdict neighbour = Judge(before, "\\boxed{" + answer + "}");
      // 3/4 and \frac34, 120 and 120 degrees are the same.
      const auto bare = [](const std::string& form) {
        return form.substr(0, form.find(" degree"));
      };
      EXPECT_TRUE(neighbour.status != VerdictStatus::kRight ||
                  bare(neighbour.normal_form) == bare(neighbour.gold_normal_form))
          << row << ": " << before << " | " << answer << " | " << neighbour.reason;
    }
    before = answer;
  }
  EXPECT_EQ(rows, 5000);
  EXPECT_LT(joined, 20);
}

}  // namespace
}  // namespace retort::verifiers::shared_data_test
