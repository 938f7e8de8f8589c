// Brackets, bars, roots, functions, sums and environments.

#include <array>

#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/rewrite.h"
#include "verifiers/math/internal/words.h"

namespace retort::verifiers {

NodeId Parser::Bracketed() {
  const Bracket open = Now().As<Bracket>();
  const bool outward = Is(Lexeme::kClose);  // ]0, 1[
  ++i_;
  ++open_;
  const int outer = bars_;
  const bool set = std::exchange(in_set_, open == Bracket::kSet);
  const bool list = open == Bracket::kRound || open == Bracket::kSquare || open == Bracket::kSet;
  const bool items = std::exchange(in_items_, in_items_ && list);
  bars_ = 0;
  NodeId inside = BracketContent(open, outward);
  in_items_ = items;
  if (!failed_ && tree_[inside].op == Op::kQuantity) {  // (5 cm): the unit of the bracket
    unit_ = tree_[inside].text;
    unit_end_ = i_;
    inside = EndsItem(Now()) ? tree_.Child(inside, 0) : Fail();
  }
  bars_ = outer;
  in_set_ = set;
  --open_;
  return inside;
}

NodeId Parser::BracketContent(Bracket open, bool outward) {
  if (Is(Lexeme::kClose)) {
    const bool set = open == Bracket::kSet && Closes(Now(), Bracket::kSet);
    ++i_;
    return set ? tree_.Add(Op::kEmptySet) : Fail();
  }
  const NodeId inside = List(Lexeme::kClose);
  if (failed_) return kNoNode;
  if (open == Bracket::kSet && (Is(Lexeme::kBar) || Is(Lexeme::kColon))) {  // { x : condition }
    ++i_;
    const NodeId condition = List(Lexeme::kClose);
    if (failed_ || !Closes(Now(), Bracket::kSet)) return Fail();
    ++i_;
    // A set, though it is written as a relation: a union of one.
    const Op op = tree_[inside].op;
    if (op == Op::kSymbol) {
      if (!Mentions(tree_, condition, tree_[inside].text)) return Fail();  // { b : x > 0 }
      return tree_.Add(Op::kUnion, {condition});
    }
    const std::array both{inside, condition};
    if (op != Op::kRelation) return tree_.Add(Op::kOpaque, "such that", both);
    return tree_.Add(Op::kUnion, {tree_.Add(Op::kList, {}, both, 2)});  // { x ∈ S : condition }
  }
  const bool ends_outward =
      (outward || open == Bracket::kSquare) && Is(Lexeme::kOpen, Bracket::kSquare);  // [0, 1[
  if (!ends_outward && !Is(Lexeme::kClose)) return Fail();
  const Bracket close = Now().As<Bracket>();
  ++i_;
  const bool pair = close == open && !ends_outward;
  switch (open) {
    case Bracket::kFloor:
      return pair ? tree_.Add(Function::kFloor, {inside}) : Fail();
    case Bracket::kCeil:
      return pair ? tree_.Add(Function::kCeil, {inside}) : Fail();
    case Bracket::kGroup:
      return pair ? inside : Fail();
    case Bracket::kSet:
      return pair ? tree_.Add(Op::kSet, {}, Parts(inside, Op::kList)) : Fail();
    case Bracket::kAngle:
      return pair ? tree_.Add(Op::kTuple, {}, Parts(inside, Op::kList)) : Fail();
    case Bracket::kRound:
    case Bracket::kSquare:
      break;
  }
  if (close == Bracket::kGroup || close == Bracket::kSet) return Fail();
  // Whether the ends belong to it.
  const bool left = open == Bracket::kSquare && !outward;
  const bool right = close == Bracket::kSquare && !ends_outward;
  if (tree_[inside].op != Op::kList) {
    if (left != right) return Fail();
    // [x = 5] is as good as (x = 5).
    return inside;
  }
  const Nodes items = tree_.CopyOfChildren(inside);
  if (items.size() == 2 && (left || right)) {
    return tree_.Add(Op::kInterval, {}, items, (left ? 1 : 0) + (right ? 2 : 0));
  }
  return tree_.Add(Op::kTuple, {}, items);
}

NodeId Parser::Absolute() {
  ++i_;
  ++bars_;
  const NodeId inside = Expression(Power::kFraction);
  --bars_;
  if (failed_ || !Take(Lexeme::kBar)) return Fail();
  if (tree_[inside].op == Op::kMatrix) return tree_.Add(Function::kDeterminant, {inside});
  return tree_.Add(Function::kAbs, {inside});
}

NodeId Parser::Root(int degree) {
  ++i_;
  NodeId n = kNoNode;
  if (Is(Lexeme::kOpen, Bracket::kSquare)) {
    const size_t back = i_;
    n = Bracketed();
    if (failed_) return kNoNode;
    // "sqrt[5]" has no radicand behind it.
    if (!StartsFactor()) {
      i_ = back;
      n = kNoNode;
    }
  }
  const NodeId radicand = Argument();
  if (failed_) return kNoNode;
  return tree_.Add(Op::kRoot, {radicand, n == kNoNode ? tree_.Number(degree) : n});
}

// \sin^2 x, \log_2 8, \max(a, b), \sin 2x \cos x
NodeId Parser::FunctionCall() {
  const bool cis = Is(Lexeme::kFunction, Cis());
  Function function = cis ? Function::kCos : Now().As<Function>();
  ++i_;
  NodeId power = kNoNode, base = kNoNode;
  for (int n = 0; n < 2; ++n) {
    if (Is(Lexeme::kCaret)) {
      ++i_;
      power = Exponent();
    } else if (Is(Lexeme::kUnderscore)) {
      ++i_;
      base = Argument();
    }
  }
  if (failed_) return kNoNode;
  const bool words = Is(Lexeme::kWord) || Is(Lexeme::kText);
  if ((function == Function::kMax || function == Function::kMin) && words) return Fail();  // min at
  Nodes arguments;
  ++calls_;
  if (function <= Function::kCsc) ++angles_;
  const auto opens = [&](Bracket bracket) { return Is(Lexeme::kOpen, bracket); };
  if (opens(Bracket::kRound) || opens(Bracket::kGroup) || opens(Bracket::kSquare) ||
      opens(Bracket::kSet)) {
    const NodeId inside = Bracketed();
    if (failed_) return kNoNode;
    const Op op = tree_[inside].op;
    const bool several =
        op == Op::kTuple || op == Op::kList || op == Op::kInterval || op == Op::kSet;
    arguments = several ? tree_.CopyOfChildren(inside) : Nodes{inside};
  } else {
    // All factors up to the next function or sign.
    Nodes factors;
    while (!failed_ && StartsFactor() && !(!factors.empty() && Is(Lexeme::kFunction)) &&
           !(!factors.empty() && (Is(Lexeme::kWord) || Is(Lexeme::kText)))) {
      const NodeId factor = Factor();
      if (failed_) return kNoNode;
      if (factors.empty()) {
        factors = Parts(factor, Op::kMul);
      } else {
        factors.push_back(factor);
      }
    }
    if (failed_ || factors.empty()) return Fail();
    arguments.push_back(factors.size() == 1 ? factors[0] : tree_.Add(Op::kMul, {}, factors));
  }
  if (function <= Function::kCsc) --angles_;
  --calls_;
  if (power != kNoNode && IsMinusOne(power) && function <= Function::kCsc) {
    constexpr std::array kInverses{Function::kAsin, Function::kAcos, Function::kAtan,
                                   Function::kAcot, Function::kAsec, Function::kAcsc};
    function = kInverses[static_cast<size_t>(function)];
    power = kNoNode;
  }
  if (function == Function::kLog && (base != kNoNode || arguments.size() == 2)) {
    if (base != kNoNode) arguments.push_back(base);
    function = Function::kLogBase;
  }
  const bool several = function == Function::kMax || function == Function::kMin ||
                       function == Function::kGcd || function == Function::kLcm;
  const bool two = function == Function::kLogBase || function == Function::kBinomial ||
                   function == Function::kMod;
  if (!several && arguments.size() != (two ? 2u : 1u)) return Fail();
  NodeId call = tree_.Add(Op::kFunction, {}, arguments, static_cast<int>(function));
  if (cis) {
    const NodeId imaginary =
        tree_.Add(Op::kMul, {tree_.Add(Op::kI, {}), tree_.Add(Function::kSin, {arguments[0]})});
    call = tree_.Add(Op::kAdd, {call, imaginary});
  }
  return power == kNoNode ? call : tree_.Add(Op::kPower, {call, power});
}

// Sums, products, integrals and limits: the parts, to be compared only.
NodeId Parser::Big() {
  const std::string name(Now().text);
  ++i_;
  Nodes parts;
  for (int n = 0; n < 2; ++n) {
    if (Is(Lexeme::kUnderscore) || Is(Lexeme::kCaret)) {
      ++i_;
      if (name == "limit" && Is(Lexeme::kOpen, Bracket::kGroup)) {
        parts.push_back(tree_.Add(Op::kText, SubscriptText()));
      } else {
        parts.push_back(Is(Lexeme::kOpen, Bracket::kGroup) ? Bracketed() : Argument());
      }
    }
  }
  if (failed_) return kNoNode;
  const int64_t before = tree_.size();
  parts.push_back(Expression(Power::kProduct));
  if (failed_) return kNoNode;
  if (tree_.size() - before < 300) NameIndex(parts);
  return tree_.Add(Op::kOpaque, name, parts);
}

// Calls the index of a sum "#1", "#2", … by how many sums are inside: i and k are the same there.
void Parser::NameIndex(Nodes& parts) {
  if (parts.size() != 3 || tree_[parts[0]].op != Op::kRelation || tree_[parts[0]].text != "=") {
    return;
  }
  const NodeId index = tree_.Child(parts[0], 0);
  const Op op = tree_[index].op;
  if (op != Op::kSymbol && op != Op::kI) return;
  const std::string_view name = tree_[index].text;
  char inside = '0';
  Rewrite(tree_, parts[2], [&](NodeId node) {
    if (tree_[node].text.starts_with('#')) inside = std::max(inside, tree_[node].text[1]);
    return kNoNode;
  });
  if (inside > '8') return;
  const NodeId renamed = tree_.Add(Op::kSymbol, std::string{'#', static_cast<char>(inside + 1)});
  parts[2] = Rewrite(tree_, parts[2], [&](NodeId node) {
    return tree_[node].op == op && tree_[node].text == name ? renamed : kNoNode;
  });
  parts[0] = tree_.Add(Op::kRelation, "=", std::array{renamed, tree_.Child(parts[0], 1)});
}

// Values with their conditions, in pairs; or equations one below the other.
NodeId Parser::Cases(Nodes entries, size_t columns) {
  if (columns == 1) {
    // "x, \quad x \ge 0"
    const bool pairs = std::ranges::all_of(entries, [&](NodeId entry) {
      return tree_[entry].op == Op::kList && tree_[entry].count == 2 &&
             tree_[tree_.Child(entry, 0)].op != Op::kRelation;
    });
    if (!pairs) return Grouped(std::move(entries), 0);
    for (NodeId& entry : entries) entry = tree_.Add(Op::kTuple, {}, tree_.CopyOfChildren(entry));
    return tree_.Add(Op::kOpaque, "cases", entries);
  }
  if (columns != 2) return Fail();
  Nodes pairs;
  for (size_t i = 0; i + 1 < entries.size(); i += 2) {
    pairs.push_back(tree_.Add(Op::kTuple, {entries[i], entries[i + 1]}));
  }
  return tree_.Add(Op::kOpaque, "cases", pairs);
}

NodeId Parser::Environment() {
  const std::string_view name = Now().text;
  ++i_;
  const int outer = std::exchange(bars_, 0);
  Nodes entries;
  size_t columns = 0, row = 0;
  bool even = true;
  while (!failed_) {
    if (Take(Lexeme::kNewRow)) {
      if (row == 0) continue;  // an empty line
      if (columns == 0) columns = row;
      even = even && row == columns;
      row = 0;
      continue;
    }
    if (Is(Lexeme::kFinish) || Is(Lexeme::kEnd)) break;
    if (Take(Lexeme::kAlign)) {
      if (row == 0) return Fail();
      continue;
    }
    if (name == "cases" && (Is(Lexeme::kWord) || Is(Lexeme::kText)) && row % 2 == 1) {
      constexpr std::array<std::string_view, 4> kIf{"if", "for", "when", "where"};
      if (std::ranges::find(kIf, Words(Now().text)) != kIf.end()) {
        ++i_;
        Take(Lexeme::kAlign);
      }
    }
    entries.push_back(name == "cases" ? List(Lexeme::kAlign) : Relation());
    ++row;
    // "x \text{ if } x > 0" without "&"
    if (!failed_ && name == "cases" && row == 1 && Is(Lexeme::kText)) continue;
    if (!failed_ && !Is(Lexeme::kAlign) && !Is(Lexeme::kNewRow) && !Is(Lexeme::kFinish)) {
      return Fail();
    }
  }
  bars_ = outer;
  if (failed_ || entries.empty() || !Take(Lexeme::kFinish)) return Fail();
  if (row > 0) {
    if (columns == 0) columns = row;
    even = even && row == columns;
  }
  if (!even || columns > 255) return Fail();
  if (name == "cases") return Cases(std::move(entries), columns);
  const NodeId matrix = tree_.Add(Op::kMatrix, {}, entries, static_cast<int>(columns));
  return name == "vmatrix" ? tree_.Add(Function::kDeterminant, {matrix}) : matrix;
}

}  // namespace retort::verifiers
