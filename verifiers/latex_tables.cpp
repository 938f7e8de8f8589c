#include "verifiers/latex_tables.h"

#include <algorithm>
#include <array>

#include "verifiers/ascii.h"

namespace retort::verifiers {

namespace {

constexpr int F(Function function) { return static_cast<int>(function); }
constexpr int O(Op op) { return static_cast<int>(op); }

// Commands of LaTeX whose name is not simply that of a symbol.
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

template <size_t n>
const Command* Find(const std::array<Command, n>& commands, std::string_view name) {
  const auto found = std::ranges::lower_bound(commands, name, {}, &Command::name);
  return found != commands.end() && found->name == name ? &*found : nullptr;
}

}  // namespace

const Command* FindCommand(std::string_view name) { return Find(kCommands, name); }
const Command* FindWord(std::string_view word) { return Find(kWords, word); }

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

}  // namespace retort::verifiers
