// chain, modular, addition, question, multiplication, countdown: the four operations.

#include <algorithm>

#include "base/strings.h"
#include "datasets/internal/families.h"
#include "datasets/internal/steps.h"

namespace retort::datasets {
namespace {

struct Term {
  char op;
  int64_t value;
};

int64_t Apply(int64_t total, Term term) {
  switch (term.op) {
    case '+':
      return total + term.value;
    case '-':
      return total - term.value;
    default:
      return total * term.value;
  }
}

// Reads left to right; a sum gets parentheses before it is multiplied.
std::string Expression(const std::vector<Term>& terms) {
  std::string text = StrCat(terms[0].value);
  bool sum = false;
  for (size_t i = 1; i < terms.size(); ++i) {
    if (terms[i].op == '*' && sum) text = "(" + text + ")";
    sum = terms[i].op != '*';
    text += StrCat(terms[i].op, terms[i].value);
  }
  return text;
}

// Within a run of +/- or of *, order does not change the value: each run is sorted.
std::string CanonicalChain(const std::vector<Term>& terms) {
  std::vector<std::string> runs, run;
  bool product = terms[1].op == '*';
  const auto close = [&] {
    std::sort(run.begin(), run.end());
    runs.push_back(Join(run, ""));
    run.clear();
  };
  run.push_back(StrCat(product ? '*' : '+', terms[0].value));
  for (size_t i = 1; i < terms.size(); ++i) {
    if ((terms[i].op == '*') != product) {
      close();
      product = !product;
    }
    run.push_back(StrCat(terms[i].op, terms[i].value));
  }
  close();
  return Join(runs, "|");
}

std::string ChainSteps(const std::vector<Term>& terms) {
  Steps steps;
  int64_t total = terms[0].value;
  for (size_t i = 1; i < terms.size(); ++i) {
    const int64_t next = Apply(total, terms[i]);
    steps.Add(total, terms[i].op, terms[i].value, "=", next);
    total = next;
  }
  return steps.Text();
}

// An operator after `total` that keeps the running total in [1, limit]. One always fits when
// `value` is below half of the limit.
Term RandomTerm(int64_t total, int64_t value, int64_t limit, RandomStream& random) {
  std::vector<Term> fits;
  for (const char op : {'+', '-', '*'}) {
    const int64_t next = Apply(total, {op, value});
    if (next >= 1 && next <= limit && (op != '*' || value > 1)) fits.push_back({op, value});
  }
  return random.Pick(fits);
}

int64_t SmallestOf(int64_t digits) {
  int64_t smallest = 1;
  for (int64_t i = 1; i < digits; ++i) smallest *= 10;
  return smallest;
}

}  // namespace

int64_t RandomFactor(int64_t digits, RandomStream& random) {
  const int64_t smallest = SmallestOf(digits);
  return random.Between(smallest + 1, 10 * smallest - 1);
}

void FillChain(int64_t difficulty, RandomStream& random, Problem& problem) {
  std::vector<Term> terms = {{'+', random.Between(1, 9)}};
  int64_t total = terms[0].value;
  for (int64_t i = 0; i < difficulty; ++i) {
    terms.push_back(RandomTerm(total, random.Between(1, 9), 99, random));
    total = Apply(total, terms.back());
  }
  problem.prompt = Expression(terms);
  problem.answer = StrCat(total);
  problem.solution = ChainSteps(terms);
  problem.canonical = "chain:" + CanonicalChain(terms);
}

void FillModular(int64_t difficulty, RandomStream& random, Problem& problem) {
  std::vector<Term> terms = {{'+', RandomFactor(2, random)}};
  int64_t state = terms[0].value;
  Steps steps;
  for (int64_t i = 0; i < difficulty; ++i) {
    if (i % 2 == 0) {
      terms.push_back({'*', random.Between(2, 9)});
      steps.MultiplyDigits(state, terms.back().value, 2);
    } else {
      terms.push_back({'+', RandomFactor(2, random)});
      steps.AddColumns({state, terms.back().value}, 0, 2);
    }
    state = Apply(state, terms.back()) % 100;
    steps.AddPadded(state, 2);
  }
  const std::string expression = Expression(terms);
  problem.prompt = expression + " mod 100";
  problem.answer = StrCat(state);
  problem.solution = steps.Text();
  problem.canonical = "modular:" + expression;
}

void FillAddition(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t smallest = SmallestOf(difficulty);
  const int64_t a = random.Between(smallest, 10 * smallest - 1);
  const int64_t b = random.Between(smallest, 10 * smallest - 1);
  Steps steps;
  steps.AddColumns(a, b);
  problem.prompt = StrCat(a, "+", b);
  problem.answer = StrCat(a + b);
  problem.solution = steps.Text();
  problem.canonical = StrCat("addition:", std::min(a, b), "+", std::max(a, b));
}

void FillQuestion(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t a = random.Between(1, 10 * difficulty);
  const int64_t b = random.Between(1, 10 * difficulty);
  problem.prompt = StrCat("What is ", a, " + ", b, "?");
  problem.answer = StrCat(a + b);
  problem.solution = StrCat(a, "+", b);
  problem.canonical = StrCat("question:", std::min(a, b), "+", std::max(a, b));
}

void FillMultiplication(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t a = RandomFactor(difficulty == 1 ? random.Between(3, 4) : difficulty, random);
  const int64_t b = RandomFactor(difficulty, random);
  const int rows = DigitCount(b), width = DigitCount(a) + 1;
  Steps steps;
  std::vector<int64_t> partials;
  for (int64_t j = 0, place = 1; j < rows; ++j, place *= 10) {
    const int64_t digit = Digit(b, static_cast<int>(j));
    steps.MultiplyDigits(a, digit);
    // A single partial product is the answer.
    if (rows > 1) steps.AddPadded(a * digit, width);
    partials.push_back(a * digit * place);
  }
  if (rows > 1) {
    // The units of the first partial product stand alone.
    steps.AddColumns(partials, 1, width + rows - 1);
    // The result at full width: leaving out a leading zero is then the only step into the answer.
    steps.AddPadded(a * b, width + rows - 1);
  }
  problem.prompt = StrCat(a, "*", b);
  problem.answer = StrCat(a * b);
  problem.solution = steps.Text();
  problem.canonical = StrCat("multiplication:", std::min(a, b), "*", std::max(a, b));
}

void FillCountdown(int64_t difficulty, RandomStream& random, Problem& problem) {
  std::vector<Term> terms = {{'+', random.Between(1, 20)}};
  int64_t total = terms[0].value;
  for (int64_t i = 1; i < difficulty; ++i) {
    terms.push_back(RandomTerm(total, random.Between(1, 20), 999, random));
    total = Apply(total, terms.back());
  }
  std::vector<int64_t> numbers;
  for (const Term& term : terms) numbers.push_back(term.value);
  problem.solution = ChainSteps(terms);
  problem.answer = Expression(terms);
  std::vector<std::string> sorted;
  std::sort(numbers.begin(), numbers.end());
  for (const int64_t n : numbers) sorted.push_back(StrCat(n));
  problem.canonical = StrCat("countdown:", Join(sorted, ","), "=", total);
  random.Shuffle(numbers);
  std::vector<std::string> shown;
  for (const int64_t n : numbers) shown.push_back(StrCat(n));
  problem.prompt = StrCat("make ", total, " from ", Join(shown, " "));
  problem.extra["numbers"] = numbers;
  problem.extra["target"] = total;
}

}  // namespace retort::datasets
