#include "verifiers/lexer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace retort::verifiers {

namespace {

struct Command {
  std::string_view name;
  Lexeme lexeme;
  int value = 0;
  std::string_view text = {};
};

constexpr int F(Function function) { return static_cast<int>(function); }
constexpr int O(Op op) { return static_cast<int>(op); }

// Commands of LaTeX whose name is not simply that of a symbol. kEnd: no token at all.
constexpr auto kCommands = [] {
  using enum Lexeme;
  std::array commands{
      Command{"Im", kFunction, F(Function::kIm)},
      Command{"Leftrightarrow", kArrow},
      Command{"Longrightarrow", kArrow},
      Command{"Re", kFunction, F(Function::kRe)},
      Command{"Rightarrow", kArrow},
      Command{"Vert", kBar},
      Command{"approx", kRelation, kApproximately},
      Command{"approxeq", kRelation, kApproximately},
      Command{"arccos", kFunction, F(Function::kAcos)},
      Command{"arccot", kFunction, F(Function::kAcot)},
      Command{"arccsc", kFunction, F(Function::kAcsc)},
      Command{"arcosh", kFunction, F(Function::kAcosh)},
      Command{"arcsec", kFunction, F(Function::kAsec)},
      Command{"arcsin", kFunction, F(Function::kAsin)},
      Command{"arctan", kFunction, F(Function::kAtan)},
      Command{"arsinh", kFunction, F(Function::kAsinh)},
      Command{"artanh", kFunction, F(Function::kAtanh)},
      Command{"ast", kTimes},
      Command{"backslash", kSetOp, O(Op::kSetMinus)},
      Command{"bar", kAccent, 0, "bar"},
      Command{"bf", kEnd},
      Command{"big", kEnd},
      Command{"bigcap", kSetOp, O(Op::kIntersection)},
      Command{"bigcup", kSetOp, O(Op::kUnion)},
      Command{"bigg", kEnd},
      Command{"biggl", kEnd},
      Command{"biggr", kEnd},
      Command{"bigl", kEnd},
      Command{"bigr", kEnd},
      Command{"binom", kBinomial},
      Command{"bm", kEnd},
      Command{"bmod", kModulo},
      Command{"boldsymbol", kEnd},
      Command{"boxed", kEnd},
      Command{"cap", kSetOp, O(Op::kIntersection)},
      Command{"cdot", kTimes},
      Command{"cdots", kDots},
      Command{"cfrac", kFraction},
      Command{"choose", kChoose},
      Command{"circ", kDegree},
      Command{"colon", kColon},
      Command{"cos", kFunction, F(Function::kCos)},
      Command{"cosh", kFunction, F(Function::kCosh)},
      Command{"cot", kFunction, F(Function::kCot)},
      Command{"coth", kFunction, F(Function::kCoth)},
      Command{"csc", kFunction, F(Function::kCsc)},
      Command{"cup", kSetOp, O(Op::kUnion)},
      Command{"dbinom", kBinomial},
      Command{"degree", kDegree},
      Command{"det", kFunction, F(Function::kDeterminant)},
      Command{"dfrac", kFraction},
      Command{"displaystyle", kEnd},
      Command{"div", kOver},
      Command{"dots", kDots},
      Command{"dotsc", kDots},
      Command{"emptyset", kConstant, O(Op::kEmptySet)},
      Command{"equiv", kRelation, kCongruent},
      Command{"exp", kFunction, F(Function::kExp)},
      Command{"fbox", kEnd},
      Command{"frac", kFraction},
      Command{"gcd", kFunction, F(Function::kGcd)},
      Command{"ge", kRelation, kGreaterEqual},
      Command{"geq", kRelation, kGreaterEqual},
      Command{"geqq", kRelation, kGreaterEqual},
      Command{"geqslant", kRelation, kGreaterEqual},
      Command{"gt", kRelation, kGreater},
      Command{"hat", kAccent, 0, "hat"},
      Command{"iff", kArrow},
      Command{"iiint", kBig, 0, "integral"},
      Command{"iint", kBig, 0, "integral"},
      Command{"implies", kArrow},
      Command{"in", kRelation, kElementOf},
      Command{"infty", kConstant, O(Op::kInfinity)},
      Command{"int", kBig, 0, "integral"},
      Command{"it", kEnd},
      Command{"lVert", kBar},
      Command{"land", kConjunction, 'a'},
      Command{"langle", kOpen, 'a'},
      Command{"lbrace", kOpen, 's'},
      Command{"lbrack", kOpen, '['},
      Command{"lceil", kOpen, 'c'},
      Command{"lcm", kFunction, F(Function::kLcm)},
      Command{"ldots", kDots},
      Command{"le", kRelation, kLessEqual},
      Command{"left", kEnd},
      Command{"leq", kRelation, kLessEqual},
      Command{"leqq", kRelation, kLessEqual},
      Command{"leqslant", kRelation, kLessEqual},
      Command{"lfloor", kOpen, 'f'},
      Command{"lg", kFunction, F(Function::kLog)},
      Command{"lim", kBig, 0, "limit"},
      Command{"limits", kEnd},
      Command{"ln", kFunction, F(Function::kLn)},
      Command{"log", kFunction, F(Function::kLog)},
      Command{"lor", kConjunction},
      Command{"lt", kRelation, kLess},
      Command{"lvert", kBar},
      Command{"mathbb", kEnd},
      Command{"mathbf", kEnd},
      Command{"mathcal", kEnd},
      Command{"mathtt", kEnd},
      Command{"max", kFunction, F(Function::kMax)},
      Command{"mid", kBar},
      Command{"min", kFunction, F(Function::kMin)},
      Command{"mod", kModulo},
      Command{"mp", kSign, 'm'},
      Command{"ne", kRelation, kNotEqual},
      Command{"neq", kRelation, kNotEqual},
      Command{"nolimits", kEnd},
      Command{"over", kOverBar},
      Command{"overline", kAccent, 0, "bar"},
      Command{"overrightarrow", kAccent, 0, "vec"},
      Command{"pi", kConstant, O(Op::kPi)},
      Command{"pm", kSign, 'p'},
      Command{"pmod", kModulo, 'p'},
      Command{"prime", kPrime},
      Command{"prod", kBig, 0, "product"},
      Command{"qquad", kEnd},
      Command{"quad", kEnd},
      Command{"rVert", kBar},
      Command{"rangle", kClose, 'a'},
      Command{"rbrace", kClose, 's'},
      Command{"rbrack", kClose, ']'},
      Command{"rceil", kClose, 'c'},
      Command{"rfloor", kClose, 'f'},
      Command{"right", kEnd},
      Command{"rm", kEnd},
      Command{"rvert", kBar},
      Command{"scriptstyle", kEnd},
      Command{"sec", kFunction, F(Function::kSec)},
      Command{"setminus", kSetOp, O(Op::kSetMinus)},
      Command{"sim", kRelation, kApproximately},
      Command{"simeq", kRelation, kApproximately},
      Command{"sin", kFunction, F(Function::kSin)},
      Command{"sinh", kFunction, F(Function::kSinh)},
      Command{"slash", kOver},
      Command{"sqrt", kSqrt, 2},
      Command{"subset", kRelation, kSubsetOf},
      Command{"subseteq", kRelation, kSubsetOf},
      Command{"sum", kBig, 0, "sum"},
      Command{"tan", kFunction, F(Function::kTan)},
      Command{"tanh", kFunction, F(Function::kTanh)},
      Command{"tbinom", kBinomial},
      Command{"textstyle", kEnd},
      Command{"tfrac", kFraction},
      Command{"tilde", kAccent, 0, "tilde"},
      Command{"times", kTimes},
      Command{"tr", kFunction, F(Function::kTrace)},
      Command{"varnothing", kConstant, O(Op::kEmptySet)},
      Command{"vec", kAccent, 0, "vec"},
      Command{"vee", kConjunction},
      Command{"vert", kBar},
      Command{"wedge", kConjunction, 'a'},
      Command{"widehat", kAccent, 0, "hat"},
      Command{"widetilde", kAccent, 0, "tilde"},
  };
  return commands;
}();
static_assert(std::ranges::is_sorted(kCommands, {}, &Command::name));

// Words of plain text.
constexpr auto kWords = [] {
  using enum Lexeme;
  std::array words{
      Command{"abs", kFunction, F(Function::kAbs)},
      Command{"and", kConjunction, 'a'},
      Command{"arccos", kFunction, F(Function::kAcos)},
      Command{"arcsin", kFunction, F(Function::kAsin)},
      Command{"arctan", kFunction, F(Function::kAtan)},
      Command{"binom", kBinomial},
      Command{"cbrt", kSqrt, 3},
      Command{"ceil", kFunction, F(Function::kCeil)},
      Command{"cos", kFunction, F(Function::kCos)},
      Command{"cosh", kFunction, F(Function::kCosh)},
      Command{"cot", kFunction, F(Function::kCot)},
      Command{"csc", kFunction, F(Function::kCsc)},
      Command{"deg", kDegree},
      Command{"degree", kDegree},
      Command{"degrees", kDegree},
      Command{"det", kFunction, F(Function::kDeterminant)},
      Command{"exp", kFunction, F(Function::kExp)},
      Command{"floor", kFunction, F(Function::kFloor)},
      Command{"frac", kFraction},
      Command{"gcd", kFunction, F(Function::kGcd)},
      Command{"in", kRelation, kElementOf},
      Command{"inf", kConstant, O(Op::kInfinity)},
      Command{"infinity", kConstant, O(Op::kInfinity)},
      Command{"infty", kConstant, O(Op::kInfinity)},
      Command{"lcm", kFunction, F(Function::kLcm)},
      Command{"ln", kFunction, F(Function::kLn)},
      Command{"log", kFunction, F(Function::kLog)},
      Command{"max", kFunction, F(Function::kMax)},
      Command{"min", kFunction, F(Function::kMin)},
      Command{"mod", kModulo},
      Command{"oo", kConstant, O(Op::kInfinity)},
      Command{"or", kConjunction},
      Command{"pct", kPercent},
      Command{"percent", kPercent},
      Command{"percentage", kPercent},
      Command{"pi", kConstant, O(Op::kPi)},
      Command{"sec", kFunction, F(Function::kSec)},
      Command{"sin", kFunction, F(Function::kSin)},
      Command{"sinh", kFunction, F(Function::kSinh)},
      Command{"sqrt", kSqrt, 2},
      Command{"tan", kFunction, F(Function::kTan)},
      Command{"tanh", kFunction, F(Function::kTanh)},
      Command{"union", kSetOp, O(Op::kUnion)},
  };
  return words;
}();
static_assert(std::ranges::is_sorted(kWords, {}, &Command::name));

// Characters beyond ASCII, as the LaTeX they stand for.
struct Rune {
  std::string_view utf8, latex;
};
constexpr std::array kRunes{
    Rune{"−", "-"},
    Rune{"–", "-"},
    Rune{"—", "-"},
    Rune{"×", "\\times "},
    Rune{"·", "\\cdot "},
    Rune{"⋅", "\\cdot "},
    Rune{"∙", "\\cdot "},
    Rune{"•", "\\cdot "},
    Rune{"÷", "\\div "},
    Rune{"√", "\\sqrt "},
    Rune{"∛", "cbrt "},
    Rune{"⁄", "/"},
    Rune{"∕", "/"},
    Rune{"π", "\\pi "},
    Rune{"∞", "\\infty "},
    Rune{"²", "^{2}"},
    Rune{"³", "^{3}"},
    Rune{"¹", "^{1}"},
    Rune{"⁰", "^{0}"},
    Rune{"⁴", "^{4}"},
    Rune{"⁵", "^{5}"},
    Rune{"⁶", "^{6}"},
    Rune{"⁷", "^{7}"},
    Rune{"⁸", "^{8}"},
    Rune{"⁹", "^{9}"},
    Rune{"⁻", "^-"},
    Rune{"ⁿ", "^{n}"},
    Rune{"₀", "_0"},
    Rune{"₁", "_1"},
    Rune{"₂", "_2"},
    Rune{"₃", "_3"},
    Rune{"₄", "_4"},
    Rune{"₅", "_5"},
    Rune{"₆", "_6"},
    Rune{"₇", "_7"},
    Rune{"₈", "_8"},
    Rune{"₉", "_9"},
    Rune{"½", "\\frac{1}{2}"},
    Rune{"⅓", "\\frac{1}{3}"},
    Rune{"⅔", "\\frac{2}{3}"},
    Rune{"¼", "\\frac{1}{4}"},
    Rune{"¾", "\\frac{3}{4}"},
    Rune{"⅕", "\\frac{1}{5}"},
    Rune{"⅛", "\\frac{1}{8}"},
    Rune{"≤", "\\le "},
    Rune{"≥", "\\ge "},
    Rune{"⩽", "\\le "},
    Rune{"⩾", "\\ge "},
    Rune{"≠", "\\ne "},
    Rune{"≈", "\\approx "},
    Rune{"≡", "\\equiv "},
    Rune{"∪", "\\cup "},
    Rune{"∩", "\\cap "},
    Rune{"∈", "\\in "},
    Rune{"∅", "\\emptyset "},
    Rune{"±", "\\pm "},
    Rune{"∓", "\\mp "},
    Rune{"°", "\\degree "},
    Rune{"′", "'"},
    Rune{"’", "'"},
    Rune{"‘", "'"},
    Rune{"“", " "},
    Rune{"”", " "},
    Rune{"…", "\\dots "},
    Rune{"∑", "\\sum "},
    Rune{"∏", "\\prod "},
    Rune{"∫", "\\int "},
    Rune{"⌊", "\\lfloor "},
    Rune{"⌋", "\\rfloor "},
    Rune{"⌈", "\\lceil "},
    Rune{"⌉", "\\rceil "},
    Rune{"⟨", "\\langle "},
    Rune{"⟩", "\\rangle "},
    Rune{"∧", " and "},
    Rune{"∨", " or "},
    Rune{"⇒", "\\implies "},
    Rune{"→", "\\implies "},
    Rune{"∖", "\\setminus "},
    Rune{"∣", "|"},
    Rune{"，", ","},
    Rune{"（", "("},
    Rune{"）", ")"},
    Rune{"：", ":"},
    Rune{"；", ";"},
    Rune{"％", "%"},
    Rune{"＝", "="},
    Rune{"＋", "+"},
    Rune{"－", "-"},
    Rune{"／", "/"},
    Rune{"＜", "<"},
    Rune{"＞", ">"},
    Rune{"。", "."},
    Rune{"、", ","},
    Rune{"€", " "},
    Rune{"£", " "},
    Rune{"¥", " "},
    Rune{"₹", " "},
    Rune{"¢", " "},
    Rune{"\u00a0", " "},
    Rune{"\u2009", " "},
    Rune{"\u202f", " "},
    Rune{"\u200b", ""},
    Rune{"\u2061", ""},
    Rune{"\ufeff", ""},
    Rune{"α", "\\alpha "},
    Rune{"β", "\\beta "},
    Rune{"γ", "\\gamma "},
    Rune{"δ", "\\delta "},
    Rune{"ε", "\\epsilon "},
    Rune{"θ", "\\theta "},
    Rune{"λ", "\\lambda "},
    Rune{"μ", "\\mu "},
    Rune{"ρ", "\\rho "},
    Rune{"σ", "\\sigma "},
    Rune{"τ", "\\tau "},
    Rune{"φ", "\\phi "},
    Rune{"ω", "\\omega "},
    Rune{"ξ", "\\xi "},
    Rune{"ψ", "\\psi "},
    Rune{"Δ", "\\Delta "},
    Rune{"Ω", "\\Omega "},
    Rune{"Γ", "\\Gamma "},
    Rune{"ℝ", "\\mathbb{R}"},
    Rune{"ℤ", "\\mathbb{Z}"},
    Rune{"ℕ", "\\mathbb{N}"},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string Lowered(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), Lower);
  return lower;
}

