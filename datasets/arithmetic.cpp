// chain, addition, multiplication, countdown: the four operations.

#include <algorithm>

#include "base/strings.h"
#include "datasets/families.h"
#include "datasets/steps.h"

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

int64_t RandomDigits(int64_t digits, RandomStream& random) {
  int64_t low = 1;
  for (int64_t i = 1; i < digits; ++i) low *= 10;
  return random.Between(low, 10 * low - 1);
}

}  // namespace

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

void FillAddition(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t a = RandomDigits(difficulty, random), b = RandomDigits(difficulty, random);
  Steps steps;
  steps.AddColumns(a, b);
  problem.prompt = StrCat(a, "+", b);
  problem.answer = StrCat(a + b);
  problem.solution = steps.Text();
  problem.canonical = StrCat("addition:", std::min(a, b), "+", std::max(a, b));
}

void FillMultiplication(int64_t difficulty, RandomStream& random, Problem& problem) {
  // 2 to 9 or 11 to 99: multiples of 1 and 10 would be given away.
  const auto draw = [&](int64_t digits) {
    int64_t value = 0;
    while (value < 2 || value % 10 == 0) value = RandomDigits(digits, random);
    return value;
  };
  const int64_t a = draw(difficulty == 1 ? random.Between(3, 4) : difficulty);
  const int64_t b = draw(difficulty);
  const int rows = DigitCount(b), width = DigitCount(a) + 1;
  Steps steps;
  std::vector<int64_t> partials;
  for (int j = 0; j < rows; ++j) {
    partials.push_back(a * Digit(b, j));
    steps.MultiplyDigits(a, Digit(b, j));
    if (rows == 1) break;  // the only partial product is the answer
    std::string padded = StrCat(partials.back());
    padded.insert(0, static_cast<size_t>(width) - padded.size(), '0');
    steps.Add(padded);
  }
  int64_t carry = 0;
  for (int column = 1; rows > 1 && column < width + rows - 1; ++column) {
    std::string sum;
    int64_t v = carry;
    for (int j = 0; j < rows; ++j) {
      const int64_t digit = column < j ? 0 : Digit(partials[static_cast<size_t>(j)], column - j);
      sum += StrCat(digit, "+");
      v += digit;
    }
    steps.Add(sum, carry, "=", v);
    carry = v / 10;
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
