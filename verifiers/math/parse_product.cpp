// Products: factors with "×", "/", "mod" or nothing between them.

#include <algorithm>

#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/units.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

/// A product as far as it has been read.
struct Parser::Factors {
  NodeId left = kNoNode;
  Nodes more = {};  // that `left` is not multiplied by yet
  bool whole =
      false;  // only a number so far: in "2 1/2" and 2\frac12 what stands together is added

  NodeId Fold(Tree& tree) {
    if (more.empty()) return left;
    more.insert(more.begin(), left);
    left = tree.Add(Op::kMul, {}, more);
    more.clear();
    return left;
  }
};

NodeId Parser::Product(NodeId left) {
  Factors product{.left = left, .whole = tree_[left].op == Op::kNumber && after_number_};
  while (!failed_) {
    if (Take(Lexeme::kTimes)) {
      Times(product);
    } else if (Take(Lexeme::kOver)) {
      Over(product);
    } else if (Is(Lexeme::kModulo, Modulo::kBetween)) {
      Modulus(product);
    } else if (!UnionLetter(product.left) && StartsFactor()) {
      Juxtaposed(product);
    } else {
      break;
    }
  }
  return failed_ ? kNoNode : product.Fold(tree_);
}

NodeId Parser::SignedFactor() {
  bool any = false;
  const Sign sign = Signs(any);
  return Signed(sign, Factor());
}

void Parser::Multiply(NodeId& left, NodeId right) {
  if (failed_) return;
  Nodes factors = Parts(left, Op::kMul);
  factors.push_back(right);
  left = tree_.Add(Op::kMul, {}, factors);
}

void Parser::Times(Factors& product) {
  product.more.push_back(SignedFactor());
  product.whole = false;
}

void Parser::Over(Factors& product) {
  product.Fold(tree_);
  // "km/h", "5/hour"
  if (Is(Lexeme::kText) || (Is(Lexeme::kWord) && IsUnit(Now().text, true))) {
    ++i_;
    return;
  }
  const NodeId right = SignedFactor();
  if (failed_) return;
  product.left = Quotient(product.left, right);
  product.whole = false;
}

void Parser::Modulus(Factors& product) {
  product.Fold(tree_);
  ++i_;
  const NodeId right = SignedFactor();
  if (failed_) return;
  product.left = tree_.Add(Function::kMod, {product.left, right});
  product.whole = false;
}

// Nothing between: a unit, what is left out, a mixed number, or one more factor.
void Parser::Juxtaposed(Factors& product) {
  if (tree_[product.left].op == Op::kText) {
    Fail();
  } else if ((product.more.empty() && Combinations(product.left)) ||
             Measured(tree_[product.left].constant) ||
             (product.more.empty() && SeveralUnits(product.left)) ||
             (product.more.empty() && Unit(product.left))) {
    product.whole = false;
  } else if (failed_ || WordsBehind(product)) {
    return;
  } else if (Is(Lexeme::kNumber)) {
    NumberBehind(product);
  } else {
    FactorBehind(product);
  }
}

// Words that are no factor: units are left out, others are not understood.
bool Parser::WordsBehind(const Factors& product) {
  if (!Is(Lexeme::kWord) && !Is(Lexeme::kText)) return false;
  const bool named = Is(Lexeme::kWord) && std::ranges::all_of(Now().text, IsUpper) &&
                     tree_[product.left].op == Op::kSymbol;
  if (!named && tree_[product.left].constant && SkipUnit()) {
    if (StartsFactor() && !Is(Lexeme::kOpen)) Fail();  // it went on: nothing is left out
    return true;
  }
  const bool property = Is(Lexeme::kWord) && !named && FirstWord(Now().text).size() > 3;
  if (!Is(Lexeme::kText) && !property) return false;  // n odd
  Fail();
  return true;
}

// "2 1/2"; any other number behind a value is no product.
void Parser::NumberBehind(Factors& product) {
  const bool first = product.more.empty();
  const bool mixed = product.whole && first && Now().space && Next().lexeme == Lexeme::kOver &&
                     Next(2).lexeme == Lexeme::kNumber;
  if (!mixed) {
    const bool number = first && tree_[product.left].op == Op::kNumber;
    const bool behind_bang = i_ > 0 && tokens_[i_ - 1].lexeme == Lexeme::kBang;  // 3! 7!
    const bool behind_bracket = first && i_ > 0 && Closes(tokens_[i_ - 1], Bracket::kRound) &&
                                (tree_[product.left].op == Op::kAdd ||  // (n - 2) 2^n, (-1) 9
                                 tree_[product.left].op == Op::kNegate);
    const bool power = Next().lexeme == Lexeme::kCaret && !number;  // 2^k 3^n, x 3^x
    if (number || (Now().space && !behind_bang && !behind_bracket && !power)) {
      Fail();
    } else {
      product.more.push_back(Factor());
    }
    return;
  }
  const NodeId above = Factor();
  ++i_;
  const NodeId below = Factor();
  if (failed_) return;
  const bool percent = tree_[below].op == Op::kPercent;  // 33 1/3 %
  const NodeId part = tree_.Add(Op::kDivide, {above, percent ? tree_.Child(below, 0) : below});
  product.left = tree_.Add(Op::kAdd, {product.left, part});
  if (percent) product.left = tree_.Add(Op::kPercent, {product.left});
  product.whole = false;
}

void Parser::FactorBehind(Factors& product) {
  const bool fraction = Is(Lexeme::kFraction);
  const NodeId right = Factor();
  if (failed_) return;
  if (tree_[right].op == Op::kText) {  // words are no factor
    Fail();
    return;
  }
  if (tree_[right].op == Op::kRelation) {  // kπ (k ∈ ℤ): a condition of the whole item
    if (open_ > 0 || tree_[right].text.find('=') != std::string_view::npos) Fail();
    condition_ = right;
    return;
  }
  const bool percent = tree_[right].op == Op::kPercent;
  const NodeId part = percent ? tree_.Child(right, 0) : right;
  const bool mixed = fraction && product.whole && product.more.empty() &&
                     tree_[part].op == Op::kDivide &&
                     tree_[tree_.Child(part, 0)].op == Op::kNumber &&
                     tree_[tree_.Child(part, 1)].op == Op::kNumber;
  product.whole = false;
  if (!mixed) {
    product.more.push_back(right);
    return;
  }
  product.left = tree_.Add(Op::kAdd, {product.left, part});
  if (percent) product.left = tree_.Add(Op::kPercent, {product.left});
}

}  // namespace retort::verifiers