template <size_t n>
const Command* Find(const std::array<Command, n>& commands, std::string_view name) {
  const auto found = std::ranges::lower_bound(commands, name, {}, &Command::name);
  return found != commands.end() && found->name == name ? &*found : nullptr;
}

// Everything beyond ASCII in LaTeX; what is unknown is left out.
std::string ToLatex(std::string_view answer) {
  std::string latex;
  latex.reserve(answer.size() + 16);
  for (size_t i = 0; i < answer.size();) {
    if (static_cast<signed char>(answer[i]) >= 0) {
      latex += answer[i++];
      continue;
    }
    // Full-width digits and letters.
    if (answer.substr(i).starts_with("\xEF\xBC") && i + 2 < answer.size()) {
      const int wide = static_cast<unsigned char>(answer[i + 2]) - 0x80 + 0x20;
      if (IsDigit(static_cast<char>(wide)) || IsLetter(static_cast<char>(wide))) {
        latex += static_cast<char>(wide);
        i += 3;
        continue;
      }
    }
    const auto rune = std::ranges::find_if(
        kRunes, [&](const Rune& r) { return answer.substr(i).starts_with(r.utf8); });
    if (rune != kRunes.end()) {
      latex += rune->latex;
      i += rune->utf8.size();
      continue;
    }
    latex += ' ';
    ++i;
    while (i < answer.size() && (static_cast<unsigned char>(answer[i]) & 0xC0) == 0x80) ++i;
  }
  return latex;
}

