#pragma once
// The families behind Generators(); each fills one random problem (see GeneratorEntry::fill).

#include <cstdint>

#include "base/random.h"
#include "base/records.h"

namespace retort::datasets {

/// Uniform among the numbers of `digits` digits above the smallest: times 1, 10 or 100 is no work.
int64_t RandomFactor(int64_t digits, RandomStream& random);

void FillChain(int64_t difficulty, RandomStream& random, Problem& problem);
void FillModular(int64_t difficulty, RandomStream& random, Problem& problem);
void FillAddition(int64_t difficulty, RandomStream& random, Problem& problem);
void FillQuestion(int64_t difficulty, RandomStream& random, Problem& problem);
void FillMultiplication(int64_t difficulty, RandomStream& random, Problem& problem);
void FillCountdown(int64_t difficulty, RandomStream& random, Problem& problem);
void FillLinear(int64_t difficulty, RandomStream& random, Problem& problem);
void FillGcd(int64_t difficulty, RandomStream& random, Problem& problem);
void FillLcm(int64_t difficulty, RandomStream& random, Problem& problem);
void FillBase(int64_t difficulty, RandomStream& random, Problem& problem);
void FillSort(int64_t difficulty, RandomStream& random, Problem& problem);
void FillWords(int64_t difficulty, RandomStream& random, Problem& problem);
void FillShopping(int64_t difficulty, RandomStream& random, Problem& problem);
void FillCodeioOutput(int64_t difficulty, RandomStream& random, Problem& problem);
void FillCodeioInput(int64_t difficulty, RandomStream& random, Problem& problem);
void FillFunctions(int64_t difficulty, RandomStream& random, Problem& problem);
void FillDrafts(int64_t difficulty, RandomStream& random, Problem& problem);

}  // namespace retort::datasets
