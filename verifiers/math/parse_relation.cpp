// Relations, the units of their sides, and the conditions that they and values stand under.

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/phrase.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/rewrite.h"
#include "verifiers/math/internal/units.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

// One side of a relation, and its unit where the side is all there is beside it.
NodeId Parser::Side(std::string_view& unit) {
  unit_end_ = 0;
  money_ = {};
  const NodeId side = Expression(Power::kSet);
  unit = {};
  if (!failed_ && in_items_ && calls_ == 0)
    unit = unit_end_ == i_ && unit_end_ != 0 ? unit_ : money_;
  return side;
}

// A lower-case letter is a unit where there is no variable beside it: 3 m, but x + 3 m and P = 4 s.
NodeId Parser::Relation() {
  const size_t begin = i_;
  bool letter = false;
  const NodeId relation = RelationHere(letter);
  if (!letter || !letters_ || (!failed_ && tree_[relation].constant)) return relation;
  i_ = begin;
  failed_ = false;
  letters_ = false;
  const NodeId again = RelationHere(letter);
  letters_ = true;
  return again;
}

NodeId Parser::RelationHere(bool& letter) {
  const Level level(*this);
  Nodes sides;
  std::vector<std::string_view> units;
  std::string relations;
  const auto measured = [&](NodeId node, std::string_view unit) {
    return unit.empty() || failed_ ? node : tree_.Add(Op::kQuantity, unit, std::array{node});
  };
  const auto side = [&] {
    std::string_view unit;
    sides.push_back(Side(unit));
    units.push_back(unit);
    const auto read = unit.empty() ? std::nullopt : ReadUnit(unit, false);
    letter = letter || (read && read->unit.letter && IsLower(unit[0]));
  };
  if (Is(Lexeme::kRelation)) {  // "= 5", "≈ 5", "> 3"
    const auto relation = Now().As<enum Relation>();
    ++i_;
    side();
    if (failed_) return kNoNode;
    if (relation == kEqualTo || relation == kApproximately) return measured(sides[0], units[0]);
    const std::array ends{tree_.Add(Op::kSymbol, "?"), sides[0]};
    return measured(tree_.Add(Op::kRelation, std::string(1, relation), ends), units[0]);
  }
  side();
  while (!failed_ && Is(Lexeme::kRelation)) {
    relations.push_back(Now().As<enum Relation>());
    ++i_;
    side();
  }
  if (failed_) return kNoNode;
  if (StatesModulus()) sides.back() = Residue(sides.back());
  if (failed_) return kNoNode;
  if (sides.size() == 1) return measured(sides[0], units[0]);
  InOneUnit(sides, units);
  if (relations.find_first_not_of('=') == std::string::npos) {  // a value of its own
    sides.back() = measured(sides.back(), units.back());
    return tree_.Add(Op::kRelation, relations, sides);
  }
  return measured(tree_.Add(Op::kRelation, relations, sides), units.back());
}

// 5 m = 500 cm: all sides in the unit of the last.
void Parser::InOneUnit(Nodes& sides, const std::vector<std::string_view>& units) {
  const auto last = units.back().empty() ? std::nullopt : ReadUnit(units.back(), false);
  for (size_t i = 0; last && i + 1 < sides.size(); ++i) {
    const auto unit = units[i].empty() ? std::nullopt : ReadUnit(units[i], false);
    if (unit && unit->unit.SameKind(last->unit)) {
      sides[i] = Converted(tree_, sides[i], unit->unit, last->unit);
    }
  }
}

// \pmod{11}, (mod 11)
bool Parser::StatesModulus() const {
  return Is(Lexeme::kModulo, Modulo::kBehind) ||
         (Is(Lexeme::kOpen, Bracket::kRound) && Next().Is(Lexeme::kModulo, Modulo::kBetween));
}

// What is congruent to `value`: its least residue and the modulus that follows here.
NodeId Parser::Residue(NodeId value) {
  const bool bracket = Is(Lexeme::kOpen, Bracket::kRound);
  i_ += bracket ? 2 : 1;
  const NodeId modulus = bracket ? Expression(Power::kFraction) : Argument();
  if (failed_ || (bracket && !Closes(Now(), Bracket::kRound))) return Fail();
  if (bracket) ++i_;
  const std::array parts{tree_.Add(Function::kMod, {value, modulus}), modulus};
  return tree_.Add(Op::kOpaque, "modulo", parts);
}

// Words that begin a condition of what stands before them.
bool Parser::StartsCondition(const Token& token) {
  if (token.lexeme != Lexeme::kText && token.lexeme != Lexeme::kWord) return false;
  constexpr std::array<std::string_view, 7> kWords{"for",  "if",     "when",    "where",
                                                   "with", "unless", "provided"};
  return std::ranges::find(kWords, FirstWord(token.text)) != kWords.end();
}

