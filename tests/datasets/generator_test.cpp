#include "datasets/generator.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/strings.h"
#include "tests/datasets/codeio_check.h"
#include "tests/datasets/evaluate.h"

namespace retort::datasets::generator_test {
namespace {

std::vector<int64_t> NumbersIn(const std::string& text) {
  std::vector<int64_t> numbers;
  static const std::regex kNumber("[0-9]+");
  for (std::sregex_iterator it(text.begin(), text.end(), kNumber), end; it != end; ++it) {
    numbers.push_back(std::stoll(it->str()));
  }
  return numbers;
}

// Reads a story sentence by sentence, knowing nothing of how it was put together.
int64_t ReadStory(const std::string& prompt) {
  static const std::vector<std::pair<std::regex, std::string>> kRules = {
      {std::regex("finds|earns|^(\\d+) get on|sends|adds"), "+n"},
      {std::regex("bags of|hours for|families of|letters bring|wins|buckets"), "+nm"},
      {std::regex("eats|on lunch|^(\\d+) get off|sells \\d|foul|leak"), "-n"},
      {std::regex("friends|books at|stops|trades away|loses|cans"), "-nm"},
      {std::regex("times as m|times its size|multiplies"), "*n"},
      {std::regex("equal piles|equally among|one in|equal albums|divides|one part in"), "/n"},
  };
  int64_t total = -1;
  static const std::regex kSentence("[^.?]+[.?]");
  for (std::sregex_iterator it(prompt.begin(), prompt.end(), kSentence), end; it != end; ++it) {
    const std::string sentence(Trim(it->str()));
    const std::vector<int64_t> n = NumbersIn(sentence);
    if (sentence.back() == '?') return total;
    if (total < 0) {
      total = n.at(0);
      continue;
    }
    std::vector<std::string> matches;
    for (const auto& [pattern, effect] : kRules) {
      if (std::regex_search(sentence, pattern)) matches.push_back(effect);
    }
    EXPECT_EQ(matches.size(), 1u) << sentence;
    const std::string effect = matches.at(0);
    const int64_t value = effect.size() == 3 ? n.at(0) * n.at(1) : n.at(0);
    EXPECT_EQ(n.size(), effect.size() - 1) << sentence;
    EXPECT_TRUE(effect[0] != '/' || total % value == 0) << prompt;
    total = effect[0] == '+'   ? total + value
            : effect[0] == '-' ? total - value
            : effect[0] == '*' ? total * value
                               : total / value;
  }
  return -1;
}

bool IsCode(const Problem& p) { return p.family == "functions" || p.family == "drafts"; }

// Evaluates the prompt by other means than the generator and compares with the answer.
void CheckAnswer(const Problem& p) {
  if (p.family.starts_with("codeio")) return CheckCodeioAnswer(p);
  if (IsCode(p)) return;     // functions_test.cpp
  if (p.family == "base") {  // "25 to base 7" or "34 from base 7"
    const std::vector<std::string> words = retort::Split(p.prompt, ' ');
    const bool to = words.at(1) == "to";
    EXPECT_EQ(std::stoll(to ? p.answer : words[0], nullptr, std::stoi(words.at(3))),
              std::stoll(to ? words[0] : p.answer));
    return;
  }
  const std::vector<int64_t> n = NumbersIn(p.prompt);
  if (p.family == "countdown") {
    EXPECT_EQ(Evaluator::Value(p.answer), n.at(0));
    std::vector<int64_t> given(n.begin() + 1, n.end()), used = NumbersIn(p.answer);
    EXPECT_EQ(p.extra["numbers"].get<std::vector<int64_t>>(), given);
    EXPECT_EQ(p.extra["target"].get<int64_t>(), n.at(0));
    std::sort(given.begin(), given.end());
    std::sort(used.begin(), used.end());
    EXPECT_EQ(used, given);
  } else if (p.family == "linear") {
    const std::string at = "*" + p.answer;
    const std::vector<std::string> sides = retort::Split(ReplaceAll(p.prompt, "*x", at), '=');
    ASSERT_EQ(sides.size(), 2u);
    EXPECT_EQ(Evaluator::Value(sides[0]), Evaluator::Value(sides[1]));
    EXPECT_NE(Evaluator::Value(ReplaceAll(sides[0], at, "*0")),
              Evaluator::Value(ReplaceAll(sides[1], at, "*0")));
  } else if (p.family == "gcd") {
    EXPECT_EQ(p.answer, StrCat(std::gcd(n.at(0), n.at(1))));
  } else if (p.family == "lcm") {
    EXPECT_EQ(p.answer, StrCat(std::lcm(n.at(0), n.at(1))));
  } else if (p.family == "sort") {
    std::vector<int64_t> sorted = n;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(NumbersIn(p.answer), sorted);
    EXPECT_EQ(static_cast<int64_t>(n.size()), p.difficulty);
  } else if (p.family == "words") {
    EXPECT_EQ(p.answer, StrCat(ReadStory(p.prompt)));
  } else if (p.family == "shopping") {  // in every template the factors stand side by side
    ASSERT_EQ(n.size(), 4u);
    EXPECT_EQ(p.answer, StrCat(n[0] * n[1] + n[2] * n[3]));
  } else if (p.family == "question") {
    ASSERT_EQ(n.size(), 2u);
    EXPECT_EQ(p.prompt, StrCat("What is ", n[0], " + ", n[1], "?"));
    EXPECT_EQ(p.answer, StrCat(n[0] + n[1]));
    EXPECT_LE(std::max(n[0], n[1]), 10 * p.difficulty);
  } else if (p.family == "modular") {
    const size_t at = p.prompt.find(" mod 100");
    ASSERT_EQ(at + 8, p.prompt.size());
    EXPECT_EQ(p.answer, StrCat(Evaluator::Value(p.prompt.substr(0, at)) % 100));
  } else {
    EXPECT_EQ(p.answer, StrCat(Evaluator::Value(p.prompt)));
  }
}

// Equations are true; an announced operation equals the result that follows (or the answer).
void CheckSteps(const Problem& p) {
  if (p.family.starts_with("codeio")) return CheckCodeioSteps(p);
  if (IsCode(p)) return;
  int64_t announced = -1;
  const auto settle = [&](int64_t value) {
    EXPECT_TRUE(announced < 0 || value == announced) << p.solution;
    announced = -1;
  };
  for (const std::string& step : retort::Split(p.solution, ';')) {
    const std::vector<std::string> sides = retort::Split(step, '=');
    if (sides.size() == 2) {
      EXPECT_EQ(Evaluator::Value(sides[0]), Evaluator::Value(sides[1])) << step;
    } else if (step.find_first_not_of("0123456789") == std::string::npos) {
      settle(std::stoll(step));
    } else {
      announced = Evaluator::Value(step);
    }
  }
  if (announced >= 0) settle(std::stoll(p.answer));
}

// What the steps without '=' must be, in families that write results digit by digit.
std::vector<std::string> ExpectedResults(const Problem& p) {
  std::vector<std::string> results;
  const auto padded = [&](int64_t value, size_t width) {
    const std::string text = StrCat(value);
    results.push_back(std::string(width - text.size(), '0') + text);
  };
  const std::vector<int64_t> n = NumbersIn(p.prompt);
  if (p.family == "multiplication" && p.difficulty > 1) {
    const std::string a = StrCat(n.at(0)), b = StrCat(n.at(1));
    for (size_t i = b.size(); i-- > 0;) padded(n[0] * (b[i] - '0'), a.size() + 1);
    padded(n[0] * n[1], a.size() + b.size());
  } else if (p.family == "shopping") {
    for (const size_t i : {0, 2})
      padded(n.at(i) * n.at(i + 1), static_cast<size_t>(p.difficulty + 1));
    padded(n.at(0) * n.at(1) + n.at(2) * n.at(3), static_cast<size_t>(p.difficulty + 2));
  } else if (p.family == "modular") {
    int64_t state = n.at(0);
    for (size_t i = 1; i <= static_cast<size_t>(p.difficulty); ++i) {
      state = i % 2 == 1 ? state * n.at(i) : state + n.at(i);
      padded(state % 100, 2);
    }
  }
  return results;
}

// The families that a small policy learns side by side are made of the same small facts.
void CheckSmallFacts(const Problem& p) {
  static const std::regex kFact("[0-9][*][0-9]=[0-9]{1,2}|[0-9]{1,3}[+][0-9]=[0-9]{1,3}");
  std::vector<std::string> results;
  for (const std::string& step : retort::Split(p.solution, ';')) {
    if (step.find('=') == std::string::npos) {
      results.push_back(step);
    } else {
      EXPECT_TRUE(std::regex_match(step, kFact)) << step;
    }
  }
  EXPECT_EQ(results, ExpectedResults(p));
}

std::string FamilyName(const testing::TestParamInfo<GeneratorEntry>& info) {
  return ReplaceAll(info.param.name, "-", "_");
}

class FamilyTest : public testing::TestWithParam<GeneratorEntry> {};
INSTANTIATE_TEST_SUITE_P(All, FamilyTest, testing::ValuesIn(Generators()), FamilyName);

TEST_P(FamilyTest, AnswersAndStepsAreRightAtEveryDifficulty) {
  const GeneratorEntry& entry = GetParam();
  for (int64_t d = entry.min_difficulty; d <= entry.max_difficulty; ++d) {
    for (uint64_t i = 0; i < 60 && !HasFailure(); ++i) {
      RandomStream random({.seed = 7, .purpose = "test", .problem = i});
      const Problem p = Generate(entry, d, random);
      SCOPED_TRACE(StrCat(entry.name, ":", d, " ", p.prompt, " -> ", p.answer));
      EXPECT_EQ(p.family, entry.name);
      EXPECT_EQ(p.difficulty, d);
      EXPECT_FALSE(p.canonical.empty());
      EXPECT_EQ(p.solution.empty(), p.family == "drafts");
      EXPECT_EQ(p.prompt.find('{'), std::string::npos);
      CheckAnswer(p);
      CheckSteps(p);
      static const std::set<std::string> kSmall = {"addition", "multiplication", "modular",
                                                   "shopping"};
      if (kSmall.contains(p.family)) CheckSmallFacts(p);
    }
  }
}

TEST_P(FamilyTest, DifficultyIsValidated) {
  const GeneratorEntry& entry = GetParam();
  RandomStream random({.seed = 7, .purpose = "test"});
  EXPECT_THROW(Generate(entry, entry.min_difficulty - 1, random), Error);
  EXPECT_THROW(Generate(entry, entry.max_difficulty + 1, random), Error);
}

TEST_P(FamilyTest, SidesNeverOverlapAndNoConstantAnswerPays) {
  std::map<std::string, std::string> side_of;  // by canonical
  for (const auto& [split, name] : EnumNames(Split{})) {
    GeneratorOptions options;
    options.families = {GetParam().name};
    options.count = split == Split::kTrain ? 1500 : 350;
    options.seed = split == Split::kTrain ? 0 : 99;
    std::map<std::string, int> answers;
    for (const Problem& p : GenerateProblems(options, split)) {
      EXPECT_TRUE(side_of.emplace(p.canonical, name).second)
          << p.canonical << " is in " << side_of[p.canonical] << " and in " << name;
      EXPECT_EQ(SplitOf(p.canonical), split);
      ++answers[p.answer];
    }
    for (const auto& [answer, times] : answers) EXPECT_LT(times * 20, options.count) << answer;
  }
}

Problem Draw(const char* family, int64_t difficulty, uint64_t index) {
  RandomStream random({.seed = 3, .purpose = "draw", .problem = index});
  return Generate(FindGenerator(family), difficulty, random);
}

// The facts of one worked example, found among the draws.
TEST(Generator, MultiplicationIsWrittenAsPartialProductsThenColumns) {
  for (uint64_t i = 0; i < 200'000; ++i) {
    const Problem p = Draw("multiplication", 2, i);
    if (p.prompt != "72*56") continue;
    EXPECT_EQ(p.solution,
              "2*6=12;7*6=42;42+1=43;432;2*5=10;7*5=35;35+1=36;360;"
              "3+0=3;4+6=10;10+0=10;0+3=3;3+1=4;4032");
    EXPECT_EQ(p.answer, "4032");
    return;
  }
  FAIL() << "72*56 was never drawn";
}

// The digits that the facts end in are the answer, the last line is the answer at full width, and
// the form does not depend on the digits.
TEST(Generator, TheLastDigitsOfTheColumnsAreTheAnswer) {
  for (uint64_t i = 0; i < 2000; ++i) {
    for (const char* family : {"multiplication", "shopping"}) {
      const Problem p = Draw(family, 2, i);
      const std::vector<std::string> steps = retort::Split(p.solution, ';');
      ASSERT_EQ(steps.size(), 14u) << p.solution;
      const auto value = [&](size_t step) {
        return std::stoll(steps[step].substr(steps[step].find('=') + 1));
      };
      int64_t answer = value(12) * 100 + value(10) % 10 * 10 + value(8) % 10;
      if (p.family == "multiplication") answer = answer * 10 + std::stoll(steps[3]) % 10;
      EXPECT_EQ(p.answer, StrCat(answer)) << p.prompt << " " << p.solution;
      EXPECT_EQ(steps[13].size(), 4u) << p.solution;
      EXPECT_EQ(std::stoll(steps[13]), answer) << p.solution;
    }
    EXPECT_EQ(retort::Split(Draw("modular", 3, i).solution, ';').size(), 12u);
  }
}

TEST(Generator, FactorsCoverElevenToNinetyNine) {
  std::set<int64_t> factors;
  for (uint64_t i = 0; i < 5000; ++i) {
    for (const int64_t n : NumbersIn(Draw("multiplication", 2, i).prompt)) factors.insert(n);
  }
  EXPECT_EQ(factors.size(), 89u);
  EXPECT_EQ(*factors.begin(), 11);
  EXPECT_EQ(*factors.rbegin(), 99);
}

// The same products are one problem whatever the story and the order; and every story is short and
// told on every side.
TEST(Generator, ShoppingIsSplitOnItsMathematics) {
  const auto stem = [](const Problem& p) {
    std::string text = std::regex_replace(p.prompt, std::regex("[0-9]+"), "#");
    text = std::regex_replace(text, std::regex("^[A-Z][a-z]+"), "N");
    text = std::regex_replace(text, std::regex("bags|boxes|jars|tins|packs"), "B");
    return std::regex_replace(text, std::regex("nuts|pens|eggs|cups|keys|pins|figs|toys"), "I");
  };
  std::set<std::string> all;
  for (const auto& [split, name] : EnumNames(Split{})) {
    GeneratorOptions options;
    options.families = {"shopping"};
    options.count = 200;
    std::set<std::string> stems;
    for (const Problem& p : GenerateProblems(options, split)) {
      stems.insert(stem(p));
      const std::vector<int64_t> n = NumbersIn(p.prompt);
      const bool days = p.prompt.find("days") != std::string::npos;  // "6 a day for 47 days"
      std::array pairs = {std::pair(n.at(days), n.at(!days)),
                          std::pair(n.at(2 + days), n.at(3 - days))};
      std::sort(pairs.begin(), pairs.end());
      EXPECT_EQ(p.canonical, StrCat("shopping:", pairs[0].first, "*", pairs[0].second, "+",
                                    pairs[1].first, "*", pairs[1].second));
      EXPECT_LT(p.prompt.size(), 70u) << p.prompt;
    }
    EXPECT_EQ(stems.size(), 4u) << name;
    all.insert(stems.begin(), stems.end());
  }
  EXPECT_EQ(all.size(), 4u);
}

TEST(Generator, CommutedOperandsAreOneProblem) {
  std::map<std::string, std::string> prompts;  // by canonical
  int commuted = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const Problem p = Draw("multiplication", 2, i);
    const std::vector<std::string> f = retort::Split(p.prompt, '*');
    const auto [it, fresh] = prompts.emplace(p.canonical, p.prompt);
    if (!fresh && it->second != p.prompt) {
      EXPECT_EQ(it->second, f[1] + "*" + f[0]);
      ++commuted;
    }
  }
  EXPECT_GT(commuted, 1000);
}

TEST(Generator, ChainsThatOnlyReorderTermsAreOneProblem) {
  std::map<std::string, std::set<std::string>> prompts;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const Problem p = Draw("chain", 2, i);
    prompts[p.canonical].insert(p.prompt);
  }
  EXPECT_EQ(prompts["chain:+3+5-2"].count("3+5-2"), 1u);
  EXPECT_EQ(prompts["chain:+3+5-2"].count("5-2+3"), 1u);
  for (const auto& [canonical, same] : prompts) {
    for (const std::string& prompt : same) {
      EXPECT_EQ(Evaluator::Value(prompt), Evaluator::Value(*same.begin())) << canonical;
    }
  }
}

