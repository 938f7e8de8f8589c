#include "verifiers/math/internal/parse.h"

#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/phrase.h"
#include "verifiers/math/internal/quantity.h"
#include "verifiers/math/internal/rewrite.h"
#include "verifiers/math/internal/units.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"
#include "verifiers/text/extract.h"
#include "verifiers/text/formulas.h"

namespace retort::verifiers {

namespace {

bool IsSet(Op op) {
  return op == Op::kTuple || op == Op::kInterval || op == Op::kSet || op == Op::kUnion ||
         op == Op::kEmptySet;
}

}  // namespace

NodeId Parser::Run() {
  Trim();
  NodeId whole = List(Lexeme::kEnd);
  while (!failed_ && Is(Lexeme::kArrow)) {  // what follows from it is the answer
    ++i_;
    whole = List(Lexeme::kEnd);
  }
  if (!failed_ && ExplainsVariables()) whole = UnderCondition(whole);
  if (!Is(Lexeme::kEnd)) Fail();
  return failed_ ? kNoNode : whole;
}

// Punctuation and words around the answer.
void Parser::Trim() {
  constexpr std::array<std::string_view, 5> kNearly{"about", "approximately", "approx", "around",
                                                    "roughly"};
  if (Is(Lexeme::kWord) && std::ranges::find(kNearly, Lowered(Now().text)) != kNearly.end()) ++i_;
  constexpr std::array<std::string_view, 8> kNouns{"the",   "point",  "ordered",  "pair",
                                                   "pairs", "points", "interval", "vector"};
  size_t noun = i_;
  while (tokens_[noun].lexeme == Lexeme::kWord &&
         std::ranges::find(kNouns, tokens_[noun].text) != kNouns.end()) {
    ++noun;
  }
  if (tokens_[noun].lexeme == Lexeme::kOpen) i_ = noun;
  while (Is(Lexeme::kComma) || Is(Lexeme::kColon) || Is(Lexeme::kSemicolon) || Is(Lexeme::kArrow) ||
         Is(Lexeme::kNewRow)) {
    ++i_;
  }
  const auto trailing = [](const Token& token) {
    return token.lexeme == Lexeme::kComma || token.lexeme == Lexeme::kSemicolon ||
           token.lexeme == Lexeme::kColon || token.lexeme == Lexeme::kNewRow;
  };
  const auto decimal = [](const Token& token) {
    return token.lexeme == Lexeme::kNumber && token.text.find('.') != std::string_view::npos;
  };
  size_t end = tokens_.size() - 1;
  while (end > i_ && trailing(tokens_[end - 1])) --end;
  if (end > i_ + 1 && tokens_[end - 1].lexeme == Lexeme::kDots && decimal(tokens_[end - 2])) {
    --end;  // 3.14…
  }
  tokens_[end].lexeme = Lexeme::kEnd;
  tokens_.resize(end + 1);
}

// Separated by ',' and "and"/"or", and more loosely by ';'.
NodeId Parser::List(Lexeme until) {
  const Level level(*this);
  Nodes groups, items;
  std::vector<size_t> choices;  // items that "or" stands before
  bool semicolons = false, only_and = true, only_or = true;
  int detail = 1;  // a decimal comma, perhaps: two numbers with nothing but a comma between
  while (!failed_) {
    if (open_ == 0) condition_ = kNoNode;
    NodeId item = Relation();
    if (failed_) return kNoNode;
    if (open_ == 0 && condition_ != kNoNode) {
      item = Under(item, std::exchange(condition_, kNoNode));
    }
    items.push_back(item);
    bool comma = false;
    while (true) {
      if (Is(Lexeme::kComma)) {
        if (comma) return Fail();  // 1,, 2
        only_and = only_and && Next().lexeme == Lexeme::kConjunction;
        only_or = only_or && Next().lexeme == Lexeme::kConjunction;
        if (Next().space || Now().space) detail = 0;
        comma = true;
        ++i_;
      } else if (Is(Lexeme::kConjunction) || Is(Lexeme::kSetOp, Op::kUnion) ||
                 Is(Lexeme::kSetOp, Op::kIntersection)) {
        const bool both =
            Is(Lexeme::kConjunction, Conjunction::kAnd) || Is(Lexeme::kSetOp, Op::kIntersection);
        if (!both) choices.push_back(items.size());
        only_and = only_and && both;
        only_or = only_or && !both;
        detail = 0;
        comma = true;
        ++i_;
      } else if (Is(Lexeme::kSemicolon) || (Is(Lexeme::kNewRow) && until == Lexeme::kEnd)) {
        semicolons = comma = true;
        detail = 0;
        ++i_;
        groups.push_back(Grouped(std::move(items), 0));
        items.clear();
      } else if (comma && Is(Lexeme::kDots)) {
        ++i_;
        items.push_back(tree_.Add(Op::kText, "..."));
        comma = false;
      } else {
        break;
      }
    }
    const bool ends = Is(Lexeme::kEnd) || Is(Lexeme::kClose) || Is(Lexeme::kAlign) ||
                      Is(Lexeme::kFinish) || (Is(Lexeme::kNewRow) && until == Lexeme::kAlign);
    if (!comma || ends || StartsCondition(Now())) break;
  }
  if (failed_) return kNoNode;
  if (!semicolons && choices.size() < items.size() - 1) JoinChoices(items, choices, groups);
  if (!groups.empty() && !semicolons) return Grouped(std::move(groups), 3);
  if (!semicolons) return Grouped(std::move(items), only_and ? 2 : only_or ? 3 : detail);
  if (!items.empty()) groups.push_back(Grouped(std::move(items), 0));
  return Grouped(std::move(groups), 0);
}

// "x = 1, y = 2 or x = 3, y = 4": equations in equal numbers on both sides of each "or" belong
// together.
void Parser::JoinChoices(const Nodes& items, const std::vector<size_t>& choices, Nodes& groups) {
  const size_t each = choices.empty() ? 0 : choices[0];
  if (each < 2 || items.size() != each * (choices.size() + 1)) return;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] != each * (i + 1)) return;
  }
  for (const NodeId item : items) {
    if (tree_[item].op != Op::kRelation || tree_[item].text != "=") return;
  }
  for (auto from = items.begin(); from != items.end(); from += static_cast<ptrdiff_t>(each)) {
    groups.push_back(Grouped({from, from + static_cast<ptrdiff_t>(each)}, 0));
  }
}