class Lexer {
 public:
  Lexer(std::string_view answer, Tree& tree) : s_(answer), tree_(tree) {}

  std::vector<Token> Run() {
    tokens_.reserve(s_.size() / 2 + 2);
    while (true) {
      const size_t before = i_;
      while (i_ < s_.size() && IsSpace(s_[i_])) ++i_;
      if (i_ > before) space_ = true;
      if (i_ >= s_.size()) break;
      One();
    }
    Push(Lexeme::kEnd);
    return std::move(tokens_);
  }

 private:
  char At(size_t i) const { return i < s_.size() ? s_[i] : '\0'; }
  std::string_view Rest() const { return s_.substr(i_); }

  void Push(Lexeme lexeme, int value = 0, std::string_view text = {}) {
    tokens_.push_back({lexeme, value, text, space_, static_cast<uint32_t>(begin_)});
    space_ = false;
  }

  void One() {
    begin_ = i_;
    const char c = s_[i_];
    if (IsDigit(c) || (c == '.' && IsDigit(At(i_ + 1)))) return Number();
    if (IsLetter(c)) return Letters();
    if (c == '\\') return Backslash();
    ++i_;
    switch (c) {
      case '+':
        if (At(i_) == '/' && At(i_ + 1) == '-') {
          i_ += 2;
          return Push(Lexeme::kSign, 'p');
        }
        if (At(i_) == '-') {
          ++i_;
          return Push(Lexeme::kSign, 'p');
        }
        return Push(Lexeme::kSign, '+');
      case '-':
        return Push(Lexeme::kSign, '-');
      case '*':
        if (At(i_) == '*') {
          ++i_;
          // **7** is bold.
          if (std::exchange(bold_, tokens_.empty() && !bold_)) return;
          if (bold_ || Rest().find_first_not_of(" .") == std::string_view::npos) return;
          return Push(Lexeme::kCaret);
        }
        return Push(Lexeme::kTimes);
      case '/':
        return Push(Lexeme::kOver);
      case '^':
        return Push(Lexeme::kCaret);
      case '_':
        return Push(Lexeme::kUnderscore);
      case '(':
      case '[':
      case '{':
        if (c != '{') ++brackets_;
        return Push(Lexeme::kOpen, c);
      case ')':
      case ']':
      case '}':
        if (c != '}' && brackets_ > 0) --brackets_;
        return Push(Lexeme::kClose, c == ')' ? '(' : c == ']' ? '[' : '{');
      case '|':
        if (At(i_) == '|') ++i_;
        return Push(Lexeme::kBar);
      case ',':
        return Push(Lexeme::kComma);
      case ';':
        return Push(Lexeme::kSemicolon);
      case ':':
        if (At(i_) == '=') {
          ++i_;
          return Push(Lexeme::kRelation, kEqualTo);
        }
        return Push(Lexeme::kColon);
      case '!':
        if (At(i_) == '=') {
          ++i_;
          return Push(Lexeme::kRelation, kNotEqual);
        }
        return Push(Lexeme::kBang);
      case '\'':
        return Push(Lexeme::kPrime);
      case '%':
        return Push(Lexeme::kPercent);
      case '=':
        if (At(i_) == '>') {
          ++i_;
          return Push(Lexeme::kArrow);
        }
        if (At(i_) == '=') ++i_;
        return Push(Lexeme::kRelation, kEqualTo);
      case '<':
      case '>': {
        const bool equal = At(i_) == '=';
        if (equal) ++i_;
        return Push(Lexeme::kRelation,
                    c == '<' ? (equal ? kLessEqual : kLess) : (equal ? kGreaterEqual : kGreater));
      }
      case '~':
      case '$':
        space_ = true;
        return;
      case '&':
        if (rows_ > 0) Push(Lexeme::kAlign);
        return;
      case '.':
        if (Rest().starts_with("..")) {
          i_ += 2;
          return Push(Lexeme::kDots);
        }
        return;
      default:
        return;
    }
  }

