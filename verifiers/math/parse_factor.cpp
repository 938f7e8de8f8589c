// Numbers, names and words, and what is attached to them: exponents, subscripts, arguments.

#include <array>
#include <optional>

#include "verifiers/math/internal/parser-inl.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

// Names of functions when a parenthesis follows, whatever stands in it.
bool NamesFunction(std::string_view name) {
  constexpr std::array<std::string_view, 13> kNames{
      "f", "g", "h", "F", "G", "H", "phi", "psi", "Phi", "Psi", "varphi", "P_n", "T"};
  return std::ranges::find(kNames, name.substr(0, name.find_first_of("_'^"))) != kNames.end();
}

}  // namespace

// A primary with what is attached to it: exponents, subscripts, factorials, percent, degrees.
NodeId Parser::Factor() {
  const Level level(*this);
  constexpr int kMostAttached = 50;
  TakeMoney();
  after_number_ = Is(Lexeme::kNumber);
  NodeId node = Primary();
  for (int attached = 0; !failed_; ++attached) {
    if (attached == kMostAttached) return Fail();
    if (Is(Lexeme::kCaret)) {
      if (Degree()) {
        node = Radians(node);
        continue;
      }
      ++i_;
      if (Is(Lexeme::kPrime) || Is(Lexeme::kDegree)) {
        ++i_;
        continue;
      }
      if (tree_[node].op == Op::kNumber && Ordinal()) continue;
      if (tree_[node].op == Op::kSymbol && Starred(node)) continue;
      const NodeId exponent = Exponent();
      if (failed_) return kNoNode;
      if (tree_[node].op == Op::kSymbol && NamesFunction(tree_[node].text) &&
          IsMinusOne(exponent)) {  // the inverse function
        node = Applied(tree_.Add(Op::kSymbol, std::string(tree_[node].text) + "^-1"));
      } else {
        node = Raised(node, exponent);
      }
    } else if (Is(Lexeme::kUnderscore)) {
      node = Subscript(node);
    } else if (Take(Lexeme::kBang)) {
      node = tree_.Add(Function::kFactorial, {node});
    } else if (Take(Lexeme::kPercent)) {
      node = tree_.Add(Op::kPercent, {node});
    } else if (Is(Lexeme::kDegree) && Measured(true)) {  // degrees per second
      node = Radians(node);
    } else if (Is(Lexeme::kDegree)) {
      ++i_;
      DegreeOf(Is(Lexeme::kSymbol) && EndsItem(Next()));
      node = Radians(node);
    } else if (Is(Lexeme::kPrime) && tree_[node].op == Op::kSymbol) {
      ++i_;
      node = Named(std::string(tree_[node].text) + "'");
      if (!failed_) node = Applied(node);
    } else {
      break;
    }
    after_number_ = false;
  }
  return node;
}

bool Parser::IsMinusOne(NodeId node) const {
  return tree_[node].op == Op::kNegate && tree_[tree_.Child(node, 0)].text == "1";
}

// Degrees are a unit, but for what the sine of them is.
NodeId Parser::Radians(NodeId degrees) {
  if (angles_ == 0) return degrees;
  return tree_.Add(Op::kMul,
                   {degrees, tree_.Add(Op::kDivide, {tree_.Add(Op::kPi, {}), tree_.Number(180)})});
}

// Names grow by a piece at a time; no name is longer than people write.
NodeId Parser::Named(std::string name) {
  return name.size() > 200 ? Fail() : tree_.Add(Op::kSymbol, name);
}

// Powers of matrices: the transpose and the inverse.
NodeId Parser::Raised(NodeId base, NodeId exponent) {
  if (failed_) return kNoNode;
  const Op op = tree_[base].op;
  const std::string_view name = tree_[exponent].op == Op::kSymbol ? tree_[exponent].text : "";
  if (name == "T" || name == "top" || name == "intercal") {
    if (op == Op::kMatrix) return tree_.Add(Function::kTranspose, {base});
    if (op == Op::kTuple || op == Op::kInterval) return base;  // a vector stands or lies
  }
  if (op == Op::kSymbol && tree_[base].text.starts_with("C_") &&
      tree_[exponent].op == Op::kNumber) {  // C_5^2
    const std::string_view n = tree_[base].text.substr(2), k = tree_[exponent].text;
    const bool numbers = std::ranges::all_of(n, IsDigit) && std::ranges::all_of(k, IsDigit);
    if (numbers && (n.size() > k.size() || (n.size() == k.size() && n >= k)) && n > "1") {
      return tree_.Add(Function::kBinomial, {tree_.Add(Op::kNumber, n), exponent});
    }
  }
  return tree_.Add(Op::kPower, {base, exponent});
}

