#pragma once
// Problem generators: families of checkable problems with worked solutions and a split into
// training, validation and held-out problems that cannot overlap.
//
// Everything is a pure function of (family, difficulty, seed, index): no state, any thread, any
// order.
//
// Solutions are written for models that can only do small facts: every step carries its operands,
// steps are joined by ';'. A step is an equation ("7*6=42;42+1=43"), an operation about to be
// carried out ("34+18") or a result assembled from digits ("432"). Where columns are added the last
// step is the result at full width ("0586"), so that the answer is one step away; otherwise the
// answer is not repeated. The plan of a program is the list of its pieces, in the order in which
// they are applied.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/random.h"
#include "base/records.h"

namespace retort::datasets {

/// One family. `fill` writes prompt, answer, solution, canonical (and extra) of one random problem.
struct GeneratorEntry {
  const char* name;
  const char* help;  ///< what is asked and what difficulty means
  int64_t min_difficulty;
  int64_t max_difficulty;
  int64_t default_difficulty;
  void (*fill)(int64_t difficulty, RandomStream& random, Problem& problem);
};

/// Every family: chain, modular, addition, question, multiplication, countdown, linear, gcd, lcm,
/// base, sort, words, shopping, codeio-output, codeio-input, functions, drafts.
const std::vector<GeneratorEntry>& Generators();
/// Throws Error naming the nearest family when there is none of that name.
const GeneratorEntry& FindGenerator(std::string_view name);

/// One random problem without an id. Throws Error when `difficulty` is out of the family's range.
Problem Generate(const GeneratorEntry& entry, int64_t difficulty, RandomStream& random);

/// Train; decide on measurements during training; evaluate once, at the end.
enum class Split { kTrain, kValidation, kHeldOut };
constexpr auto EnumNames(Split) {
  return std::array{std::pair{Split::kTrain, "train"}, std::pair{Split::kValidation, "validation"},
                    std::pair{Split::kHeldOut, "held_out"}};
}

/// About one canonical text in ten is held out and one in ten is for validation, whatever the seed,
/// the count or the program. Only what precedes a tab decides: "words" puts its template there and
/// "codeio-…" its program, "functions" its structure, so each of these is on one side.
Split SplitOf(std::string_view canonical);

/// What to generate; several families make a mixture.
struct GeneratorOptions {
  std::vector<std::string> families = {"multiplication"};
  std::vector<double> weights;
  int64_t count = 0;
  int64_t seed = 0;
  bool distinct = true;

  template <class V>
  void Visit(V& v) {
    v("families", families, "Families to draw from: \"name\" or \"name:difficulty\".");
    v("weights", weights, "Share of each family; empty means equal shares.", Bounds{0, 1e9});
    v("count", count, "Number of problems; 0: as many distinct ones as there are, at most 1000.",
      Bounds{0, 1e8});
    v("seed", seed, "Seed of the problems.", Bounds{0, 9e15});
    v("distinct", distinct, "Whether no two problems may share their canonical text.");
  }
};

/// `count` problems of one side of the split, the families shuffled together. Ids are
/// "FAMILY-DIFFICULTY-SEED-INDEX". A larger count draws a superset of each family. Throws Error
/// when a family has fewer distinct problems than an explicit count asks for, naming how many were
/// found.
std::vector<Problem> GenerateProblems(const GeneratorOptions& options, Split split);

}  // namespace retort::datasets
