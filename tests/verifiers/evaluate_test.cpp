// Equality of scalar expressions: what is proved, what is refuted, what is refused.

#include "verifiers/math/internal/evaluate.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace retort::verifiers::evaluate_test {
namespace {

using enum Sameness;
using enum Function;

// Expressions written as in C++, all in one tree.
class EvaluateTest : public testing::Test {
 protected:
  struct E {
    EvaluateTest* test;
    NodeId id;
  };

  E Node(Op op, std::initializer_list<E> children, int detail = 0, std::string_view text = {}) {
    std::vector<NodeId> ids;
    for (const E& child : children) ids.push_back(child.id);
    return {this, tree_.Add(op, text, ids, detail)};
  }
  E N(std::string_view text, int base = 0) { return Node(Op::kNumber, {}, base, text); }
  E N(int64_t value) { return N(std::to_string(value)); }
  E Symbol(std::string_view name) { return Node(Op::kSymbol, {}, 0, name); }
  E F(Function function, std::initializer_list<E> arguments) {
    return Node(Op::kFunction, arguments, static_cast<int>(function));
  }
  E Apply(std::string_view name, std::initializer_list<E> arguments) {
    return Node(Op::kApply, arguments, 0, name);
  }
  E Pi() { return Node(Op::kPi, {}); }
  E Euler() { return Node(Op::kE, {}); }
  E I() { return Node(Op::kI, {}); }
  E Infinity() { return Node(Op::kInfinity, {}); }
  E Percent(E x) { return Node(Op::kPercent, {x}); }
  E Sqrt(E x) { return Root(x, 2); }
  E Root(E x, int degree) { return Node(Op::kRoot, {x, N(degree)}); }
  E Power(E x, E y) { return Node(Op::kPower, {x, y}); }
  E Power(E x, int64_t n) { return Power(x, n < 0 ? -N(-n) : N(n)); }

  friend E operator+(E x, E y) { return x.test->Node(Op::kAdd, {x, y}); }
  friend E operator-(E x) { return x.test->Node(Op::kNegate, {x}); }
  friend E operator-(E x, E y) { return x + -y; }
  friend E operator*(E x, E y) { return x.test->Node(Op::kMul, {x, y}); }
  friend E operator/(E x, E y) { return x.test->Node(Op::kDivide, {x, y}); }
  friend E operator+(E x, int y) { return x + x.test->N(y); }
  friend E operator-(E x, int y) { return x - x.test->N(y); }
  friend E operator*(int x, E y) { return y.test->N(x) * y; }
  friend E operator/(E x, int y) { return x / x.test->N(y); }
  friend E operator/(int x, E y) { return y.test->N(x) / y; }

  Sameness Compare(E x, E y, int decimals = 6) {
    tree_.budget() = Tree().budget();
    const Sameness result = CompareScalars(tree_, x.id, y.id, {decimals});
    EXPECT_EQ(CompareScalars(tree_, y.id, x.id, {decimals}), result);  // either way round
    return result;
  }
  Proportion Proportional(E x, E y) { return CompareProportion(tree_, x.id, y.id); }
  std::optional<int> InOrder(E x, E y) { return Order(tree_, x.id, y.id); }
  std::optional<int64_t> Small(E x) { return SmallInteger(tree_, x.id); }

