// functions, drafts: short Python functions over lists and numbers, with hidden tests.
//
// A task is made of five pieces: where numbers come from, which of them are meant (a noun and a
// bound), what becomes of each, and what is made of all. Its tests are computed here, by the
// meaning of the pieces; the program is put together from their texts and is never run here.
//
// Every piece has the slip that is usual for it: >= for >, range(n) for range(1,n+1), max for min.
// A slip makes the program of a neighbouring task. The tests of a task tell it from each of these,
// and the family "drafts" asks the same questions and gives such a neighbour as its answer.
//
// Whole structures (the pieces without their numbers) are held out, so a held-out task puts
// together what no training task puts together.

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/strings.h"
#include "datasets/internal/families.h"

namespace retort::datasets {
namespace {

enum Part { kSource, kNoun, kBound, kMap, kResult, kParts };

enum Source { kList, kUpTo, kBelowN, kDigits };
enum Noun { kAny, kEven, kOdd, kMultiple, kOther };
enum Bound { kUnbounded, kAbove, kAtLeast, kBelow, kAtMost };
enum Map { kSame, kSquare, kCube, kTimes, kPlus, kMinus, kQuotient, kRest, kAbsolute };
enum Result { kSum, kLargest, kSmallest, kCount, kDistinct, kAll, kReversed, kSorted };

struct Slip {
  int to = -1;    // row of the same table
  int64_t k = 0;  // its number; 0: the same
};

struct Row {
  const char* name;                    // in the canonical text
  std::array<const char*, 2> phrases;  // {k}: the number
  const char* code;                    // {k}; in results {g}: the numbers
  int64_t low, high;                   // of k
  Slip slip;
};

constexpr std::array kSources = {
    Row{"list", {"in x", "of x"}, "x", 0, 0, {}},
    Row{"upto", {"from 1 to n", "up to n"}, "range(1,n+1)", 0, 0, {kBelowN}},
    Row{"below", {"from 0 to n-1", "from 0 below n"}, "range(n)", 0, 0, {kUpTo}},
    Row{"digits", {"in the digits of n", "among the digits of n"}, "map(int,str(n))", 0, 0, {}},
};
constexpr std::array kNouns = {
    Row{"any", {"numbers", "numbers"}, "", 0, 0, {}},
    Row{"even", {"even numbers", "even ones"}, "v%2==0", 2, 2, {kOdd}},
    Row{"odd", {"odd numbers", "odd ones"}, "v%2==1", 2, 2, {kEven}},
    Row{"multiple", {"multiples of {k}", "numbers divisible by {k}"}, "v%{k}==0", 3, 5, {kOther}},
    Row{"other",
        {"non-multiples of {k}", "numbers not divisible by {k}"},
        "v%{k}>0",
        3,
        5,
        {kMultiple}},
};
constexpr std::array kBounds = {
    Row{"", {"", ""}, "", 0, 0, {}},
    Row{"from", {" above {k}", " over {k}"}, "v>{k}", 2, 7, {kAtLeast}},
    Row{"from", {" at least {k}", " not below {k}"}, "v>={k}", 2, 7, {kAbove}},
    Row{"to", {" below {k}", " under {k}"}, "v<{k}", 3, 8, {kAtMost}},
    Row{"to", {" at most {k}", " not above {k}"}, "v<={k}", 3, 8, {kBelow}},
};
constexpr std::array kMaps = {
    Row{"", {"", ""}, "v", 0, 0, {}},
    Row{"square", {"squares of ", "squared "}, "v*v", 0, 0, {kTimes, 2}},
    Row{"cube", {"cubes of ", "cubed "}, "v**3", 0, 0, {kTimes, 3}},
    Row{"times", {"{k} times the ", "{k}-fold "}, "{k}*v", 2, 9, {kPlus}},
    Row{"plus", {"{k} more than the ", "{k} added to "}, "v+{k}", 2, 9, {kTimes}},
    Row{"minus", {"{k} less than the ", "{k} taken off "}, "v-{k}", 2, 9, {kPlus}},
    Row{"quotient", {"quotients by {k} of ", "floored {k}ths of "}, "v//{k}", 3, 5, {kRest}},
    Row{"rest", {"remainders by {k} of ", "residues mod {k} of "}, "v%{k}", 3, 5, {kQuotient}},
    Row{"absolute", {"absolute values of ", "absolute "}, "abs(v)", 0, 0, {kSame}},
};
constexpr std::array kResults = {
    Row{"sum", {"sum of ", "total of "}, "sum({g})", 0, 0, {}},
    Row{"largest", {"largest of ", "maximum of "}, "max({g})", 0, 0, {kSmallest}},
    Row{"smallest", {"smallest of ", "minimum of "}, "min({g})", 0, 0, {kLargest}},
    Row{"count", {"count of ", "how many "}, "len([{g}])", 0, 0, {kDistinct}},
    Row{"distinct", {"count of distinct ", "how many distinct "}, "len(set({g}))", 0, 0, {kCount}},
    Row{"list", {"list of ", "all "}, "[{g}]", 0, 0, {kReversed}},
    Row{"reversed", {"reversed list of ", "from last to first "}, "[{g}][::-1]", 0, 0, {kAll}},
    Row{"sorted", {"sorted list of ", "in order all "}, "sorted({g})", 0, 0, {kAll}},
};

struct Piece {
  int row = 0;
  int64_t k = 0;
};

using Task = std::array<Piece, kParts>;

const Row& RowOf(int part, int row) {
  switch (part) {
    case kSource:
      return kSources[static_cast<size_t>(row)];
    case kNoun:
      return kNouns[static_cast<size_t>(row)];
    case kBound:
      return kBounds[static_cast<size_t>(row)];
    case kMap:
      return kMaps[static_cast<size_t>(row)];
    default:
      return kResults[static_cast<size_t>(row)];
  }
}
const Row& RowOf(const Task& task, int part) {
  return RowOf(part, task[static_cast<size_t>(part)].row);
}

std::string Filled(const char* text, int64_t k) { return ReplaceAll(text, "{k}", StrCat(k)); }
std::string Code(const Task& task, int part) {
  return Filled(RowOf(task, part).code, task[static_cast<size_t>(part)].k);
}

// --- what the pieces mean; division rounds down as Python's does ---

int64_t FloorMod(int64_t v, int64_t k) { return ((v % k) + k) % k; }

std::vector<int64_t> Numbers(int source, const Json& input) {
  if (source == kList) return input.get<std::vector<int64_t>>();
  const auto n = input.get<int64_t>();
  std::vector<int64_t> numbers;
  if (source == kDigits) {
    for (const char digit : StrCat(n)) numbers.push_back(digit - '0');
    return numbers;
  }
  numbers.resize(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), source == kUpTo ? 1 : 0);
  return numbers;
}

bool Meant(Piece noun, Piece bound, int64_t v) {
  if (noun.row != kAny) {
    const bool divisible = noun.row == kEven || noun.row == kMultiple;
    if ((FloorMod(v, noun.k) == 0) != divisible) return false;
  }
  switch (bound.row) {
    case kAbove:
      return v > bound.k;
    case kAtLeast:
      return v >= bound.k;
    case kBelow:
      return v < bound.k;
    case kAtMost:
      return v <= bound.k;
  }
  return true;
}

int64_t Mapped(Piece map, int64_t v) {
  switch (map.row) {
    case kSquare:
      return v * v;
    case kCube:
      return v * v * v;
    case kTimes:
      return v * map.k;
    case kPlus:
      return v + map.k;
    case kMinus:
      return v - map.k;
    case kQuotient:
      return (v - FloorMod(v, map.k)) / map.k;
    case kRest:
      return FloorMod(v, map.k);
    case kAbsolute:
      return v < 0 ? -v : v;
  }
  return v;
}

/// Nothing where Python raises: the largest of none.
std::optional<Json> Evaluate(const Task& task, const Json& input) {
  std::vector<int64_t> values;
  for (const int64_t v : Numbers(task[kSource].row, input)) {
    if (Meant(task[kNoun], task[kBound], v)) values.push_back(Mapped(task[kMap], v));
  }
  switch (task[kResult].row) {
    case kSum:
      return std::accumulate(values.begin(), values.end(), int64_t{0});
    case kLargest:
      if (values.empty()) return std::nullopt;
      return *std::max_element(values.begin(), values.end());
    case kSmallest:
      if (values.empty()) return std::nullopt;
      return *std::min_element(values.begin(), values.end());
    case kCount:
      return values.size();
    case kDistinct:
      return std::set(values.begin(), values.end()).size();
    case kReversed:
      std::reverse(values.begin(), values.end());
      break;
    case kSorted:
      std::sort(values.begin(), values.end());
      break;
  }
  return values;
}

// --- tasks, their neighbours, their texts ---

Task DrawTask(int64_t difficulty, RandomStream& random) {
  Task task;
  std::vector<int> given = {kNoun, kBound, kMap};
  random.Shuffle(given);
  given.resize(static_cast<size_t>(difficulty));
  given.push_back(kSource);
  given.push_back(kResult);
  for (const int part : given) {
    static constexpr std::array kCounts = {kSources.size(), kNouns.size(), kBounds.size(),
                                           kMaps.size(), kResults.size()};
    const int first = part == kSource || part == kResult ? 0 : 1;
    Piece& piece = task[static_cast<size_t>(part)];
    piece.row = static_cast<int>(random.Between(first, static_cast<int64_t>(kCounts[part]) - 1));
    const Row& row = RowOf(part, piece.row);
    if (row.high > 0) piece.k = random.Between(row.low, row.high);
  }
  return task;
}

bool Slips(const Task& task, int part) { return RowOf(task, part).slip.to >= 0; }

Task WithSlip(Task task, int part) {
  const Slip slip = RowOf(task, part).slip;
  Piece& piece = task[static_cast<size_t>(part)];
  piece.row = slip.to;
  if (slip.k > 0) piece.k = slip.k;
  return task;
}

std::string Program(const Task& task) {
  const std::string noun = Code(task, kNoun), bound = Code(task, kBound);
  const std::string condition =
      noun.empty() || bound.empty() ? noun + bound : noun + " and " + bound;
  const std::string numbers = StrCat(Code(task, kMap), " for v in ", Code(task, kSource),
                                     condition.empty() ? "" : " if ", condition);
  return StrCat("def f(", task[kSource].row == kList ? "x" : "n", "):\n return ",
                ReplaceAll(RowOf(task, kResult).code, "{g}", numbers));
}

/// The pieces in the order in which they are applied.
std::string Plan(const Task& task) {
  std::vector<std::string> steps = {Code(task, kSource)};
  for (const int part : {kNoun, kBound}) {
    if (task[static_cast<size_t>(part)].row > 0) steps.push_back(Code(task, part));
  }
  if (task[kMap].row != kSame) steps.push_back(Code(task, kMap));
  steps.push_back(ReplaceAll(RowOf(task, kResult).code, "{g}", ""));
  return Join(steps, ";");
}

std::string Question(const Task& task, RandomStream& random) {
  const auto phrase = [&](int part) {
    return Filled(RowOf(task, part).phrases[random.Below(2)], task[static_cast<size_t>(part)].k);
  };
  const std::string result = phrase(kResult), map = phrase(kMap), noun = phrase(kNoun);
  const std::string bound = phrase(kBound), source = phrase(kSource);
  return StrCat("f(", task[kSource].row == kList ? "x" : "n", "): ", result, map, noun, bound, " ",
                source);
}

/// "above 4" and "at least 5" are one bound; the numbers come after the tab (see SplitOf).
std::string Canonical(const Task& task) {
  std::vector<std::string> names, numbers;
  for (int part = 0; part < kParts; ++part) {
    const Piece& piece = task[static_cast<size_t>(part)];
    const bool next = part == kBound && (piece.row == kAbove || piece.row == kAtMost);
    names.push_back(RowOf(task, part).name);
    numbers.push_back(StrCat(piece.k + (next ? 1 : 0)));
  }
  return StrCat("functions:", Join(names, "/"), "\t", Join(numbers, ","));
}

// --- tests ---

constexpr size_t kTests = 6;

Json DrawInput(const Task& task, RandomStream& random) {
  switch (task[kSource].row) {
    case kList: {
      std::vector<int64_t> numbers(static_cast<size_t>(random.Between(3, 8)));
      for (int64_t& v : numbers) v = random.Between(-9, 15);
      // What the bound is about, and something twice.
      if (task[kBound].row != kUnbounded) numbers[0] = task[kBound].k;
      numbers[2] = numbers[1];
      random.Shuffle(numbers);
      return numbers;
    }
    case kDigits:
      return random.Between(100, 9'999'999);
    default:
      return random.Between(2, 25);
  }
}

/// Tests that tell the task from every task that is one slip away; empty when a draw fails.
Json DrawTests(const Task& task, RandomStream& random) {
  std::vector<Json> inputs, results;
  for (int64_t tries = 0; inputs.size() < kTests && tries < 100; ++tries) {
    Json input = DrawInput(task, random);
    auto result = Evaluate(task, input);
    if (!result || std::find(inputs.begin(), inputs.end(), input) != inputs.end()) continue;
    inputs.push_back(std::move(input));
    results.push_back(*std::move(result));
  }
  if (inputs.size() < kTests || std::set(results.begin(), results.end()).size() < 4) return {};
  for (int part = 0; part < kParts; ++part) {
    if (!Slips(task, part)) continue;
    const Task slipped = WithSlip(task, part);
    bool told = false;
    for (size_t i = 0; i < kTests; ++i) told = told || Evaluate(slipped, inputs[i]) != results[i];
    if (!told) return {};
  }
  Json tests = Json::array();
  for (size_t i = 0; i < kTests; ++i) {
    tests.push_back({{"args", Json::array({inputs[i]})}, {"expected", results[i]}});
  }
  return tests;
}

bool Passes(const Task& task, const Json& tests) {
  return std::all_of(tests.begin(), tests.end(), [&](const Json& test) {
    return Evaluate(task, test["args"][0]) == test["expected"];
  });
}

/// Most of the pieces slip, and the tests notice.
Task Draft(const Task& task, const Json& tests, RandomStream& random) {
  for (;;) {
    Task draft = task;
    for (int part = 0; part < kParts; ++part) {
      if (Slips(task, part) && random.Below(4) > 0) draft = WithSlip(draft, part);
    }
    if (!Passes(draft, tests)) return draft;
  }
}

bool HasSlip(const Task& task) {
  for (int part = 0; part < kParts; ++part) {
    if (Slips(task, part)) return true;
  }
  return false;
}

Task FillTask(int64_t difficulty, RandomStream& random, Problem& problem) {
  Task task;
  Json tests;
  do {
    task = DrawTask(difficulty, random);
    tests = HasSlip(task) ? DrawTests(task, random) : Json();
  } while (tests.empty());
  problem.prompt = Question(task, random);
  problem.canonical = Canonical(task);
  problem.extra = {{"language", "python"}, {"entry_point", "f"}, {"tests", std::move(tests)}};
  return task;
}

}  // namespace

void FillFunctions(int64_t difficulty, RandomStream& random, Problem& problem) {
  const Task task = FillTask(difficulty, random, problem);
  problem.answer = Program(task);
  problem.solution = Plan(task);
}

void FillDrafts(int64_t difficulty, RandomStream& random, Problem& problem) {
  const Task task = FillTask(difficulty, random, problem);
  problem.answer = Program(Draft(task, problem.extra["tests"], random));
}

}  // namespace retort::datasets