NodeId Parser::Grouped(Nodes items, int detail) {
  if (items.size() == 1) return items[0];
  const auto digits = [&](NodeId item) {
    return tree_[item].op == Op::kNumber && tree_[item].text.find('.') == std::string_view::npos;
  };
  if (detail == 1) {
    const bool number = items.size() == 2 && digits(items[1]) &&
                        (digits(items[0]) ||
                         (tree_[items[0]].op == Op::kNegate && digits(tree_.Child(items[0], 0))));
    if (!number) detail = 0;
  }
  return tree_.Add(Op::kList, {}, items, detail);
}

void Parser::NoteUnread() {
  constexpr size_t kShown = 40;
  if (!tree_.notes->unread.empty()) return;  // the first attempt read most
  const size_t at = std::min<size_t>(Now().begin, answer_.size());
  tree_.notes->unread =
      ToValidUtf8(StrCat("no formula from '", answer_.substr(at, kShown), "' on (byte ", at + 1,
                         " of '", answer_.substr(0, kShown), "')"));
}

// What binds operands, and what makes of them. Where a factor stands behind another, nothing stands
// between them.
struct Parser::Operator {
  Lexeme lexeme;
  Power power;
  NodeId (Parser::*join)(NodeId left);
};
const Parser::Operator Parser::kOperators[] = {
    {Lexeme::kSetOp, Power::kSet, &Parser::Sets},
    {Lexeme::kColon, Power::kRatio, &Parser::Ratio},
    {Lexeme::kHalfDay, Power::kRatio, &Parser::Ratio},
    {Lexeme::kOverBar, Power::kFraction, &Parser::Fraction},
    {Lexeme::kChoose, Power::kFraction, &Parser::Fraction},
    {Lexeme::kSign, Power::kSum, &Parser::Sum},
    {Lexeme::kTimes, Power::kProduct, &Parser::Product},
    {Lexeme::kOver, Power::kProduct, &Parser::Product},
    {Lexeme::kModulo, Power::kProduct, &Parser::Product},
    {Lexeme::kEnd, Power::kProduct, &Parser::Product},  // nothing
};