// ^\circ, ^{\circ}
bool Parser::Degree() {
  size_t n = 1;
  const bool group = Next(n).Is(Lexeme::kOpen, Bracket::kGroup);
  if (group) ++n;
  const bool letter = Next(n).lexeme == Lexeme::kSymbol && Next(n).text == "o" && i_ > 0 &&
                      tokens_[i_ - 1].lexeme == Lexeme::kNumber;  // 72^o
  if (Next(n).lexeme != Lexeme::kDegree && !letter) return false;
  if (group && !Closes(Next(n + 1), Bracket::kGroup)) return false;
  i_ += n + 1 + (group ? 1 : 0);
  DegreeOf(Is(Lexeme::kSymbol));
  return true;
}

// 12^{\\text{th}}
bool Parser::Ordinal() {
  const size_t n = Is(Lexeme::kOpen, Bracket::kGroup) ? 1 : 0;
  const Token& token = Next(n);
  if (token.lexeme != Lexeme::kWord && token.lexeme != Lexeme::kText) return false;
  constexpr std::array<std::string_view, 4> kEndings{"st", "nd", "rd", "th"};
  if (std::ranges::find(kEndings, token.text) == kEndings.end()) return false;
  if (n == 1 && !Closes(Next(2), Bracket::kGroup)) return false;
  i_ += n == 1 ? 3 : 1;
  return true;
}

// ℕ^*, ℤ^+: sets of numbers.
bool Parser::Starred(NodeId& set) {
  const std::string_view name = tree_[set].text;
  if (name != "N" && name != "Z" && name != "R" && name != "Q") return false;
  const size_t n = Is(Lexeme::kOpen, Bracket::kGroup) ? 1 : 0;
  const Token& mark = Next(n);
  const bool star = mark.lexeme == Lexeme::kTimes, plus = mark.Is(Lexeme::kSign, Sign::kPlus);
  if (!star && !plus) return false;
  if (n == 1 ? !Closes(Next(2), Bracket::kGroup)
             : !EndsItem(Next()) && Next().lexeme != Lexeme::kClose) {
    return false;
  }
  i_ += n == 1 ? 3 : 1;
  const bool natural = name == "N" || (name == "Z" && plus);
  set = tree_.Add(Op::kSymbol, natural ? "N" : std::string(name) + (star ? "*" : "+"));
  return true;
}

// Behind a degree, which is the unit of what stands before it: C or F `may` follow.
void Parser::DegreeOf(bool may) {
  const auto is_scale = [](const Token& token) {
    return (token.lexeme == Lexeme::kSymbol || token.lexeme == Lexeme::kText) &&
           (token.text == "C" || token.text == "F");
  };
  const bool group =
      Is(Lexeme::kOpen, Bracket::kGroup) && is_scale(Next()) && Closes(Next(2), Bracket::kGroup);
  const Token& letter = Next(group ? 1 : 0);
  const bool scale = group || (is_scale(letter) && (may || letter.lexeme == Lexeme::kText));
  unit_ = !scale ? "degree" : letter.text == "C" ? "degC" : "degF";
  if (scale) i_ += group ? 3 : 1;
  unit_end_ = i_;
}

// ^2, ^{…}, ^-1, ^(…), ^\frac12, ^x, ^2^3 from the right.
NodeId Parser::Exponent() {
  const Level level(*this);
  if (failed_) return kNoNode;
  if (Is(Lexeme::kSign)) {
    const Sign sign = Now().As<Sign>();
    ++i_;
    return Signed(sign, Exponent());
  }
  NodeId exponent = Primary();
  if (!failed_ && Is(Lexeme::kCaret) && !Degree()) {
    ++i_;
    exponent = Raised(exponent, Exponent());
  } else if (!failed_ && Take(Lexeme::kBang)) {
    exponent = tree_.Add(Function::kFactorial, {exponent});
  }
  return exponent;
}