  Tree tree_;
};

TEST_F(EvaluateTest, RationalsAreExact) {
  EXPECT_EQ(Compare(N(42), N("042")), kSame);
  EXPECT_EQ(Compare(N(42), N(43)), kDifferent);
  EXPECT_EQ(Compare(N(1) / 2, N(2) / 4), kSame);
  EXPECT_EQ(Compare(N("0.5"), N(1) / 2), kSame);
  EXPECT_EQ(Compare(N(".5"), Percent(N(50))), kSame);
  EXPECT_EQ(Compare(N(28), Percent(N(28))), kDifferent);
  EXPECT_EQ(Compare(Power(N(2), 10), N(1024)), kSame);
  EXPECT_EQ(Compare(Power(N(2), -2), N("0.25")), kSame);
  EXPECT_EQ(Compare(Power(N(8), N(2) / 3), N(4)), kSame);
  EXPECT_EQ(Compare(Root(-N(8), 3), -N(2)), kSame);
  EXPECT_EQ(Compare(Sqrt(N(9) / 4), N("1.5")), kSame);
  EXPECT_EQ(Compare(-N(0), N(0)), kSame);
  EXPECT_EQ(Compare(N("11111111", 2), N("ff", 16)), kSame);
  EXPECT_EQ(Compare(N("0.1", 2), N(1) / 2), kSame);
  const std::string googol = "1" + std::string(100, '0');
  EXPECT_EQ(Compare(N(googol), Power(N(10), 100)), kSame);
  EXPECT_EQ(Compare(N(googol) + 1, Power(N(10), 100)), kDifferent);
}

TEST_F(EvaluateTest, FunctionsOfRationalsAreExact) {
  EXPECT_EQ(Compare(F(kFactorial, {N(5)}), N(120)), kSame);
  EXPECT_EQ(Compare(F(kBinomial, {N(10), N(3)}), N(120)), kSame);
  EXPECT_EQ(Compare(F(kBinomial, {N(3), N(10)}), N(0)), kSame);
  EXPECT_EQ(Compare(F(kGcd, {N(12), N(18), N(27)}), N(3)), kSame);
  EXPECT_EQ(Compare(F(kLcm, {N(4), N(6)}), N(12)), kSame);
  EXPECT_EQ(Compare(F(kMax, {N(4), N(6), N(5)}), N(6)), kSame);
  EXPECT_EQ(Compare(F(kMin, {N(4), -N(6), N(5)}), -N(6)), kSame);
  EXPECT_EQ(Compare(F(kMod, {-N(7), N(3)}), N(2)), kSame);
  EXPECT_EQ(Compare(F(kFloor, {-N(7) / 2}), -N(4)), kSame);
  EXPECT_EQ(Compare(F(kCeil, {N(7) / 2}), N(4)), kSame);
  EXPECT_EQ(Compare(F(kAbs, {-N(7) / 2}), N("3.5")), kSame);
  EXPECT_EQ(Compare(F(kLogBase, {N(8), N(4)}), N("1.5")), kSame);
  EXPECT_EQ(Compare(F(kLogBase, {N(1) / 8, N(2)}), -N(3)), kSame);
  EXPECT_EQ(Compare(F(kCos, {N(0)}), N(1)), kSame);
}

TEST_F(EvaluateTest, DecimalsAreRounded) {
  EXPECT_EQ(Compare(N(1) / 12, N("0.0833333333333333")), kSame);
  EXPECT_EQ(Compare(N(1) / 3, N("0.333333")), kSame);
  EXPECT_EQ(Compare(N(1) / 3, N("0.33")), kDifferent);
  EXPECT_EQ(Compare(N(1) / 3, N("0.33"), 2), kSame);
  EXPECT_EQ(Compare(N(8) / 3, N("2.6667"), 2), kSame);
  EXPECT_EQ(Compare(N(8) / 3, N("2.67")), kDifferent);
  EXPECT_EQ(Compare(N("0.0000005"), N("0.000001")), kDifferent);  // relatively far
  EXPECT_EQ(Compare(N("0.000000001"), N("0.000000002")), kDifferent);
  EXPECT_EQ(Compare(N("0.000000001"), N(0)), kDifferent);
  EXPECT_EQ(Compare(N("2.5"), N("2.4"), 0), kDifferent);
  EXPECT_EQ(Compare(-N("2.5"), -N(3), 0), kSame);  // half away from zero; 20 % is near for 0 places
  EXPECT_EQ(Compare(Sqrt(N(2)), N("1.414214")), kSame);
  EXPECT_EQ(Compare(Sqrt(N(2)), N("1.41421")), kDifferent);
  EXPECT_EQ(Compare(-Sqrt(N(2)), -N("1.414214")), kSame);
  EXPECT_EQ(Compare(Pi(), N("3.14159")), kDifferent);
  EXPECT_EQ(Compare(Pi(), N("3.14"), 2), kSame);
  EXPECT_EQ(Compare(N("0.5") * Pi(), Pi() / 2), kSame);
  EXPECT_EQ(Compare(N("0.5") * Sqrt(N(2)), 1 / Sqrt(N(2))), kSame);
  EXPECT_EQ(Compare(N(22) / 7, Pi(), 2), kDifferent);  // no decimal: exact
  EXPECT_EQ(Compare(N("0.333333") * Symbol("x"), Symbol("x") / 3), kDifferent);
  EXPECT_EQ(Compare(N("0.5") * Symbol("x"), Symbol("x") / 2), kSame);
  EXPECT_EQ(Compare(N("1.5") * I(), N(3) / 2 * I()), kSame);
  EXPECT_EQ(Compare(N("1.5") * I(), N("1.5")), kDifferent);
}

TEST_F(EvaluateTest, AlgebraicNumbersAreProved) {
  EXPECT_EQ(Compare(Sqrt(N(2)) * Sqrt(N(3)), Sqrt(N(6))), kSame);
  EXPECT_EQ(Compare(1 / (N(1) + Sqrt(N(2))), Sqrt(N(2)) - 1), kSame);
  EXPECT_EQ(Compare(Sqrt(N(3) + 2 * Sqrt(N(2))), N(1) + Sqrt(N(2))), kSame);
  EXPECT_EQ(Compare(Sqrt(N(8)), 2 * Sqrt(N(2))), kSame);
  EXPECT_EQ(Compare(Power(N(2), N(1) / 2), Sqrt(N(2))), kSame);
  EXPECT_EQ(Compare(Root(N(2) + Sqrt(N(5)), 3) + Root(N(2) - Sqrt(N(5)), 3), N(1)), kSame);
  EXPECT_EQ(Compare(Sqrt(N(2)) + Sqrt(N(3)), Sqrt(N(5) + 2 * Sqrt(N(6)))), kSame);
  EXPECT_EQ(Compare(Sqrt(N(2)) + Sqrt(N(3)), Sqrt(N(5))), kDifferent);
  EXPECT_EQ(Compare(Root(N(16), 3), 2 * Root(N(2), 3)), kSame);
  EXPECT_EQ(Compare(F(kAbs, {Sqrt(N(2)) - 2}), N(2) - Sqrt(N(2))), kSame);
}

TEST_F(EvaluateTest, ComplexNumbersAndAngles) {
  EXPECT_EQ(Compare(I() * I(), -N(1)), kSame);
  EXPECT_EQ(Compare(Sqrt(-N(4)), 2 * I()), kSame);
  EXPECT_EQ(Compare((N(1) + I()) * (N(1) - I()), N(2)), kSame);
  EXPECT_EQ(Compare(1 / I(), -I()), kSame);
  EXPECT_EQ(Compare(N(1) + I(), N(1) - I()), kDifferent);
  EXPECT_EQ(Compare(I(), N(1)), kDifferent);
  EXPECT_EQ(Compare(Power(-N(8), N(1) / 3), N(1) + Sqrt(N(3)) * I()), kSame);
  EXPECT_EQ(Compare(Power(-N(8), N(1) / 3), -N(2)), kDifferent);
  EXPECT_EQ(Compare(Power(Euler(), I() * Pi()), -N(1)), kSame);
  EXPECT_EQ(Compare(F(kExp, {2 * I() * Pi() / 3}), (Sqrt(N(3)) * I() - 1) / 2), kSame);
  EXPECT_EQ(Compare(F(kSin, {Pi() / 6}), N(1) / 2), kSame);
  EXPECT_EQ(Compare(F(kCos, {N(36) * (Pi() / 180)}), (N(1) + Sqrt(N(5))) / 4), kSame);
  EXPECT_EQ(Compare(F(kTan, {Pi() / 3}), Sqrt(N(3))), kSame);
  EXPECT_EQ(Compare(F(kSin, {Pi() / 6}), N("0.5")), kSame);
  EXPECT_EQ(Compare(F(kSin, {Pi() / 5}), N(1) / 2), kDifferent);
  EXPECT_EQ(Compare(F(kTan, {Pi() / 2}), N(0)), kUnknown);
  EXPECT_EQ(Compare(F(kRe, {N(3) + 4 * I()}), N(3)), kSame);
  EXPECT_EQ(Compare(F(kAbs, {N(3) + 4 * I()}), N(5)), kSame);
}

TEST_F(EvaluateTest, TranscendentNumbers) {
  EXPECT_EQ(Compare(2 * Pi(), Pi() + Pi()), kSame);
  EXPECT_EQ(Compare(Pi(), N(22) / 7), kDifferent);
  EXPECT_EQ(Compare(F(kLn, {N(6)}), F(kLn, {N(2)}) + F(kLn, {N(3)})), kAgrees);
  EXPECT_EQ(Compare(Power(Euler(), F(kLn, {N(9)}) / 2), N(3)), kAgrees);
  EXPECT_EQ(Compare(4 * F(kAtan, {N(1)}), Pi()), kAgrees);
  EXPECT_EQ(Compare(F(kAcos, {-N(1) / 2}), 2 * Pi() / 3), kAgrees);
  EXPECT_EQ(Compare(F(kAcot, {N(0)}), Pi() / 2), kAgrees);
  EXPECT_EQ(Compare(F(kExp, {N(1)}), Euler()), kAgrees);
  EXPECT_EQ(Compare(F(kFactorial, {N(1) / 2}), Sqrt(Pi()) / 2), kAgrees);
  // A famous near miss: 262537412640768743.99999999999925.
  EXPECT_EQ(Compare(F(kExp, {Pi() * Sqrt(N(163))}), N(262537412640768744)), kDifferent);
}

TEST_F(EvaluateTest, LogsHaveTwoReadings) {
  EXPECT_EQ(Compare(F(kLog, {N(100)}), N(2)), kAgrees);
  EXPECT_EQ(Compare(F(kLog, {Euler()}), N(1)), kAgrees);
  EXPECT_EQ(Compare(F(kLog, {N(5)}), F(kLn, {N(5)})), kAgrees);
  EXPECT_EQ(Compare(F(kLog, {N(5)}), F(kLogBase, {N(5), N(10)})), kAgrees);
  EXPECT_EQ(Compare(F(kLog, {N(100)}) + F(kLog, {Euler()}), N(3)), kDifferent);  // not both at once
  EXPECT_EQ(Compare(F(kLog, {N(5)}), F(kLogBase, {N(5), N(2)})), kDifferent);
  EXPECT_EQ(InOrder(F(kLog, {N(2)}), N(1)), -1);
  EXPECT_EQ(InOrder(F(kLog, {N(2)}), N(1) / 2), std::nullopt);
}

TEST_F(EvaluateTest, IdentitiesOfPolynomialsAreProved) {
  const E x = Symbol("x"), y = Symbol("y");
  EXPECT_EQ(Compare((x + 2) / 7, x / 7 + N(2) / 7), kSame);
  EXPECT_EQ(Compare(Power(x + y, 2), x * x + 2 * x * y + y * y), kSame);
  EXPECT_EQ(Compare(Power(x + y, 2), x * x + y * y), kDifferent);
  EXPECT_EQ(Compare(Power(x + 1, 40) * Power(x + 1, 20), Power(x + 1, 60)), kSame);
  EXPECT_EQ(Compare((x * x - 1) / (x - 1), x + 1), kSame);
  EXPECT_EQ(Compare(1 / x + 1 / y, (x + y) / (x * y)), kSame);
  EXPECT_EQ(Compare(Power(x, -2), 1 / (x * x)), kSame);
  EXPECT_EQ(Compare(x, y), kDifferent);
  EXPECT_EQ(Compare(x, N(5)), kDifferent);
  EXPECT_EQ(Compare(x + 1, x), kDifferent);
  EXPECT_EQ(Compare(x + N("0.000000000000000000000000000000000000000000001"), x), kDifferent);
  EXPECT_EQ(Compare(Power(Sqrt(x) + 1, 2), x + 2 * Sqrt(x) + 1), kSame);
  EXPECT_EQ(Compare(1 / (Sqrt(x) + 1), (Sqrt(x) - 1) / (x - 1)), kSame);
  EXPECT_EQ(Compare(I() * x * I(), -x), kSame);
  EXPECT_EQ(Compare((x + I() * y) * (x - I() * y), x * x + y * y), kSame);
  EXPECT_EQ(Compare(Pi() * Power(x, 2) + Pi() * x, Pi() * x * (x + 1)), kSame);
  EXPECT_EQ(Compare(F(kSin, {x + y}) * x * N(2), 2 * x * F(kSin, {y + x})), kSame);
}

TEST_F(EvaluateTest, IdentitiesOfFunctionsAgree) {
  const E x = Symbol("x"), y = Symbol("y"), n = Symbol("n"), k = Symbol("k");
  EXPECT_EQ(Compare(Power(F(kTan, {x}), 2) + 1, Power(F(kSec, {x}), 2)), kAgrees);
  EXPECT_EQ(Compare(Power(F(kSin, {x}), 2) + Power(F(kCos, {x}), 2), N(1)), kAgrees);
  EXPECT_EQ(Compare(Power(F(kSin, {x}), 2) + Power(F(kCos, {x}), 2) - 1, N(0)), kAgrees);
  EXPECT_EQ(Compare(F(kSin, {2 * x}), 2 * F(kSin, {x}) * F(kCos, {x})), kAgrees);
  EXPECT_EQ(Compare(F(kSin, {2 * x}), 2 * F(kSin, {x})), kDifferent);
  EXPECT_EQ(Compare(F(kLn, {x * x}), 2 * F(kLn, {x})), kAgrees);  // where both are real
  EXPECT_EQ(Compare(Sqrt(x * x), F(kAbs, {x})), kAgrees);
  EXPECT_EQ(Compare(Sqrt(x * x), x), kDifferent);
  EXPECT_EQ(Compare(Sqrt(x) * Sqrt(y), Sqrt(x * y)), kAgrees);
  EXPECT_EQ(Compare(Power(N(2), n + 1), 2 * Power(N(2), n)), kAgrees);
  EXPECT_EQ(Compare(F(kFactorial, {n + 1}), (n + 1) * F(kFactorial, {n})), kAgrees);
  EXPECT_EQ(Compare(F(kBinomial, {n, k}),
                    F(kFactorial, {n}) / (F(kFactorial, {k}) * F(kFactorial, {n - k}))),
            kAgrees);
  EXPECT_EQ(Compare(F(kGcd, {n, k}) * F(kLcm, {n, k}), n * k), kAgrees);  // at integers
  EXPECT_EQ(Compare(F(kGcd, {n, k}), F(kLcm, {n, k})), kDifferent);
  EXPECT_EQ(Compare(Power(-N(1), n), Power(-N(1), n + 2)), kAgrees);
  EXPECT_EQ(Compare(Power(-N(1), n), Power(-N(1), n + 1)), kDifferent);
  EXPECT_EQ(Compare(Root(Power(x, 3), 3), x), kAgrees);
  EXPECT_EQ(Compare(I() * x, x), kDifferent);
  EXPECT_EQ(Compare(Sqrt(-x * x - 1), I() * Sqrt(x * x + 1)), kAgrees);  // nowhere real
  EXPECT_EQ(Compare(1 / (x - x), 1 / (x - x) + 1), kUnknown);
}

TEST_F(EvaluateTest, UnknownFunctionsHaveNoIdentities) {
  const E x = Symbol("x"), y = Symbol("y");
  EXPECT_EQ(Compare(Apply("f", {x}), Apply("f", {x})), kSame);
  EXPECT_EQ(Compare(Apply("f", {x + y}), Apply("f", {y + x})), kSame);
  EXPECT_EQ(Compare(Apply("f", {2 * x}), Apply("f", {x + x})), kAgrees);
  EXPECT_EQ(Compare(Apply("f", {x}), Apply("g", {x})), kDifferent);
  EXPECT_EQ(Compare(Apply("f", {x}), Apply("f", {y})), kDifferent);
  EXPECT_EQ(Compare(Apply("f", {N(2) + 1}), Apply("f", {N(3)})), kAgrees);
  EXPECT_EQ(Compare(Apply("f", {x + y}), Apply("f", {x}) + Apply("f", {y})), kDifferent);
  const E sum = Node(Op::kOpaque, {x, N(1), Symbol("n")}, 0, "sum");
  const E same = Node(Op::kOpaque, {x, N(1), Symbol("n")}, 0, "sum");
  const E other = Node(Op::kOpaque, {x, N(2), Symbol("n")}, 0, "sum");
  EXPECT_EQ(Compare(sum + sum, 2 * same), kSame);
  EXPECT_EQ(Compare(sum, other), kDifferent);
  EXPECT_EQ(Compare(F(kDeterminant, {x}), x), kDifferent);
}

TEST_F(EvaluateTest, TinyAndHugeDifferencesCount) {
  const E tiny = Power(N(10), -30), root = Sqrt(N(2));
  EXPECT_EQ(Compare(root, root + tiny), kDifferent);
  EXPECT_EQ(Compare(Pi(), Pi() + Power(N(10), -1000)), kDifferent);
  EXPECT_EQ(Compare(F(kLn, {N(2)}), F(kLn, {N(2) + Power(N(10), -1000)})), kDifferent);
  EXPECT_EQ(Compare(F(kExp, {-N(1000)}), F(kExp, {-N(1001)})), kDifferent);
  EXPECT_EQ(Compare(F(kExp, {-N(1000)}), N(0)), kDifferent);
  EXPECT_EQ(Compare(F(kExp, {-N(100000)}), N(0)), kDifferent);
  EXPECT_EQ(Compare(Power(N(7), 5000), Power(N(7), 5000) + 1), kDifferent);
  const E huge = Power(N(10), Power(N(10), 10));
  EXPECT_EQ(Compare(huge, huge + 1), kDifferent);
  EXPECT_EQ(Compare(huge, 2 * huge), kDifferent);
  EXPECT_EQ(Compare(huge + 1 - huge, N(1)), kSame);
  EXPECT_EQ(Compare(Power(-N(3), huge), N(1)), kUnknown);
  const E odd = Power(N(10), 12) + 1;
  // Too large to be sure of the last digit.
  EXPECT_EQ(Compare(Power(-N(3), odd), -Power(N(3), odd)), kUnknown);
  EXPECT_EQ(Compare(Power(-N(3), odd), Power(N(3), odd)), kDifferent);
}

TEST_F(EvaluateTest, UndefinedIsUnknownOrNoNumber) {
  const E zero = N(0);
  EXPECT_EQ(Compare(1 / zero, N(1)), kDifferent);
  EXPECT_EQ(Compare(zero / zero, N(0)), kDifferent);
  EXPECT_EQ(Compare(Power(zero, zero), N(1)), kDifferent);
  EXPECT_EQ(Compare(1 / zero, 1 / N(0)), kSame);  // written alike
  EXPECT_EQ(Compare(F(kLn, {zero}), N(1)), kUnknown);
  EXPECT_EQ(Compare(F(kFactorial, {-N(2)}), N(1)), kDifferent);
  EXPECT_EQ(Compare(1 / (Sqrt(N(2)) * Sqrt(N(3)) - Sqrt(N(6))), N(1)), kUnknown);
  EXPECT_EQ(Compare(Infinity(), Infinity()), kSame);
  EXPECT_EQ(Compare(-Infinity(), Infinity()), kDifferent);
  EXPECT_EQ(Compare(-Infinity(), N(5)), kDifferent);
  EXPECT_EQ(Compare(Infinity() - Infinity(), N(0)), kUnknown);
  EXPECT_EQ(Compare(Node(Op::kPlusMinus, {N(1)}), N(1)), kUnknown);
}

TEST_F(EvaluateTest, HostileTreesEndQuickly) {
  E tower = N(9);
  for (int i = 0; i < 100; ++i) tower = Power(N(9), tower);
  EXPECT_EQ(Compare(tower, N(1)), kUnknown);
  EXPECT_EQ(Compare(Power(tower, Symbol("x")), Symbol("x")), kUnknown);
  EXPECT_EQ(Compare(tower + 1, tower), kDifferent);

  E bomb = N(9);
  for (int i = 0; i < 50; ++i) bomb = F(kFactorial, {bomb});
  EXPECT_EQ(Compare(bomb, N(1)), kUnknown);
  E root = N(2);
  for (int i = 0; i < 400; ++i) root = Sqrt(root);
  EXPECT_EQ(Compare(root, N(1)), kDifferent);
  E exponential = N(1);
  for (int i = 0; i < 400; ++i) exponential = F(kExp, {exponential});
  EXPECT_EQ(Compare(exponential, N(1)), kUnknown);
  EXPECT_EQ(Compare(F(kSin, {Power(N(10), 100)}), N(0)), kUnknown);
  EXPECT_EQ(Compare(F(kBinomial, {Power(N(10), 9), Power(N(10), 8)}), N(1)), kUnknown);

  E deep = Symbol("x");
  for (int i = 0; i < 9000; ++i) deep = -deep;
  EXPECT_EQ(Compare(deep, Symbol("x")), kUnknown);
  E shared = Symbol("x");
  for (int i = 0; i < 300; ++i) shared = shared * shared;
  EXPECT_EQ(Compare(shared, N(1)), kUnknown);

  for (const Op op : {Op::kAdd, Op::kMul}) {
    std::vector<NodeId> symbols, numbers, factors, functions;
    for (int i = 0; i < 9000; ++i) {
      symbols.push_back(Symbol("x" + std::to_string(i)).id);
      numbers.push_back((N(i + 1) / (i + 2)).id);
      factors.push_back((Symbol("x") + i).id);
      functions.push_back(F(kSin, {Symbol("x" + std::to_string(i))}).id);
    }
    for (std::vector<NodeId>* children : {&symbols, &numbers, &factors, &functions}) {
      children->resize(children == &symbols ? 9000 : 4000);
      const E left{this, tree_.Add(op, {}, *children)};
      std::reverse(children->begin(), children->end());
      const E right{this, tree_.Add(op, {}, *children)};
      EXPECT_NE(Compare(left, right), kDifferent);
      EXPECT_NE(Compare(left, right + 1), kSame);
      EXPECT_NE(Compare(left, right + Sqrt(N(2))), kSame);
    }
  }
  std::vector<NodeId> roots;
  for (int i = 0; i < 4000; ++i) roots.push_back(Sqrt(N(i + 2)).id);
  const E sum{this, tree_.Add(Op::kAdd, {}, roots)};
  std::reverse(roots.begin(), roots.end());
  const E near{this, tree_.Add(Op::kAdd, {}, roots)};
  EXPECT_EQ(Compare(sum, near + Power(N(10), -50)), kDifferent);

  const std::string digits(100'000, '7');
  EXPECT_EQ(Compare(N(digits), N(digits)), kSame);
  EXPECT_NE(Compare(N(digits), N(7)), kSame);
}

TEST_F(EvaluateTest, Proportions) {
  const E x = Symbol("x"), y = Symbol("y");
  EXPECT_EQ(Proportional(x + y - 1, 2 * x + 2 * y - 2), Proportion::kPositive);
  EXPECT_EQ(Proportional(x + y - 1, N(1) - x - y), Proportion::kNegative);
  EXPECT_EQ(Proportional(x + y - 1, x + y), Proportion::kNone);
  EXPECT_EQ(Proportional(x, x * y), Proportion::kNone);
  EXPECT_EQ(Proportional(N(0), x), Proportion::kNone);
  EXPECT_EQ(Proportional(Sqrt(N(2)) * x, -x), Proportion::kNegative);
  EXPECT_EQ(Proportional(Pi() * x, 3 * x), Proportion::kPositive);
  EXPECT_EQ(Proportional(F(kSin, {2 * x}), F(kSin, {x}) * F(kCos, {x})), Proportion::kPositive);
  EXPECT_EQ(Proportional(F(kSin, {x}), F(kCos, {x})), Proportion::kNone);
  EXPECT_EQ(Proportional(Power(F(kSin, {x}), 2) + Power(F(kCos, {x}), 2) - 1, x),
            Proportion::kNone);
  EXPECT_EQ(Proportional(N(3), -N(2)), Proportion::kNegative);
  EXPECT_EQ(Proportional(N(3), N(0)), Proportion::kNone);
  EXPECT_EQ(Proportional(Sqrt(N(3)), Pi()), Proportion::kPositive);
  EXPECT_EQ(Proportional(I() * x, x), Proportion::kNone);
}

TEST_F(EvaluateTest, Orders) {
  EXPECT_EQ(InOrder(N(1) / 3, N("0.33")), 1);
  EXPECT_EQ(InOrder(Sqrt(N(2)), N("1.5")), -1);
  EXPECT_EQ(InOrder(Sqrt(N(2)) * Sqrt(N(3)), Sqrt(N(6))), 0);
  EXPECT_EQ(InOrder(-Infinity(), Pi()), -1);
  EXPECT_EQ(InOrder(Infinity(), -Infinity()), 1);
  EXPECT_EQ(InOrder(Infinity(), Infinity()), 0);
  EXPECT_EQ(InOrder(Symbol("x"), N(1)), std::nullopt);
  EXPECT_EQ(InOrder(I(), N(1)), std::nullopt);
  EXPECT_EQ(InOrder(Pi(), N("3.1415926")), 1);
}

TEST_F(EvaluateTest, SmallIntegers) {
  EXPECT_EQ(Small(-N(5)), -5);
  EXPECT_EQ(Small(N(6) / 2), 3);
  EXPECT_EQ(Small(Sqrt(N(49))), 7);
  EXPECT_EQ(Small(N(1) / 2), std::nullopt);
  EXPECT_EQ(Small(Power(N(2), 60)), std::nullopt);
  EXPECT_EQ(Small(Symbol("x")), std::nullopt);
}

TEST_F(EvaluateTest, Kinds) {
  EXPECT_TRUE(IsConstant(tree_, (Pi() + Sqrt(N(2))).id));
  EXPECT_FALSE(IsConstant(tree_, (Pi() + Symbol("x")).id));
  EXPECT_FALSE(IsConstant(tree_, Apply("f", {N(1)}).id));
  EXPECT_TRUE(IsScalar(tree_, (Pi() + Symbol("x")).id));
  EXPECT_FALSE(IsScalar(tree_, Node(Op::kPlusMinus, {N(1)}).id));
  EXPECT_FALSE(IsScalar(tree_, Node(Op::kTuple, {N(1), N(2)}).id));
  EXPECT_FALSE(IsScalar(tree_, Node(Op::kText, {}, 0, "blue").id));
}

TEST_F(EvaluateTest, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  const E x = Sqrt(N(2)) * Sqrt(N(3)), y = Sqrt(N(6)), z = F(kLn, {N(6)});
  const E w = F(kLn, {N(2)}) + F(kLn, {N(3)});
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, tree = tree_] {  // each its own
      for (int repeat = 0; repeat < 20; ++repeat) {
        EXPECT_EQ(CompareScalars(tree, x.id, y.id, {}), kSame);
        EXPECT_EQ(CompareScalars(tree, z.id, w.id, {}), kAgrees);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace retort::verifiers::evaluate_test