const Parser::Operator* Parser::OperatorHere(NodeId left) const {
  Lexeme lexeme = Now().lexeme;
  if (UnionLetter(left)) {
    lexeme = Lexeme::kSetOp;
  } else if (StartsFactor()) {
    lexeme = Lexeme::kEnd;
  } else if (lexeme == Lexeme::kEnd || Is(Lexeme::kModulo, Modulo::kBehind) ||
             (lexeme == Lexeme::kColon && in_set_)) {
    return nullptr;
  }
  if (lexeme == Lexeme::kSetOp && IsScalarValue(left)) return nullptr;  // x < 1 ∪ x > 2
  const auto found = std::ranges::find(kOperators, lexeme, &Operator::lexeme);
  return found == std::end(kOperators) ? nullptr : &*found;
}

// Operands and what binds them no weaker than that.
NodeId Parser::Expression(Power weakest) {
  const Level level(*this);
  NodeId left = weakest == Power::kProduct ? Factor() : Term();
  // What binds more than the last stands in its right operand, or nowhere (3 p.m. x), and each
  // takes all of its kind, but that ∪ and ∩ follow each other.
  std::optional<Power> last;
  while (!failed_) {
    const Operator* here = OperatorHere(left);
    if (!here || here->power < weakest) break;
    if (last && here->power >= *last && here->power != Power::kSet) break;
    left = (this->*here->join)(left);
    last = here->power;
  }
  return failed_ ? kNoNode : left;
}

NodeId Parser::Sets(NodeId left) {
  const Op op = Is(Lexeme::kSetOp) ? Now().As<Op>() : Op::kUnion;
  Nodes parts = op == Op::kSetMinus ? Nodes{left} : Parts(left, op);
  do {
    ++i_;
    parts.push_back(Expression(Power::kRatio));
    if (failed_) return kNoNode;
  } while (op != Op::kSetMinus && Is(Lexeme::kSetOp, op));
  return tree_.Add(op, {}, parts);
}

// A number or made of some.
bool Parser::IsScalarValue(NodeId node) const {
  const Op op = tree_[node].op;
  return op == Op::kNumber || (op >= Op::kPi && op <= Op::kInfinity && op != Op::kI) ||
         (op >= Op::kAdd && op <= Op::kRoot && op != Op::kMul);
}

// (1, 2) U (3, 4)
bool Parser::UnionLetter(NodeId left) const {
  return Is(Lexeme::kSymbol) && (Now().text == "U" || Now().text == "u") && IsSet(tree_[left].op) &&
         Next().lexeme == Lexeme::kOpen;
}

NodeId Parser::Ratio(NodeId left) {
  if (tree_[left].op == Op::kText) return Fail();  // "length: 5" is no ratio
  Nodes parts{left};
  while (!failed_ && Is(Lexeme::kColon) && !in_set_) {
    ++i_;
    parts.push_back(Expression(Power::kFraction));
  }
  if (failed_) return kNoNode;
  int half = 0;
  if (Is(Lexeme::kHalfDay)) {  // 3 p.m., 10:30 a.m.
    if (parts.size() == 1) parts.push_back(tree_.Number(0));
    half = static_cast<int>(tokens_[i_++].As<HalfDay>());
  }
  return tree_.Add(Op::kRatio, {}, parts, half);
}

NodeId Parser::Signed(Sign sign, NodeId node) {
  if (failed_) return kNoNode;
  switch (sign) {
    case Sign::kPlus:
      return node;
    case Sign::kMinus:
      return tree_.Add(Op::kNegate, {node});
    case Sign::kPlusMinus:
      return tree_.Add(Op::kPlusMinus, {node});
    case Sign::kMinusPlus:
      return tree_.Add(Op::kPlusMinus, {node}, 1);
  }
  return Fail();
}