// "for all x", "where C is a constant", "for n ≥ 1": what stands before it holds for all that is
// meant. "if n is even" and "for n = 1" restrict it.
bool Parser::ExplainsVariables() const {
  if (!StartsCondition(Now())) return false;
  const std::string first = FirstWord(Now().text);
  bool general = first == "where" || first == "with";
  const bool only_for = Now().text.size() == first.size();
  const std::string second =
      only_for ? FirstWord(Next().text)
               : FirstWord(Now().text.substr(std::min(
                     Now().text.find_first_not_of(" ~", first.size()), Now().text.size())));
  constexpr std::array<std::string_view, 8> kQuantifiers{"all",  "any",     "every", "each",
                                                         "some", "integer", "real",  "arbitrary"};
  general =
      general || (first == "for" && std::ranges::find(kQuantifiers, second) != kQuantifiers.end());
  for (size_t t = i_ + 1; t < tokens_.size(); ++t) {
    if (StartsCondition(tokens_[t])) return false;  // several cases
    const bool bounds =
        tokens_[t].lexeme == Lexeme::kRelation && tokens_[t].As<enum Relation>() != kEqualTo;
    general = general || (first == "for" && bounds);
  }
  return general;
}

// "where C is a constant" says nothing, "for all integers k" says k ∈ ℤ, "where x is even" more
// than can be said here.
NodeId Parser::UnderWords(NodeId value) {
  std::string words = " ";
  std::string_view name;
  for (; !Is(Lexeme::kEnd); ++i_) {
    if (Is(Lexeme::kWord) || Is(Lexeme::kText)) words += Lowered(Now().text) + " ";
    const bool named = Is(Lexeme::kSymbol) && Now().text != "a";
    if (named && !Mentions(tree_, value, Now().text)) return Fail();  // "for all d", without one
    if (named) name = Now().text;
  }
  const auto says = [&](std::string_view word) { return words.find(word) != std::string::npos; };
  constexpr std::array kPlain = std::to_array<std::string_view>(
      {"for",      "where",     "with",     "is",        "are",        "be",     "an",
       "a",        "all",       "any",      "some",      "each",       "every",  "arbitrary",
       "constant", "constants", "integer",  "integers",  "real",       "number", "numbers",
       "natural",  "positive",  "rational", "parameter", "parameters", "value",  "values",
       "the",      "in",        "of",       "and",       "free",       "reals",  "const"});
  for (const std::string& word : Split(Words(words), ' ')) {
    if (!word.empty() && std::ranges::find(kPlain, word) == kPlain.end()) return Fail();
  }
  if (name.empty()) return value;
  const std::string_view set = says(" positive integer") || says(" natural") ? "N"
                               : says(" integer")                            ? "Z"
                               : says(" rational")                           ? "Q"
                               : says(" real")                               ? "R"
                                                                             : "";
  if (set.empty()) return value;
  const std::array member{tree_.Add(Op::kSymbol, name), tree_.Add(Op::kSymbol, set)};
  return Under(value, tree_.Add(Op::kRelation, "e", member));
}

// Words alone say nothing that a value depends on ("where C is a constant"); what is said of
// numbers stays with it, or nothing is read.
NodeId Parser::UnderCondition(NodeId value) {
  const auto says = [](const Token& token) {
    return token.lexeme == Lexeme::kNumber || token.lexeme == Lexeme::kRelation ||
           token.lexeme == Lexeme::kBegin || token.lexeme == Lexeme::kSetOp ||
           (token.lexeme == Lexeme::kOpen && token.meaning != Meaning(Bracket::kGroup));
  };
  if (std::none_of(tokens_.begin() + static_cast<ptrdiff_t>(i_), tokens_.end(), says)) {
    return UnderWords(value);
  }
  while (Is(Lexeme::kWord) || Is(Lexeme::kText)) ++i_;
  const NodeId condition = List(Lexeme::kEnd);
  if (failed_ || !Is(Lexeme::kEnd)) return Fail();
  const Nodes said = Parts(condition, Op::kList);  // n ≥ 1, k ∈ ℤ; n = 1, 2, 3
  const auto more = [&](NodeId item) {
    return tree_[item].op == Op::kRelation || (tree_[item].scalar && tree_[item].constant);
  };
  if (tree_[said[0]].op != Op::kRelation || !std::ranges::all_of(said, more)) return Fail();
  return Under(value, condition);
}

NodeId Parser::Under(NodeId value, NodeId condition) {
  const std::array parts{value, condition};
  return tree_.Add(Op::kOpaque, "where", parts);
}

}  // namespace retort::verifiers
