// linear, gcd, lcm, base, sort: whole numbers beyond the four operations.

#include <algorithm>
#include <numeric>

#include "base/strings.h"
#include "datasets/internal/families.h"
#include "datasets/internal/steps.h"

namespace retort::datasets {
namespace {

std::string JoinNumbers(const std::vector<int64_t>& numbers, std::string_view separator) {
  std::vector<std::string> texts;
  for (const int64_t n : numbers) texts.push_back(StrCat(n));
  return Join(texts, separator);
}

std::string PairCanonical(const char* family, int64_t a, int64_t b) {
  return StrCat(family, ":", std::min(a, b), ",", std::max(a, b));
}

std::string InBase(int64_t n, int64_t base) {
  std::string digits;
  for (; n > 0; n /= base) digits.insert(digits.begin(), static_cast<char>('0' + n % base));
  return digits;
}

}  // namespace

void FillLinear(int64_t difficulty, RandomStream& random, Problem& problem) {
  const int64_t x = random.Between(1, difficulty == 1 ? 9 : difficulty == 2 ? 49 : 999);
  const int64_t p =
      random.Between(2, 9);  // a - c: one digit, so that the division is long division
  const int64_t c = random.Between(1, difficulty == 1 ? 9 : 30), a = c + p;
  const int64_t b = random.Between(1, difficulty == 1 ? 9 : 99), q = p * x, d = b + q;
  Steps steps;
  steps.Add(a, "-", c, "=", p);
  steps.SubtractColumns(d, b);
  steps.Add(q);
  steps.DivideDigits(q, p);
  const std::string heavy = StrCat(a, "*x+", b), light = StrCat(c, "*x+", d);
  problem.prompt = random.Below(2) ? heavy + "=" + light : light + "=" + heavy;
  problem.answer = StrCat(x);
  problem.solution = steps.Text();
  problem.canonical = "linear:" + heavy + "=" + light;
}

void FillGcd(int64_t difficulty, RandomStream& random, Problem& problem) {
  static constexpr int64_t kDivisors[] = {20, 60, 100, 1000}, kFactors[] = {9, 30, 50, 500};
  const int64_t g = random.Between(2, kDivisors[difficulty - 1]);
  int64_t m = 0, n = 0;
  while (m == n || std::gcd(m, n) != 1) {
    m = random.Between(1, kFactors[difficulty - 1]);
    n = random.Between(1, kFactors[difficulty - 1]);
  }
  Steps steps;
  problem.answer = StrCat(steps.Euclid(g * m, g * n));
  problem.prompt = StrCat("gcd(", g * m, ",", g * n, ")");
  problem.solution = steps.Text();
  problem.canonical = PairCanonical("gcd", g * m, g * n);
}

void FillLcm(int64_t difficulty, RandomStream& random, Problem& problem) {
  static constexpr int64_t kLimits[] = {20, 150, 500, 2000};
  int64_t a = 0, b = 0;
  while (a == b) {
    a = random.Between(2, kLimits[difficulty - 1]);
    b = random.Between(2, kLimits[difficulty - 1]);
  }
  Steps steps;
  const int64_t g = steps.Euclid(a, b);
  steps.Add(a, "/", g, "=", a / g);
  steps.Add(a / g, "*", b, "=", a / g * b);
  problem.prompt = StrCat("lcm(", a, ",", b, ")");
  problem.answer = StrCat(a / g * b);
  problem.solution = steps.Text();
  problem.canonical = PairCanonical("lcm", a, b);
}

void FillBase(int64_t difficulty, RandomStream& random, Problem& problem) {
  int64_t limit = 10;
  for (int64_t i = 0; i < difficulty; ++i) limit *= 10;
  const int64_t base = random.Between(2, 9), n = random.Between(base, limit - 1);
  const std::string digits = InBase(n, base);
  Steps steps;
  if (random.Below(2)) {
    for (int64_t rest = n; rest > 0; rest /= base) {
      steps.Add(rest, "=", base, "*", rest / base, "+", rest % base);
    }
    problem.prompt = StrCat(n, " to base ", base);
    problem.answer = digits;
  } else {
    int64_t value = digits[0] - '0';
    for (size_t i = 1; i < digits.size(); ++i) {
      const int64_t next = value * base + (digits[i] - '0');
      steps.Add(value, "*", base, "+", digits[i], "=", next);
      value = next;
    }
    problem.prompt = StrCat(digits, " from base ", base);
    problem.answer = StrCat(n);
  }
  problem.solution = steps.Text();
  // Both directions of one conversion are one problem: either gives the other away.
  problem.canonical = StrCat("base:", n, "@", base);
}

void FillSort(int64_t difficulty, RandomStream& random, Problem& problem) {
  std::vector<int64_t> numbers;
  while (numbers.size() < static_cast<size_t>(difficulty)) {
    const int64_t n = random.Between(0, 99);
    if (std::find(numbers.begin(), numbers.end(), n) == numbers.end()) numbers.push_back(n);
  }
  std::vector<int64_t> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  problem.prompt = "sort " + JoinNumbers(numbers, " ");
  problem.answer = JoinNumbers(sorted, " ");
  problem.canonical = "sort:" + JoinNumbers(sorted, ",");
  Steps steps;
  for (size_t i = 0; i + 1 < sorted.size(); ++i) {
    steps.Add("min(", JoinNumbers(numbers, ","), ")=", sorted[i]);
    std::erase(numbers, sorted[i]);
  }
  problem.solution = steps.Text();
}

}  // namespace retort::datasets