  // A separator of thousands at `at`, outside of brackets also a plain comma or space; 0 for none.
  size_t Separator(size_t at, bool plain) const {
    for (const std::string_view mark :
         {"{,}", "{, }", " {, }", " {,}", ",\\!", "{,\\!}", "\\,", "\\!", "\\ ", "\\;"}) {
      if (s_.substr(at).starts_with(mark)) {
        size_t end = at + mark.size();
        while (IsSpace(At(end)) && end < s_.size()) ++end;
        return end - at;
      }
    }
    if (plain && (At(at) == ',' || At(at) == ' ')) return 1;
    return 0;
  }

  bool Group(size_t at) const {
    return IsDigit(At(at)) && IsDigit(At(at + 1)) && IsDigit(At(at + 2)) && !IsDigit(At(at + 3));
  }

  void Number() {
    size_t end = i_;
    while (IsDigit(At(end))) ++end;
    std::string_view digits = s_.substr(i_, end - i_);
    std::string joined;
    if (!digits.empty() && digits.size() <= 3 && At(end) != '.') {
      const bool plain = brackets_ == 0 && digits[0] != '0';
      const size_t first = Separator(end, plain);
      if (first > 0 && Group(end + first)) {
        joined = digits;
        const char kind = At(end);
        while (At(end) == kind) {
          const size_t skip = Separator(end, plain);
          if (skip == 0 || !Group(end + skip)) break;
          joined += s_.substr(end + skip, 3);
          end += skip + 3;
        }
        if (kind == ',' && At(end) == ',' && IsDigit(At(end + 1))) {  // 100,200,3 is a list
          end = i_ + digits.size();
          joined.clear();
        }
      }
    }
    const bool decimal = At(end) == '.' && IsDigit(At(end + 1));
    if (decimal) {
      const size_t point = end++;
      while (IsDigit(At(end))) ++end;
      if (!joined.empty()) joined += s_.substr(point, end - point);
    } else if (At(end) == '.' && (Repeats(end + 1) > 0)) {
      ++end;
    }
    if (joined.empty()) {
      digits = s_.substr(i_, end - i_);
      if (digits.ends_with('.')) digits.remove_suffix(1);
    } else {
      digits = tree_.Keep(std::move(joined));
    }
    i_ = end;
    if (const size_t period = Period(digits); period > 0) {
      Push(Lexeme::kNumber, 0, digits.substr(0, digits.size() - period));
      return Push(Lexeme::kRepetend, 0, digits.substr(digits.size() - period));
    }
    Push(Lexeme::kNumber, 0, digits);
    if (const size_t name = Repeats(i_); name > 0) {
      const size_t close = s_.find('}', i_ + name);
      if (close != std::string_view::npos) {
        const std::string_view repetend = s_.substr(i_ + name, close - i_ - name);
        if (!repetend.empty() && std::ranges::all_of(repetend, IsDigit)) {
          i_ = close + 1;
          return Push(Lexeme::kRepetend, 0, repetend);
        }
      }
    }
    Exponent();
  }