// The sign that is meant by all that stand here; whether a minus took another back.
Sign Parser::Signs(bool& twice_minus) {
  Sign sign = Sign::kPlus;
  twice_minus = false;
  for (; Is(Lexeme::kSign); ++i_) {
    const Sign now = Now().As<Sign>();
    const bool twice = now == Sign::kMinus && sign == Sign::kMinus;
    sign = twice ? Sign::kPlus : now == Sign::kPlus ? sign : now;
    twice_minus = twice_minus || twice;
  }
  return sign;
}

// The first of a sum.
NodeId Parser::Term() {
  const Level level(*this);
  bool twice_minus = false;
  const Sign sign = Signs(twice_minus);
  if (twice_minus) return Fail();  // --18
  return Signed(sign, Expression(Power::kProduct));
}

NodeId Parser::Sum(NodeId left) {
  Nodes terms{left};
  while (!failed_ && Is(Lexeme::kSign)) {
    bool any = false;
    const Sign sign = Signs(any);
    terms.push_back(Signed(sign, Expression(Power::kProduct)));
  }
  if (failed_) return kNoNode;
  // ℝ - {2}
  const bool without = terms.size() == 2 && tree_[terms[1]].op == Op::kNegate &&
                       tree_[tree_.Child(terms[1], 0)].op == Op::kSet;
  if (without) return tree_.Add(Op::kSetMinus, {terms[0], tree_.Child(terms[1], 0)});
  return tree_.Add(Op::kAdd, {}, terms);
}

// a \over b, n \choose k: of all before and all behind.
NodeId Parser::Fraction(NodeId above) {
  const bool fraction = Is(Lexeme::kOverBar);
  ++i_;
  const NodeId below = Expression(Power::kFraction);
  if (failed_) return kNoNode;
  return fraction ? tree_.Add(Op::kDivide, {above, below})
                  : tree_.Add(Function::kBinomial, {above, below});
}

bool Parser::StartsFactor() const {
  switch (Now().lexeme) {
    case Lexeme::kNumber:
    case Lexeme::kSymbol:
    case Lexeme::kFunction:
    case Lexeme::kConstant:
    case Lexeme::kFraction:
    case Lexeme::kSqrt:
    case Lexeme::kBinomial:
    case Lexeme::kBig:
    case Lexeme::kAccent:
    case Lexeme::kBegin:
      return true;
    case Lexeme::kWord:
    case Lexeme::kText:
      return !StartsCondition(Now());
    case Lexeme::kOpen:
      return !(Is(Lexeme::kOpen, Bracket::kSquare) && ClosesOutward()) && !StatesModulus();
    case Lexeme::kBar:
      return bars_ == 0 && !in_set_;  // in a set it may begin the condition
    default:
      return false;
  }
}

// The bracket that ends [1, 2[.
bool Parser::ClosesOutward() const {
  switch (Next().lexeme) {
    case Lexeme::kEnd:
    case Lexeme::kClose:
    case Lexeme::kComma:
    case Lexeme::kSemicolon:
    case Lexeme::kConjunction:
    case Lexeme::kSetOp:
      return true;
    default:
      return false;
  }
}

// With the braces at the end that are missing, or without those that are too many; "" where none
// are.
std::string WithBracesClosed(std::string_view answer) {
  const size_t end = answer.find_last_not_of("} .$") + 1;  // behind it brackets only close
  int depth = 0;
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] == '\\') {
      ++i;
    } else if (answer[i] == '{') {
      ++depth;
    } else if (answer[i] == '}' && --depth < 0) {
      return i < end ? std::string() : std::string(answer.substr(0, i));
    }
  }
  if (depth == 0) return {};
  return std::string(answer) + std::string(static_cast<size_t>(depth), '}');
}