// The text of a subscript without spaces, braces and commands' backslashes.
std::string Parser::SubscriptText() {
  const size_t first = i_;
  if (Is(Lexeme::kOpen, Bracket::kGroup)) {
    int depth = 0;
    do {
      if (Is(Lexeme::kOpen, Bracket::kGroup)) ++depth;
      if (Closes(Now(), Bracket::kGroup)) --depth;
      if (Is(Lexeme::kEnd)) break;
      ++i_;
    } while (depth > 0);
  } else if (!Is(Lexeme::kEnd)) {
    ++i_;
  }
  std::string text;
  for (size_t t = first; t < i_; ++t) {
    const Token& token = tokens_[t];
    if (token.lexeme == Lexeme::kSign) {
      text += "+-pm"[static_cast<size_t>(token.As<Sign>())];
    } else if (token.lexeme == Lexeme::kOpen || token.lexeme == Lexeme::kClose) {
      if (token.meaning == Meaning(Bracket::kRound)) text += '.';
    } else if (!token.text.empty()) {
      text += token.text;
    } else if (token.lexeme == Lexeme::kFunction && !token.Is(Lexeme::kFunction, Cis())) {
      text += FunctionName(token.As<Function>());
    } else if (token.lexeme == Lexeme::kComma) {
      text += ',';
    } else {
      text += static_cast<char>('A' + static_cast<int>(token.lexeme) % 26);
    }
  }
  return text;
}