  // 0.333…, 0.1212…: how many digits go on for ever where dots follow; i_ moves behind the dots.
  size_t Period(std::string_view digits) {
    const size_t point = digits.find('.');
    if (point == std::string_view::npos) return 0;
    for (const std::string_view dots : {"...", "\\ldots", "\\dots", "\\cdots"}) {
      if (!Rest().starts_with(dots)) continue;
      const std::string_view places = digits.substr(point + 1);
      for (size_t period = 1; period <= 3; ++period) {
        const size_t seen = period == 1 ? 3 : 2 * period;
        if (places.size() < seen) break;
        const std::string_view last = places.substr(places.size() - seen);
        if (last.substr(period) != last.substr(0, seen - period)) continue;
        i_ += dots.size();
        return period;
      }
    }
    return 0;
  }

  // \overline{ or \bar{ at `at`: its length.
  size_t Repeats(size_t at) const {
    for (const std::string_view name : {"\\overline{", "\\bar{", "\\dot{"}) {
      if (s_.substr(std::min(at, s_.size())).starts_with(name)) return name.size();
    }
    return 0;
  }

  // 1.5e-3, 1e10; "2e" is twice Euler's number.
  void Exponent() {
    if (At(i_) != 'e' && At(i_) != 'E') return;
    size_t end = i_ + 1;
    const bool minus = At(end) == '-';
    if (minus || At(end) == '+') ++end;
    if (!IsDigit(At(end))) return;
    const size_t digits = end;
    while (IsDigit(At(end))) ++end;
    const std::string_view exponent = s_.substr(digits, end - digits);
    i_ = end;
    Push(Lexeme::kTimes);
    Push(Lexeme::kNumber, 0, "10");
    Push(Lexeme::kCaret);
    Push(Lexeme::kOpen, '{');
    if (minus) Push(Lexeme::kSign, '-');
    Push(Lexeme::kNumber, 0, exponent);
    Push(Lexeme::kClose, '{');
  }