std::optional<NodeId> ParseFormula(std::string_view formula, Tree& tree) {
  if (formula.size() > kMaxAnswerBytes) return std::nullopt;
  const std::string_view written = formula;
  std::vector<Token> tokens = Lex(formula, tree);
  if (tokens.size() <= 1) return std::nullopt;
  const int64_t before = tree.size();
  const NodeId whole = Parser(formula, std::move(tokens), tree).Run();
  if (whole != kNoNode) return whole;
  if (tree.size() - before > kMaxAnswerNodes) return std::nullopt;
  const std::string closed = WithBracesClosed(formula);
  if (closed.empty() || closed == written) return std::nullopt;
  return ParseFormula(tree.Keep(closed), tree);
}

namespace {

// "red and blue", "line segment, circle": a list of texts, without an order where "and" or "or"
// joins them; kNoNode where the text is one.
NodeId TextList(std::string_view text, Tree& tree) {
  constexpr size_t kLongest = 200;
  if (text.size() > kLongest) return kNoNode;
  if (text.find_first_of(",;dDrR") == std::string_view::npos) return kNoNode;  // nothing joins
  std::string words = Words(text);
  for (const std::string_view group : {"\\text{", "\\mbox{", "\\textbf{", "\\mathrm{"}) {
    words = ReplaceAll(std::move(words), group, "");
  }
  std::erase_if(words, [](char c) { return c == '}' || c == '$'; });
  if (words.find_first_of("\\=^_{") != std::string::npos) return kNoNode;
  bool joined = false;
  std::string parted;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view rest = std::string_view(words).substr(i);
    size_t size = 0;
    for (const std::string_view word : {", and ", ", or ", " and ", " or "}) {
      if (size == 0 && rest.starts_with(word)) size = word.size();
    }
    joined = joined || size > 0;
    if (size == 0 && (rest.starts_with(", ") || rest.starts_with("; "))) size = 2;
    if (size == 0) {
      parted += rest[0];
      continue;
    }
    parted += '\n';
    i += size - 1;
  }
  Nodes items;
  for (size_t begin = 0; begin <= parted.size();) {
    const size_t end = std::min(parted.find('\n', begin), parted.size());
    const std::string_view item = Trim(std::string_view(parted).substr(begin, end - begin));
    const auto spaces = std::ranges::count(item, ' ');
    const bool reason = item == "yes" || item == "no" || item.starts_with("because") ||
                        item.starts_with("it ") || item.starts_with("since");
    if (item.empty() || spaces > 3 || IsDigit(item[0]) || reason) return kNoNode;
    items.push_back(tree.Add(Op::kText, item));
    begin = end + 1;
  }
  return items.size() > 1 ? tree.Add(Op::kList, {}, items, joined ? 2 : 0) : kNoNode;
}

}  // namespace

std::optional<NodeId> ParseAnswer(std::string_view answer, Tree& tree) {
  if (answer.size() > kMaxAnswerBytes) return std::nullopt;
  const int64_t before = tree.size();
  if (!IsProse(answer)) {
    // "The hypotenuse has …" is no formula.
    const WordCount words = CountWords(answer, 4);
    const bool sentence = words.at_start && words.words > 3;
    const auto formula = sentence ? std::nullopt : ParseFormula(answer, tree);
    if (formula && tree[*formula].op != Op::kText) return formula;
    if (tree.size() - before > kMaxAnswerNodes) return std::nullopt;
    const auto phrase = formula || ExceptsNumbers(answer) ? std::nullopt : ReadPhrase(answer, tree);
    if (phrase) return phrase;
    if (const NodeId list = TextList(answer, tree); list != kNoNode) return list;
    if (formula) return formula;
  } else if (const NodeId list = TextList(answer, tree); list != kNoNode) {
    return list;
  }
  const std::string key = TextKey(answer);
  if (key.empty()) return std::nullopt;
  std::string words = Words(IsProse(answer) ? std::string(answer) : Respelled(answer));
  if (answer.ends_with("..")) words += "...";  // 42... is no 42
  return tree.Add(Op::kText, words);
}

}  // namespace retort::verifiers