// 5, "five", "base 5", ".5." (of parentheses): the base that is meant.
std::optional<int> Parser::BaseNamed(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (IsDigit(c) || IsLetter(c)) name += Lower(c);
  }
  for (const std::string_view prefix : {"in", "base"}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  if (!name.empty() && name.size() <= 2 && std::ranges::all_of(name, IsDigit)) {
    return std::stoi(name);
  }
  const auto number = NumberInWords(name);
  return number && *number <= 36 ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

NodeId Parser::InBase(NodeId number, int base) {
  const Node& of = tree_[number];
  const bool digits = std::ranges::all_of(
      of.text, [&](char c) { return c == '.' || (IsDigit(c) && c - '0' < base); });
  if (base < 2 || base > 36 || !digits) return Fail();
  return tree_.Add(Op::kNumber, of.text, {}, base == 10 ? 0 : base);
}

NodeId Parser::Subscript(NodeId node) {
  ++i_;
  const std::string text = SubscriptText();
  const Node& of = tree_[node];
  if (of.op == Op::kNumber) {
    const auto base = BaseNamed(text);
    return base ? InBase(node, *base) : Fail();
  }
  const bool named = of.op == Op::kSymbol || of.op == Op::kI || of.op == Op::kE;
  if (!named) return Fail();
  const std::string_view name = of.op == Op::kSymbol ? of.text : of.op == Op::kI ? "i" : "e";
  const NodeId symbol = Named(std::string(name) + "_" + text);
  return failed_ ? kNoNode : Applied(symbol);
}

// f(x), when the name or the argument says that it is no product.
NodeId Parser::Applied(NodeId symbol) {
  if (!Is(Lexeme::kOpen, Bracket::kRound) || tree_[symbol].op != Op::kSymbol) return symbol;
  const std::string_view name = tree_[symbol].text;
  const Token& argument = Next();
  const bool single = Closes(Next(2), Bracket::kRound) &&
                      (argument.lexeme == Lexeme::kSymbol || argument.lexeme == Lexeme::kNumber);
  const bool capital = IsUpper(name[0]);
  const bool defined = single && Next(3).lexeme == Lexeme::kRelation;
  const bool primed = name.ends_with('\'');
  // The point P(1, 2), the probability P(X = 1).
  const bool several =
      capital && name.size() == 1 && (Holds(Lexeme::kComma) || Holds(Lexeme::kRelation));
  if (!NamesFunction(name) && !primed && !several && !(single && (capital || defined))) {
    return symbol;
  }
  ++i_;
  ++open_;
  ++calls_;
  Nodes arguments;
  do {
    arguments.push_back(Relation());
  } while (!failed_ && Take(Lexeme::kComma));
  --open_;
  --calls_;
  if (failed_ || !Closes(Now(), Bracket::kRound)) return Fail();
  ++i_;
  return tree_.Add(Op::kApply, std::string(name), arguments);
}

// Whether it stands in the bracket that begins here, and not in one within.
bool Parser::Holds(Lexeme lexeme) const {
  int depth = 0;
  for (size_t t = i_; t < tokens_.size() && t < i_ + 100; ++t) {
    if (tokens_[t].lexeme == Lexeme::kOpen) ++depth;
    if (tokens_[t].lexeme == Lexeme::kClose && --depth == 0) return false;
    if (tokens_[t].lexeme == lexeme && depth == 1) return true;
  }
  return false;
}

// 5C2, and behind an index {}_5C_2: i_ is at the C.
bool Parser::Combinations(NodeId& n) {
  if (!Is(Lexeme::kSymbol) || Now().text != "C" || tree_[n].op != Op::kNumber) return false;
  const bool index = Next().lexeme == Lexeme::kUnderscore;
  const bool glued = Next().lexeme == Lexeme::kNumber && !Now().space && !Next().space;
  if (!index && !glued) return false;
  const size_t back = i_;
  i_ += index ? 2 : 1;
  const bool number = Is(Lexeme::kNumber) ||
                      (Is(Lexeme::kOpen, Bracket::kGroup) && Next().lexeme == Lexeme::kNumber);
  if (!number) {
    i_ = back;
    return false;
  }
  const NodeId k = index ? Argument() : Number();
  if (!failed_) n = tree_.Add(Function::kBinomial, {n, k});
  return true;
}

// \frac{dy}{dx} is no quotient of products, \frac{d}{dx} no quotient at all.
NodeId Parser::Quotient(NodeId above, NodeId below) {
  const auto differential = [&](NodeId node) -> std::string_view {
    if (tree_[node].op != Op::kMul || tree_[node].count != 2) return {};
    const Node &d = tree_[tree_.Child(node, 0)], &of = tree_[tree_.Child(node, 1)];
    const bool named = d.op == Op::kSymbol && (d.text == "d" || d.text == "partial");
    return named && of.op == Op::kSymbol ? of.text : std::string_view();
  };
  const std::string_view by = differential(below);
  if (by.empty()) return tree_.Add(Op::kDivide, {above, below});
  if (const std::string_view of = differential(above); !of.empty()) {
    return Named("d" + std::string(of) + "/d" + std::string(by));
  }
  const Node& d = tree_[above];
  if (d.op != Op::kSymbol || (d.text != "d" && d.text != "partial")) {
    return tree_.Add(Op::kDivide, {above, below});
  }
  const NodeId variable = tree_.Child(below, 1);
  const NodeId body = Expression(Power::kProduct);
  return failed_ ? kNoNode : tree_.Add(Op::kOpaque, "derivative", std::array{variable, body});
}

// What \frac and \sqrt take: a group, or one digit or letter.
NodeId Parser::Argument() {
  const Level level(*this);
  if (failed_) return kNoNode;
  if (Is(Lexeme::kNumber) && !Now().space && Now().text.size() > 1 && IsDigit(Now().text[0])) {
    Token& token = tokens_[i_];
    const NodeId digit = tree_.Add(Op::kNumber, token.text.substr(0, 1));
    token.text.remove_prefix(1);
    return digit;
  }
  if (Is(Lexeme::kSign)) {
    const Sign sign = Now().As<Sign>();
    ++i_;
    return Signed(sign, Argument());
  }
  if (!StartsFactor()) return Fail();
  return Primary();
}

NodeId Parser::Primary() {
  const Level level(*this);
  if (failed_) return kNoNode;
  const Token token = Now();
  switch (token.lexeme) {
    case Lexeme::kNumber:
      return Number();
    case Lexeme::kSymbol:
      ++i_;
      return Applied(tree_.Add(Op::kSymbol, token.text));
    case Lexeme::kConstant:
      ++i_;
      return tree_.Add(token.As<Op>());
    case Lexeme::kWord:
      return Word();
    case Lexeme::kText:
      ++i_;
      return Text(Words(token.text));
    case Lexeme::kOpen: {
      const NodeId inside = Bracketed();  // \mathbf{f}(x)
      const bool name = token.meaning == Meaning(Bracket::kGroup) && !failed_;
      return name ? Applied(inside) : inside;
    }
    case Lexeme::kClose:
      if (Is(Lexeme::kClose, Bracket::kSquare)) return Bracketed();  // ]0, 1[
      return Fail();
    case Lexeme::kBar:
      return Absolute();
    case Lexeme::kCaret:
    case Lexeme::kUnderscore: {  // {}_5C_2, ^5C_2
      ++i_;
      NodeId n = Argument();
      if (failed_ || !Combinations(n)) return Fail();
      return n;
    }
    case Lexeme::kFraction: {
      ++i_;
      if (Is(Lexeme::kNumber) && Now().space && Now().text.size() == 2 && IsDigit(Now().text[0]) &&
          IsDigit(Now().text[1]) && Next().lexeme != Lexeme::kNumber &&
          Next().lexeme != Lexeme::kOpen) {  // \frac 34
        tokens_[i_].space = false;
      }
      const NodeId above = Argument();
      const NodeId below = Argument();
      return failed_ ? kNoNode : Quotient(above, below);
    }
    case Lexeme::kBinomial: {
      ++i_;
      if (Is(Lexeme::kOpen, Bracket::kRound)) {
        const NodeId both = Bracketed();
        if (failed_ || tree_[both].op != Op::kTuple || tree_[both].count != 2) return Fail();
        return tree_.Add(Function::kBinomial, {tree_.Child(both, 0), tree_.Child(both, 1)});
      }
      const NodeId above = Argument();
      const NodeId below = Argument();
      return failed_ ? kNoNode : tree_.Add(Function::kBinomial, {above, below});
    }
    case Lexeme::kSqrt:
      return Root(token.As<int>());
    case Lexeme::kFunction:
      return FunctionCall();
    case Lexeme::kBig:
      return Big();
    case Lexeme::kAccent: {
      ++i_;
      const NodeId under = Argument();
      if (failed_) return kNoNode;
      const Op op = tree_[under].op;
      if (op == Op::kSymbol) {
        return tree_.Add(Op::kSymbol,
                         std::string(token.text) + " " + std::string(tree_[under].text));
      }
      if (token.text == "bar" && op == Op::kNumber) return Fail();
      if (token.text == "bar" && op != Op::kText && op != Op::kMul) {
        return tree_.Add(Function::kConjugate, {under});
      }
      return tree_.Add(Op::kSymbol, std::string(token.text) + " " + NormalForm(tree_, under));
    }
    case Lexeme::kBegin:
      return Environment();
    default:
      return Fail();
  }
}

NodeId Parser::Number() {
  const Token token = Now();
  ++i_;
  if (!Is(Lexeme::kRepetend)) return tree_.Add(Op::kNumber, token.text, {}, token.As<int>());
  // 0.1666… = 1/10 + 6/90
  const std::string_view repetend = Now().text;
  ++i_;
  const size_t point = token.text.find('.');
  const size_t places = point == std::string_view::npos ? 0 : token.text.size() - point - 1;
  std::string digits(token.text.substr(0, point));
  if (places > 0) digits += token.text.substr(point + 1);
  const std::string zeros(places, '0'), nines(repetend.size(), '9');
  const NodeId fixed =
      tree_.Add(Op::kDivide, {tree_.Add(Op::kNumber, digits), tree_.Add(Op::kNumber, "1" + zeros)});
  const NodeId rest = tree_.Add(
      Op::kDivide, {tree_.Add(Op::kNumber, repetend), tree_.Add(Op::kNumber, nines + zeros)});
  return tree_.Add(Op::kAdd, {fixed, rest});
}

NodeId Parser::Text(std::string words) {
  while (Is(Lexeme::kText)) {
    words += " " + Words(Now().text);
    ++i_;
  }
  return tree_.Add(Op::kText, words);
}

// A run of letters: a product of variables when it is short, else words.
NodeId Parser::Word() {
  const std::string_view word = Now().text;
  ++i_;
  const bool capitals = std::ranges::all_of(word, IsUpper);
  constexpr std::array<std::string_view, 12> kShort{"yes", "no",  "odd", "one", "two",  "six",
                                                    "ten", "all", "any", "not", "none", "even"};
  const bool known = word.size() <= 4 && std::ranges::find(kShort, Words(word)) != kShort.end();
  constexpr std::array<std::string_view, 24> kEnglish{
      "we",  "so",  "is",  "of",  "on",  "if",  "be",  "the", "let", "has", "are", "our",
      "its", "was", "for", "you", "can", "how", "why", "who", "but", "may", "get", "use"};
  if (!capitals && std::ranges::find(kEnglish, Lowered(word)) != kEnglish.end()) return Fail();
  if (word.size() > 4 || (word.size() == 4 && !capitals) || known) {
    std::string words = Words(word);
    while (Is(Lexeme::kWord) || Is(Lexeme::kText)) {
      words += " " + Words(Now().text);
      ++i_;
    }
    return tree_.Add(Op::kText, words);
  }
  if (capitals) {  // the segment AB, the triangle ABC
    std::string name(word);
    return Applied(tree_.Add(Op::kSymbol, name));
  }
  Nodes letters;
  for (const char& c : word) {
    if (c == 'e' || c == 'i') {
      letters.push_back(tree_.Add(c == 'e' ? Op::kE : Op::kI));
    } else {
      letters.push_back(tree_.Add(Op::kSymbol, std::string_view(&c, 1)));
    }
  }
  // An exponent or subscript belongs to the last letter.
  if (Is(Lexeme::kCaret) && !Degree()) {
    ++i_;
    letters.back() = Raised(letters.back(), Exponent());
  } else if (Is(Lexeme::kUnderscore)) {
    letters.back() = Subscript(letters.back());
  } else if (Is(Lexeme::kOpen, Bracket::kRound)) {
    letters.back() = Applied(letters.back());
  }
  return failed_ ? kNoNode : tree_.Add(Op::kMul, {}, letters);
}

}  // namespace retort::verifiers
