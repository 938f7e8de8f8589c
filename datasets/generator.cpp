#include "datasets/generator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <unordered_set>

#include "base/error.h"
#include "base/fingerprint.h"
#include "base/strings.h"
#include "datasets/internal/families.h"

namespace retort::datasets {
namespace {

// A draw without success this often in a row means that there is nothing left to find: with F found
// and one more left, all that a tenth of the draws can hit, the chance to stop too early is e^-10.
constexpr int64_t kDefaultCount = 1000;
int64_t Patience(size_t found) { return 100'000 + 100 * static_cast<int64_t>(found); }

struct Spec {
  const GeneratorEntry* entry;
  int64_t difficulty;
  int64_t count;
};

void CheckDifficulty(const GeneratorEntry& entry, int64_t difficulty) {
  RETORT_CHECK(difficulty >= entry.min_difficulty && difficulty <= entry.max_difficulty,
               "problem family '", entry.name, "': got difficulty ", difficulty, ", expected ",
               entry.min_difficulty, " to ", entry.max_difficulty, " (", entry.help, ")");
}

Spec ParseSpec(const std::string& text) {
  const size_t colon = text.find(':');
  Spec spec{&FindGenerator(std::string_view(text).substr(0, colon)), 0, 0};
  spec.difficulty = spec.entry->default_difficulty;
  if (colon != std::string::npos) {
    const std::string digits = text.substr(colon + 1);
    RETORT_CHECK(!digits.empty() && digits.size() <= 9 &&
                     digits.find_first_not_of("0123456789") == std::string::npos,
                 "problem family '", text, "': expected NAME or NAME:DIFFICULTY, such as '",
                 spec.entry->name, ":", spec.entry->default_difficulty, "'");
    spec.difficulty = std::stoll(digits);
  }
  CheckDifficulty(*spec.entry, spec.difficulty);
  return spec;
}

// Shares of the count by largest remainder, so that they add up exactly.
std::vector<Spec> ParseSpecs(const GeneratorOptions& options) {
  const size_t n = options.families.size();
  RETORT_CHECK(n > 0, "generator options: families is empty; name at least one family");
  RETORT_CHECK(options.weights.empty() || options.weights.size() == n, "generator options: got ",
               options.weights.size(), " weights for ", n, " families; give one each or none");
  std::vector<double> weights = options.weights;
  if (weights.empty()) weights.assign(n, 1.0);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  RETORT_CHECK(total > 0, "generator options: every weight is 0; at least one must be positive");

  const int64_t count = options.count > 0 ? options.count : kDefaultCount;
  std::vector<Spec> specs;
  std::vector<std::pair<double, size_t>> remainders;
  int64_t given = 0;
  for (size_t i = 0; i < n; ++i) {
    specs.push_back(ParseSpec(options.families[i]));
    for (size_t j = 0; j < i; ++j) {
      RETORT_CHECK(specs[j].entry != specs[i].entry || specs[j].difficulty != specs[i].difficulty,
                   "generator options: family '", options.families[i], "' is listed twice");
    }
    const double share = static_cast<double>(count) * weights[i] / total;
    specs[i].count = static_cast<int64_t>(share);
    given += specs[i].count;
    remainders.emplace_back(std::floor(share) - share, i);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < count; ++i, ++given) ++specs[remainders[i % n].second].count;
  return specs;
}

void AppendProblems(const Spec& spec, const GeneratorOptions& options, Split split,
                    std::unordered_set<std::string>& seen, std::vector<Problem>& problems) {
  const std::string purpose = StrCat("problem/", spec.entry->name, "/", spec.difficulty);
  const auto seed = static_cast<uint64_t>(options.seed);
  size_t found = 0;
  int64_t misses = 0;
  for (uint64_t index = 0; found < static_cast<size_t>(spec.count); ++index) {
    RandomStream random({.seed = seed, .purpose = purpose, .problem = index});
    Problem problem = Generate(*spec.entry, spec.difficulty, random);
    if (SplitOf(problem.canonical) != split ||
        (options.distinct && !seen.insert(problem.canonical).second)) {
      const bool exhausted = ++misses >= Patience(found);
      if (exhausted && options.count == 0 && found > 0) return;
      RETORT_CHECK(!exhausted, "problem family '", spec.entry->name, "': asked for ", spec.count,
                   options.distinct ? " distinct" : "", " ", EnumName(split),
                   " problems of difficulty ", spec.difficulty, ", but only ", found,
                   " were found in ", index + 1,
                   " draws; lower count, raise the difficulty or set distinct to false");
      continue;
    }
    misses = 0;
    ++found;
    char number[24];
    std::snprintf(number, sizeof(number), "%06llu", static_cast<unsigned long long>(index));
    problem.id = StrCat(spec.entry->name, "-", spec.difficulty, "-", options.seed, "-", number);
    problems.push_back(std::move(problem));
  }
}

}  // namespace

const std::vector<GeneratorEntry>& Generators() {
  static const std::vector<GeneratorEntry> table = {
      {"chain", "an expression of digits; difficulty: operations", 1, 12, 5, FillChain},
      {"modular",
       "(47*6+58)*7 mod 100, the last two digits after each operation; difficulty: operations", 1,
       12, 3, FillModular},
      {"addition", "a+b column by column; difficulty: digits of each", 1, 15, 4, FillAddition},
      {"question",
       "a+b asked in English, for models that speak it; difficulty: tens that a and b go up to", 1,
       100, 10, FillQuestion},
      {"multiplication",
       "a*b by partial products; difficulty: 1 is 3-4 digits times 1 digit, d is d digits times d",
       1, 8, 2, FillMultiplication},
      {"countdown", "reach the target using every number once; difficulty: numbers", 2, 6, 3,
       FillCountdown},
      {"linear", "a*x+b=c*x+d; difficulty: 1 x<10, 2 x<50, 3 x<1000", 1, 3, 2, FillLinear},
      {"gcd", "greatest common divisor; difficulty d: numbers grow with d", 1, 4, 2, FillGcd},
      {"lcm", "least common multiple; difficulty d: numbers grow with d", 1, 4, 2, FillLcm},
      {"base", "to and from bases 2 to 9; difficulty d: numbers below 10^(d+1)", 1, 6, 2, FillBase},
      {"sort", "sort numbers below 100; difficulty: how many", 2, 20, 5, FillSort},
      {"words",
       "a story of events that add, take away, multiply or share, each template in one split; "
       "difficulty: events",
       1, 4, 2, FillWords},
      {"shopping",
       "a*m+c*k in words, every template in all splits; difficulty: digits of a and c, m and k "
       "have one",
       1, 8, 2, FillShopping},
      {"codeio-output",
       "what a program gives for an input, each program in one split; difficulty: statements "
       "after the first",
       1, 6, 2, FillCodeioOutput},
      {"codeio-input",
       "an input for which a program gives an output, for verifier codeio; difficulty: "
       "statements after the first",
       1, 6, 1, FillCodeioInput},
      {"functions",
       "a Python function f of a list or a number, for the verifier code, each structure in one "
       "split; difficulty: conditions and operations",
       1, 3, 2, FillFunctions},
      {"drafts",
       "the same questions with programs that make the usual slips and fail; difficulty: as "
       "functions",
       1, 3, 2, FillDrafts},
  };
  return table;
}

const GeneratorEntry& FindGenerator(std::string_view name) {
  std::vector<std::string> names;
  for (const GeneratorEntry& entry : Generators()) {
    if (name == entry.name) return entry;
    names.push_back(entry.name);
  }
  Fail("unknown problem family '", name, "'.", DidYouMean(name, names),
       " Known families: ", Join(names, ", "));
}

Problem Generate(const GeneratorEntry& entry, int64_t difficulty, RandomStream& random) {
  CheckDifficulty(entry, difficulty);
  Problem problem;
  problem.family = entry.name;
  problem.difficulty = difficulty;
  entry.fill(difficulty, random, problem);
  return problem;
}

Split SplitOf(std::string_view canonical) {
  const std::string_view key = canonical.substr(0, canonical.find('\t'));
  const uint64_t tenth = FingerprintOf(key) % 10;
  return tenth == 0 ? Split::kHeldOut : tenth == 1 ? Split::kValidation : Split::kTrain;
}

std::vector<Problem> GenerateProblems(const GeneratorOptions& options, Split split) {
  std::vector<Problem> problems;
  std::unordered_set<std::string> seen;
  for (const Spec& spec : ParseSpecs(options)) {
    AppendProblems(spec, options, split, seen, problems);
  }
  if (options.families.size() > 1) {
    RandomStream random({.seed = static_cast<uint64_t>(options.seed), .purpose = "mixture"});
    random.Shuffle(problems);
  }
  return problems;
}

}  // namespace retort::datasets