  bool AfterValue() const {
    if (tokens_.empty()) return false;
    const Lexeme last = tokens_.back().lexeme;
    return last == Lexeme::kNumber || last == Lexeme::kClose || last == Lexeme::kSymbol;
  }

  void Letters() {
    size_t end = i_;
    while (IsLetter(At(end))) ++end;
    std::string_view run = s_.substr(i_, end - i_);
    // "W(x)=1orW(x)=-1", "(11,7)or(7,11)".
    if (AfterValue() && !space_) {
      for (const std::string_view word : {"or", "and"}) {
        if (run.starts_with(word) && run.size() <= word.size() + 1) {
          i_ += word.size();
          return Push(Lexeme::kConjunction, word == "and" ? 'a' : 0);
        }
      }
    }
    const bool time =
        space_ || (tokens_.size() > 1 && tokens_[tokens_.size() - 2].lexeme == Lexeme::kColon);
    if (time && AfterValue() && (Lower(run[0]) == 'a' || Lower(run[0]) == 'p')) {
      for (const std::string_view mark : {"am", "a.m.", "a.m", "pm", "p.m.", "p.m"}) {
        if (Lowered(s_.substr(i_, mark.size())) != mark || IsLetter(At(i_ + mark.size()))) continue;
        i_ += mark.size();
        return Push(Lexeme::kHalfDay, mark[0] == 'a' ? 1 : 2);
      }
    }
    if (run.size() == 1) {
      ++i_;
      return Letter(run);
    }
    // Function names may be glued to what follows: "sinx", "lnx", "sqrt2" is no problem.
    const std::string lower = Lowered(run.substr(0, std::min<size_t>(run.size(), 12)));
    const bool whole = run.size() <= 12;
    if (const Command* word = whole ? Find(kWords, lower) : nullptr) {
      i_ = end;
      return Push(word->lexeme, word->value, word->text);
    }
    if (run.size() <= 5 && run.size() >= 3) {
      for (const size_t size : {size_t{4}, size_t{3}, size_t{2}}) {
        if (size >= run.size()) continue;
        const Command* word = Find(kWords, run.substr(0, size));
        if (word && (word->lexeme == Lexeme::kFunction || word->lexeme == Lexeme::kSqrt) &&
            run.size() == size + 1) {
          i_ += size;
          return Push(word->lexeme, word->value, word->text);
        }
      }
    }
    i_ = end;
    if (run == "to" && AfterValue()) return Push(Lexeme::kColon);  // 3 to 5
    Push(Lexeme::kWord, 0, run);
  }