TEST(Generator, AWordTemplateIsOnOneSideOnly) {
  for (int64_t d = 1; d <= 4; ++d) {
    GeneratorOptions options;
    options.families = {StrCat("words:", d)};
    options.count = 1000;
    std::map<std::string, Split> sides;
    std::map<Split, size_t> counts;
    for (const auto& [split, name] : EnumNames(Split{})) {
      options.count = split == Split::kTrain ? 1000 : 200;
      for (const Problem& p : GenerateProblems(options, split)) {
        const auto id = p.extra["template"].get<std::string>();
        const auto [it, fresh] = sides.emplace(id, split);
        EXPECT_EQ(it->second, split) << id;
        counts[split] += fresh;
      }
    }
    EXPECT_GE(counts[Split::kTrain], 12u);
    EXPECT_GE(counts[Split::kValidation], 2u) << d;
    EXPECT_GE(counts[Split::kHeldOut], 2u) << d;
  }
}

TEST(Generator, TheSameSeedGivesTheSameProblems) {
  GeneratorOptions options;
  options.families = {"chain", "words"};
  options.count = 200;
  const auto texts = [](const std::vector<Problem>& problems) {
    std::set<std::string> out;
    for (const Problem& p : problems) {
      out.insert(p.id + p.prompt + p.answer + p.solution + p.canonical);
    }
    return out;
  };
  const auto first = texts(GenerateProblems(options, Split::kTrain));
  std::vector<std::set<std::string>> others(4);
  std::vector<std::thread> threads;
  for (auto& other : others) {
    threads.emplace_back([&] { other = texts(GenerateProblems(options, Split::kTrain)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& other : others) EXPECT_EQ(other, first);
  EXPECT_EQ(first.size(), 200u);

  GeneratorOptions longer = options;
  longer.count = 400;
  const auto more = texts(GenerateProblems(longer, Split::kTrain));
  for (const std::string& text : first) EXPECT_TRUE(more.contains(text));

  options.seed = 1;
  EXPECT_NE(texts(GenerateProblems(options, Split::kTrain)), first);
}

TEST(Generator, AMixtureFollowsItsWeights) {
  GeneratorOptions options;
  options.families = {"addition:3", "words", "gcd:1"};
  options.weights = {1, 2, 0.5};
  options.count = 701;
  std::map<std::string, int> counts;
  std::set<std::string> ids;
  const std::vector<Problem> problems = GenerateProblems(options, Split::kTrain);
  for (const Problem& p : problems) {
    ++counts[p.family];
    EXPECT_TRUE(ids.insert(p.id).second);
    EXPECT_EQ(p.difficulty, p.family == "addition" ? 3 : p.family == "words" ? 2 : 1);
  }
  EXPECT_EQ(problems.size(), 701u);
  EXPECT_NEAR(counts["addition"], 200, 1);
  EXPECT_NEAR(counts["words"], 400, 1);
  EXPECT_NEAR(counts["gcd"], 100, 1);
  std::set<std::string> head;
  for (size_t i = 0; i < 60; ++i) head.insert(problems[i].family);
  EXPECT_EQ(head.size(), 3u) << "the families are not shuffled together";
}

TEST(Generator, RepeatsAreAllowedWhenNotDistinct) {
  GeneratorOptions options;
  options.families = {"addition:1"};
  options.count = 500;
  options.distinct = false;
  EXPECT_EQ(GenerateProblems(options, Split::kTrain).size(), 500u);
}

TEST(Generator, AskingForMoreThanThereAreNamesWhatExists) {
  GeneratorOptions options;
  options.families = {"addition:1"};  // 45 unordered pairs of 1 to 9
  options.count = 500;
  int found = 0;
  for (const auto& [split, name] : EnumNames(Split{})) {
    try {
      GenerateProblems(options, split);
      FAIL() << "expected an error";
    } catch (const Error& error) {
      const std::string what = error.what();
      EXPECT_NE(what.find("addition"), std::string::npos) << what;
      const size_t at = what.find("but only ");
      ASSERT_NE(at, std::string::npos) << what;
      EXPECT_NE(what.find(name), std::string::npos) << what;
      found += std::stoi(what.substr(at + 9));
    }
  }
  EXPECT_EQ(found, 45);
}

std::string ErrorOf(const GeneratorOptions& options) {
  try {
    GenerateProblems(options, Split::kTrain);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Generator, BadOptionsAreNamed) {
  GeneratorOptions options;
  options.families = {"multiplicaton"};
  EXPECT_NE(ErrorOf(options).find("Did you mean 'multiplication'?"), std::string::npos);
  options.families = {"gcd:9"};
  EXPECT_NE(ErrorOf(options).find("expected 1 to 4"), std::string::npos);
  for (const char* spec : {"gcd:", "gcd:x", "gcd:-1", "gcd:99999999999999"}) {
    options.families = {spec};
    EXPECT_NE(ErrorOf(options).find("NAME:DIFFICULTY"), std::string::npos) << spec;
  }
  options.families = {};
  EXPECT_NE(ErrorOf(options).find("families is empty"), std::string::npos);
  options.families = {"gcd", "gcd:2"};
  EXPECT_NE(ErrorOf(options).find("listed twice"), std::string::npos);
  options.families = {"gcd", "lcm"};
  options.weights = {1};
  EXPECT_NE(ErrorOf(options).find("1 weights for 2 families"), std::string::npos);
  options.weights = {0, 0};
  EXPECT_NE(ErrorOf(options).find("every weight is 0"), std::string::npos);
}

TEST(Generator, ATenthIsHeldOutAndATenthIsForValidation) {
  std::map<Split, int> counts;
  for (int i = 0; i < 20'000; ++i) ++counts[SplitOf(StrCat("problem ", i))];
  EXPECT_NEAR(counts[Split::kHeldOut], 2000, 200);
  EXPECT_NEAR(counts[Split::kValidation], 2000, 200);
}

TEST(Generators, WithoutACountThereAreAsManyAsThereAreAtMostAThousand) {
  for (const auto& [value, name] : EnumNames(Split())) {
    GeneratorOptions options;  // the default family has few held-out problems
    const size_t count = GenerateProblems(options, value).size();
    EXPECT_LE(count, 1000u) << name;
    EXPECT_GT(count, 100u) << name;
    if (count == 1000) continue;
    options.count = static_cast<int64_t>(count) + 1;  // what is asked for must be there
    EXPECT_THROW(GenerateProblems(options, value), Error);
    options.count = static_cast<int64_t>(count);
    EXPECT_EQ(GenerateProblems(options, value).size(), count);
  }
  GeneratorOptions mixture;
  mixture.families = {"linear:1", "chain"};
  EXPECT_LE(GenerateProblems(mixture, Split::kTrain).size(), 1000u);
  EXPECT_GT(GenerateProblems(mixture, Split::kTrain).size(), 500u);
}

}  // namespace
}  // namespace retort::datasets::generator_test
