// functions and drafts: what the question says is what the tests expect. Programs run against their
// tests in tests/train/functions_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <regex>
#include <set>

#include "base/error.h"
#include "base/strings.h"
#include "datasets/generator.h"

namespace retort::datasets::functions_test {
namespace {

using Numbers = std::vector<int64_t>;

// Takes phrases off the front of a question; \1 of the phrase that fits is kept as a number.
class Reader {
 public:
  explicit Reader(std::string text) : rest_(std::move(text)) {}
  /// Index of the first of `phrases` that the rest begins with, which must exist.
  size_t Take(const std::vector<const char*>& phrases) {
    for (size_t i = 0; i < phrases.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(rest_, match, std::regex(StrCat("^(?:", phrases[i], ")")))) continue;
      k_ = match.size() > 1 ? std::stoll(match[1].str()) : 0;
      rest_ = match.suffix();
      return i;
    }
    ADD_FAILURE() << "not understood: " << rest_;
    return 0;
  }
  int64_t k() const { return k_; }
  const std::string& rest() const { return rest_; }

 private:
  std::string rest_;
  int64_t k_ = 0;
};

int64_t Mod(int64_t v, int64_t k) { return (v % k + k) % k; }

// Reads a question as a person would, knowing nothing of how it was put together.
std::function<Json(const Json&)> Understand(const std::string& prompt) {
  Reader reader(prompt);
  const bool list = reader.Take({"f\\(x\\): ", "f\\(n\\): "}) == 0;
  const size_t result = reader.Take(
      {"(?:count of|how many) distinct ", "count of |how many ", "sum of |total of ",
       "largest of |maximum of ", "smallest of |minimum of ",
       "reversed list of |from last to first ", "sorted list of |in order all ", "list of |all "});
  const size_t map = reader.Take(
      {"squares of |squared ", "cubes of |cubed ", "(\\d) times the ", "(\\d)-fold ",
       "(\\d) more than the ", "(\\d) added to ", "(\\d) less than the ", "(\\d) taken off ",
       "quotients by (\\d) of ", "floored (\\d)ths of ", "remainders by (\\d) of ",
       "residues mod (\\d) of ", "absolute values of |absolute ", ""});
  const int64_t m = reader.k();
  const size_t noun =
      reader.Take({"even numbers|even ones", "odd numbers|odd ones", "multiples of (\\d)",
                   "numbers divisible by (\\d)", "non-multiples of (\\d)",
                   "numbers not divisible by (\\d)", "numbers"});
  const int64_t d = noun < 2 ? 2 : reader.k();
  const size_t bound =
      reader.Take({" above (\\d)", " over (\\d)", " at least (\\d)", " not below (\\d)",
                   " below (\\d)", " under (\\d)", " at most (\\d)", " not above (\\d)", ""});
  const int64_t b = reader.k();
  const size_t source =
      reader.Take({" in x| of x", " from 1 to n| up to n", " from 0 to n-1| from 0 below n",
                   " in the digits of n| among the digits of n"});
  EXPECT_EQ(reader.rest(), "") << prompt;
  EXPECT_EQ(list, source == 0) << prompt;

  return [=](const Json& input) -> Json {
    Numbers numbers, values;
    if (list) {
      numbers = input.get<Numbers>();
    } else if (source == 3) {
      for (const char c : StrCat(input.get<int64_t>())) numbers.push_back(c - '0');
    } else {
      const auto n = input.get<int64_t>();
      for (int64_t v = source == 1 ? 1 : 0; v <= (source == 1 ? n : n - 1); ++v)
        numbers.push_back(v);
    }
    for (const int64_t v : numbers) {
      const bool divides = noun < 6 && Mod(v, d) == 0;
      if (noun < 6 && divides != (noun == 0 || noun == 2 || noun == 3)) continue;
      if ((bound < 2 && v <= b) || (bound / 2 == 1 && v < b)) continue;
      if ((bound / 2 == 2 && v >= b) || (bound / 2 == 3 && v > b)) continue;
      const double exact = m > 0 ? static_cast<double>(v) / static_cast<double>(m) : 0;
      const std::array<int64_t, 14> mapped = {v * v,
                                              v * v * v,
                                              v * m,
                                              v * m,
                                              v + m,
                                              v + m,
                                              v - m,
                                              v - m,
                                              static_cast<int64_t>(std::floor(exact)),
                                              static_cast<int64_t>(std::floor(exact)),
                                              m > 0 ? Mod(v, m) : 0,
                                              m > 0 ? Mod(v, m) : 0,
                                              std::abs(v),
                                              v};
      values.push_back(mapped[map]);
    }
    switch (result) {
      case 0:
        return std::set(values.begin(), values.end()).size();
      case 1:
        return values.size();
      case 2:
        return std::accumulate(values.begin(), values.end(), int64_t{0});
      case 3:
        return values.empty() ? Json() : Json(*std::ranges::max_element(values));
      case 4:
        return values.empty() ? Json() : Json(*std::ranges::min_element(values));
      case 5:
        return Numbers(values.rbegin(), values.rend());
      case 6:
        std::ranges::sort(values);
        break;
    }
    return values;
  };
}

Problem Draw(const char* family, int64_t difficulty, uint64_t index) {
  RandomStream random({.seed = 5, .purpose = "functions", .problem = index});
  return Generate(FindGenerator(family), difficulty, random);
}

TEST(Functions, TheTestsExpectWhatTheQuestionSays) {
  for (int64_t d = 1; d <= 3; ++d) {
    for (uint64_t i = 0; i < 400 && !HasFailure(); ++i) {
      const Problem p = Draw("functions", d, i);
      SCOPED_TRACE(p.prompt);
      const auto function = Understand(p.prompt);
      EXPECT_EQ(p.extra["language"], "python");
      EXPECT_EQ(p.extra["entry_point"], "f");
      ASSERT_GE(p.extra["tests"].size(), 5u);
      std::set<std::string> expected;
      for (const Json& test : p.extra["tests"]) {
        ASSERT_EQ(test["args"].size(), 1u);
        EXPECT_EQ(test["expected"], function(test["args"][0])) << test["args"].dump();
        expected.insert(test["expected"].dump());
      }
      EXPECT_GE(expected.size(), 4u) << "a constant would pass most tests";
      EXPECT_LT(p.prompt.size(), 110u);
      EXPECT_EQ(p.prompt.find_first_of("[]="), std::string::npos) << "tests stay hidden";
    }
  }
}

// The question, its tests and its place in the split are those of "functions"; only the program is
// another one, and there is no plan.
TEST(Functions, ADraftAnswersTheSameQuestionOtherwise) {
  for (int64_t d = 1; d <= 3; ++d) {
    for (uint64_t i = 0; i < 200; ++i) {
      const Problem right = Draw("functions", d, i), draft = Draw("drafts", d, i);
      EXPECT_EQ(draft.prompt, right.prompt);
      EXPECT_EQ(draft.canonical, right.canonical);
      EXPECT_EQ(draft.extra, right.extra);
      EXPECT_NE(draft.answer, right.answer);
      EXPECT_EQ(draft.solution, "");
    }
  }
}

TEST(Functions, ThePlanNamesThePiecesOfTheProgramInTheOrderOfTheirUse) {
  for (uint64_t i = 0; i < 400; ++i) {
    const Problem p = Draw("functions", 3, i);
    const std::vector<std::string> pieces = retort::Split(p.solution, ';');
    ASSERT_EQ(pieces.size(), 5u) << p.solution;
    EXPECT_NE(p.answer.find(StrCat(pieces[3], " for v in ", pieces[0], " if ", pieces[1], " and ",
                                   pieces[2])),
              std::string::npos)
        << p.answer;
  }
}

TEST(Functions, AStructureIsOnOneSideOnlyAndThereAreThousandsOfTasks) {
  std::map<std::string, Split> sides;
  std::map<Split, std::set<std::string>> structures;
  for (const auto& [split, name] : EnumNames(Split{})) {
    GeneratorOptions options;
    options.families = {"functions:2", "functions:3"};
    options.count = split == Split::kTrain ? 6000 : 600;
    for (const Problem& p : GenerateProblems(options, split)) {
      const std::string structure = p.canonical.substr(0, p.canonical.find('\t'));
      EXPECT_EQ(sides.emplace(structure, split).first->second, split) << structure;
      structures[split].insert(structure);
    }
  }
  EXPECT_GT(structures[Split::kTrain].size(), 800u);
  EXPECT_GT(structures[Split::kHeldOut].size(), 100u);
  EXPECT_GT(structures[Split::kValidation].size(), 100u);
}

// "above 4" and "at least 5" are one task.
TEST(Functions, TwoWordingsOfOneBoundAreOneTask) {
  std::map<std::string, std::set<std::string>> conditions;
  for (uint64_t i = 0; i < 4000; ++i) {
    const Problem p = Draw("functions", 1, i);
    if (p.canonical.find("/any/from//sum") == std::string::npos) continue;
    conditions[p.canonical].insert(p.answer.substr(p.answer.find(" if ")));
  }
  ASSERT_FALSE(conditions.empty());
  bool both = false;
  for (const auto& [canonical, texts] : conditions) {
    EXPECT_LE(texts.size(), 2u) << canonical;
    both = both || texts.size() == 2;
  }
  EXPECT_TRUE(both);
}

}  // namespace
}  // namespace retort::datasets::functions_test