  void Letter(std::string_view letter) {
    if (letter == "e") return Push(Lexeme::kConstant, O(Op::kE), letter);
    if (letter == "i") return Push(Lexeme::kConstant, O(Op::kI), letter);
    Push(Lexeme::kSymbol, 0, letter);
  }

  // The text of a group that begins at i_, which moves behind it; nothing without one.
  std::string_view GroupText() {
    size_t open = i_;
    while (IsSpace(At(open)) && open < s_.size()) ++open;
    if (At(open) != '{') return {};
    int depth = 0;
    for (size_t end = open; end < s_.size(); ++end) {
      if (s_[end] == '\\') {
        ++end;
      } else if (s_[end] == '{') {
        ++depth;
      } else if (s_[end] == '}' && --depth == 0) {
        i_ = end + 1;
        return s_.substr(open + 1, end - open - 1);
      }
    }
    const std::string_view text = s_.substr(open + 1);
    i_ = s_.size();
    return text;
  }

  void Backslash() {
    const char next = At(i_ + 1);
    if (next == '\\') {
      if (rows_ > 0 && !(IsLetter(At(i_ + 2)) && doubled_)) {
        i_ += 2;
        return Push(Lexeme::kNewRow);
      }
      // A backslash too many, of an answer escaped twice; or the end of a line.
      i_ += IsLetter(At(i_ + 2)) || At(i_ + 2) == '{' || At(i_ + 2) == '}' ? 1 : 2;
      space_ = true;
      return;
    }
    if (!IsLetter(next)) {
      i_ += 2;
      switch (next) {
        case '{':
          return Push(Lexeme::kOpen, 's');
        case '}':
          return Push(Lexeme::kClose, 's');
        case '|':
          return Push(Lexeme::kBar);
        case '%':
          return Push(Lexeme::kPercent);
        case '_':
          return;
        case '$': {  // "\$ = 5" was to end a formula
          const size_t behind = s_.find_first_not_of(' ', i_);
          if (!tokens_.empty() && At(behind) == '=') return Push(Lexeme::kArrow);
          space_ = true;
          return;
        }
        default:
          space_ = space_ || next != '!';
          return;  // \, \; \: \! \$ \( \[ …
      }
    }
    size_t end = i_ + 1;
    while (IsLetter(At(end))) ++end;
    std::string_view name = s_.substr(i_ + 1, end - i_ - 1);
    i_ = end;
    if (name.starts_with("text") && name != "textstyle") return Text();
    if (name == "mbox" || name == "hbox") return Text();
    if (name == "mathrm" || name == "operatorname" || name == "mathit" || name == "mathsf") {
      return Font();
    }
    if (name == "begin" || name == "end") return Environment(name == "begin");
    if (name == "hspace" || name == "vspace" || name == "tag" || name == "label" ||
        name == "phantom") {
      GroupText();
      return;
    }
    if (name == "left" || name == "right") {
      while (IsSpace(At(i_)) && i_ < s_.size()) ++i_;
      if (At(i_) == '.') ++i_;
      if (At(i_) == '\\' && At(i_ + 1) == '\\') ++i_;
      return;
    }
    if (const Command* command = Find(kCommands, name)) {
      if (command->lexeme == Lexeme::kEnd) {
        space_ = true;
        return;
      }
      if (command->lexeme == Lexeme::kOpen || command->lexeme == Lexeme::kClose) {
        brackets_ += command->lexeme == Lexeme::kOpen ? 1 : (brackets_ > 0 ? -1 : 0);
      }
      return Push(command->lexeme, command->value, command->text);
    }
    // "\quadx_{2}": a space and more.
    for (const std::string_view glued : {"qquad", "quad", "cdot", "times", "pi"}) {
      if (name.starts_with(glued)) {
        i_ -= name.size() - glued.size();
        const Command* command = Find(kCommands, glued);
        if (command->lexeme == Lexeme::kEnd) {
          space_ = true;
          return;
        }
        return Push(command->lexeme, command->value, command->text);
      }
    }
    Push(Lexeme::kSymbol, 0, name);
  }

