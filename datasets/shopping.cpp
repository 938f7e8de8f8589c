// shopping: two products and their sum in a few words.
//
// The split is on the mathematics: the same templates tell training and held-out problems. "words"
// is the family whose templates are held out.

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "datasets/internal/families.h"
#include "datasets/internal/steps.h"

namespace retort::datasets {
namespace {

// Short, for models that read every letter. {a} times {m} and {c} times {k}; {N} a name, {B} boxes
// of some kind, {I} and {J} two items.
constexpr std::array kTemplates = {
    "{N} buys {a} {I} at {m} coins and {c} {J} at {k}. Total cost?",
    "{N} has {a} {B} of {m} {I} and {c} {B} of {k}. How many {I}?",
    "{a} {B} hold {m} {I} each and {c} hold {k}. How many {I}?",
    "{N} sells {m} {I} a day for {a} days, then {k} for {c} days. In all?",
};
constexpr std::array kNames = {"Ann", "Ben", "Eva", "Tom", "Mia", "Leo", "Zoe", "Max"};
constexpr std::array kBoxes = {"bags", "boxes", "jars", "tins", "packs"};
constexpr std::array kItems = {"nuts", "pens", "eggs", "cups", "keys", "pins", "figs", "toys"};

}  // namespace

void FillShopping(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t a = RandomFactor(difficulty, random), m = random.Between(2, 9);
  const int64_t c = RandomFactor(difficulty, random), k = random.Between(2, 9);
  // Both products at full width, so that the steps of every problem have the same form.
  const int width = static_cast<int>(difficulty) + 1;
  Steps steps;
  steps.MultiplyDigits(a, m);
  steps.AddPadded(a * m, width);
  steps.MultiplyDigits(c, k);
  steps.AddPadded(c * k, width);
  steps.AddColumns({a * m, c * k}, 0, width);
  steps.AddPadded(a * m + c * k, width + 1);
  problem.solution = steps.Text();
  problem.answer = StrCat(a * m + c * k);
  std::array products = {std::pair(a, m), std::pair(c, k)};
  std::sort(products.begin(), products.end());
  problem.canonical = StrCat("shopping:", products[0].first, "*", products[0].second, "+",
                             products[1].first, "*", products[1].second);

  const size_t item = random.Below(kItems.size());
  const size_t other = (item + 1 + random.Below(kItems.size() - 1)) % kItems.size();
  problem.prompt = kTemplates[random.Below(kTemplates.size())];
  for (const auto& [slot, text] : {std::pair{"{N}", StrCat(kNames[random.Below(kNames.size())])},
                                   {"{B}", StrCat(kBoxes[random.Below(kBoxes.size())])},
                                   {"{I}", StrCat(kItems[item])},
                                   {"{J}", StrCat(kItems[other])},
                                   {"{a}", StrCat(a)},
                                   {"{m}", StrCat(m)},
                                   {"{c}", StrCat(c)},
                                   {"{k}", StrCat(k)}}) {
    problem.prompt = ReplaceAll(std::move(problem.prompt), slot, text);
  }
}

}  // namespace retort::datasets