  // \mathrm{cm}: words; \mathrm{e}, \mathrm{P}_2: a formula like any other.
  void Font() {
    const size_t behind = i_;
    const std::string_view text = GroupText();
    const bool word =
        text.size() > 1 && std::ranges::all_of(text, [](char c) {
          return IsLetter(c) || IsSpace(c) || c == '.' || c == '~' || c == '\\' || c == ',';
        });
    i_ = behind;
    if (word) Text();
  }

  // \text{…}: a conjunction, percent, a letter, a number, or words.
  void Text() {
    std::string_view text = GroupText();
    while (!text.empty() && (IsSpace(text.front()) || text.front() == '~')) text.remove_prefix(1);
    while (!text.empty() && (IsSpace(text.back()) || text.back() == '~' || text.back() == '.' ||
                             text.back() == '\\')) {
      text.remove_suffix(1);
    }
    if (text.empty()) {
      space_ = true;
      return;
    }
    const bool plain = std::ranges::none_of(text, [](char c) { return IsLetter(c); });
    const std::string lower = Lowered(text);
    const Command* word = Find(kWords, lower);
    if (word && (word->lexeme == Lexeme::kConjunction || word->lexeme == Lexeme::kPercent ||
                 word->lexeme == Lexeme::kDegree || word->lexeme == Lexeme::kFunction)) {
      return Push(word->lexeme, word->value, word->text);
    }
    std::string_view letter = text;
    while (letter.size() > 2 && letter.front() == '(' && letter.back() == ')') {
      letter = letter.substr(1, letter.size() - 2);
    }
    // A letter behind a value is a unit.
    if (letter.size() == 1 && IsLetter(letter[0]) && !AfterValue()) return Letter(letter);
    if (plain) return Inside(text);  // digits and signs
    if (lower == "to") return Push(Lexeme::kColon);
    if (AfterValue() && (lower == "am" || lower == "a.m" || lower == "pm" || lower == "p.m")) {
      return Push(Lexeme::kHalfDay, lower[0] == 'a' ? 1 : 2);
    }
    if (IsDigit(text[0]) || IsLetters(text)) return Inside(text);
    Push(Lexeme::kText, 0, text);
  }

  // "A, B", "(A) and (C)", "I or II": letters and Roman numerals, several of them.
  static bool IsLetters(std::string_view text) {
    int parts = 0;
    for (size_t i = 0; i < text.size();) {
      size_t end = i;
      while (end < text.size() && IsLetter(text[end])) ++end;
      const std::string_view word = text.substr(i, end - i);
      if (word.empty()) {
        if (std::string_view(" ,()").find(text[i]) == std::string_view::npos) return false;
        ++i;
        continue;
      }
      const bool roman = word.find_first_not_of("IVX") == std::string_view::npos;
      if (word != "and" && word != "or") {
        if (!(word.size() == 1 && word != "a") && !roman) return false;
        ++parts;
      }
      i = end;
    }
    return parts > 1;
  }

  void Inside(std::string_view text) {
    Lexer inside(text, tree_);
    inside.brackets_ = brackets_;
    for (Token& token : inside.Run()) {
      token.begin = static_cast<uint32_t>(begin_);
      if (token.lexeme != Lexeme::kEnd) tokens_.push_back(token);
    }
  }

  void Environment(bool begins) {
    const std::string_view name = GroupText();
    const bool rows = name.ends_with("matrix") || name == "array" || name.starts_with("cases");
    if (!rows) {  // align, equation, …: only lines
      space_ = true;
      return;
    }
    if (begins) {
      if (name == "array") GroupText();
      ++rows_;
      ++brackets_;
      doubled_ = s_.find("\\\\frac") != std::string_view::npos &&
                 s_.find("\\\\\\") != std::string_view::npos;
    } else {
      rows_ = std::max(0, rows_ - 1);
      brackets_ = std::max(0, brackets_ - 1);
    }
    Push(begins ? Lexeme::kBegin : Lexeme::kFinish, 0, name);
  }

  std::string_view s_;
  Tree& tree_;
  std::vector<Token> tokens_;
  size_t i_ = 0, begin_ = 0;
  bool space_ = false;
  bool bold_ = false;     // within ** of markdown
  bool doubled_ = false;  // every backslash of a matrix is doubled
  int brackets_ = 0;      // in which a comma parts elements
  int rows_ = 0;          // environments in which & and \\ mean something
};

}  // namespace

std::vector<Token> Lex(std::string_view& answer, Tree& tree) {
  const bool ascii =
      std::ranges::all_of(answer, [](char c) { return static_cast<signed char>(c) >= 0; });
  if (!ascii) answer = tree.Keep(ToLatex(answer));
  return Lexer(answer, tree).Run();
}

}  // namespace retort::verifiers
