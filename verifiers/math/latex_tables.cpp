#include "verifiers/math/internal/latex_tables.h"

#include <algorithm>
#include <array>

#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

// Commands of LaTeX whose name is not simply that of a symbol.
constexpr auto kCommands = [] {
  using enum Lexeme;
  std::array commands{
      Command{"Big", kEnd},
      Command{"Bigg", kEnd},
      Command{"Biggl", kEnd},
      Command{"Biggr", kEnd},
      Command{"Bigl", kEnd},
      Command{"Bigr", kEnd},
      Command{"Im", kFunction, Function::kIm},
      Command{"Large", kEnd},
      Command{"Leftrightarrow", kArrow},
      Command{"Longrightarrow", kArrow},
      Command{"Pr", kSymbol, {}, "P"},
      Command{"Re", kFunction, Function::kRe},
      Command{"Rightarrow", kArrow},
      Command{"Vert", kBar},
      Command{"approx", kRelation, kApproximately},
      Command{"approxeq", kRelation, kApproximately},
      Command{"arccos", kFunction, Function::kAcos},
      Command{"arccot", kFunction, Function::kAcot},
      Command{"arccsc", kFunction, Function::kAcsc},
      Command{"arcctg", kFunction, Function::kAcot},
      Command{"arcosh", kFunction, Function::kAcosh},
      Command{"arcsec", kFunction, Function::kAsec},
      Command{"arcsin", kFunction, Function::kAsin},
      Command{"arctan", kFunction, Function::kAtan},
      Command{"arctg", kFunction, Function::kAtan},
      Command{"arsinh", kFunction, Function::kAsinh},
      Command{"artanh", kFunction, Function::kAtanh},
      Command{"ast", kTimes},
      Command{"backslash", kSetOp, Op::kSetMinus},
      Command{"bar", kAccent, {}, "bar"},
      Command{"bf", kEnd},
      Command{"big", kEnd},
      Command{"bigcap", kSetOp, Op::kIntersection},
      Command{"bigcup", kSetOp, Op::kUnion},
      Command{"bigg", kEnd},
      Command{"biggl", kEnd},
      Command{"biggr", kEnd},
      Command{"bigl", kEnd},
      Command{"bigr", kEnd},
      Command{"bigvee", kConjunction, Conjunction::kOr},
      Command{"binom", kBinomial},
      Command{"bm", kEnd},
      Command{"bmod", kModulo, Modulo::kBetween},
      Command{"bold", kEnd},
      Command{"boldsymbol", kEnd},
      Command{"boxed", kEnd},
      Command{"cap", kSetOp, Op::kIntersection},
      Command{"cdot", kTimes},
      Command{"cdots", kDots},
      Command{"cfrac", kFraction},
      Command{"ch", kFunction, Function::kCosh},
      Command{"choose", kChoose},
      Command{"circ", kDegree},
      Command{"cis", kFunction, Cis()},
      Command{"colon", kColon},
      Command{"cos", kFunction, Function::kCos},
      Command{"cosec", kFunction, Function::kCsc},
      Command{"cosh", kFunction, Function::kCosh},
      Command{"cot", kFunction, Function::kCot},
      Command{"coth", kFunction, Function::kCoth},
      Command{"cr", kNewRow},
      Command{"csc", kFunction, Function::kCsc},
      Command{"ctg", kFunction, Function::kCot},
      Command{"cup", kSetOp, Op::kUnion},
      Command{"dbinom", kBinomial},
      Command{"deg", kDegree},
      Command{"degree", kDegree},
      Command{"det", kFunction, Function::kDeterminant},
      Command{"dfrac", kFraction},
      Command{"displaystyle", kEnd},
      Command{"div", kOver},
      Command{"dots", kDots},
      Command{"dotsc", kDots},
      Command{"emptyset", kConstant, Op::kEmptySet},
      Command{"ensuremath", kEnd},
      Command{"equiv", kRelation, kCongruent},
      Command{"exp", kFunction, Function::kExp},
      Command{"fbox", kEnd},
      Command{"frac", kFraction},
      Command{"gcd", kFunction, Function::kGcd},
      Command{"ge", kRelation, kGreaterEqual},
      Command{"geq", kRelation, kGreaterEqual},
      Command{"geqq", kRelation, kGreaterEqual},
      Command{"geqslant", kRelation, kGreaterEqual},
      Command{"gt", kRelation, kGreater},
      Command{"hat", kAccent, {}, "hat"},
      Command{"hline", kEnd},
      Command{"iff", kArrow},
      Command{"iiint", kBig, {}, "integral"},
      Command{"iint", kBig, {}, "integral"},
      Command{"implies", kArrow},
      Command{"in", kRelation, kElementOf},
      Command{"infty", kConstant, Op::kInfinity},
      Command{"int", kBig, {}, "integral"},
      Command{"it", kEnd},
      Command{"lVert", kBar},
      Command{"land", kConjunction, Conjunction::kAnd},
      Command{"langle", kOpen, Bracket::kAngle},
      Command{"large", kEnd},
      Command{"lbrace", kOpen, Bracket::kSet},
      Command{"lbrack", kOpen, Bracket::kSquare},
      Command{"lceil", kOpen, Bracket::kCeil},
      Command{"lcm", kFunction, Function::kLcm},
      Command{"ldots", kDots},
      Command{"le", kRelation, kLessEqual},
      Command{"left", kEnd},
      Command{"leq", kRelation, kLessEqual},
      Command{"leqq", kRelation, kLessEqual},
      Command{"leqslant", kRelation, kLessEqual},
      Command{"lfloor", kOpen, Bracket::kFloor},
      Command{"lg", kFunction, Function::kLog},
      Command{"lim", kBig, {}, "limit"},
      Command{"limits", kEnd},
      Command{"ln", kFunction, Function::kLn},
      Command{"log", kFunction, Function::kLog},
      Command{"longmapsto", kArrow},
      Command{"longrightarrow", kArrow},
      Command{"lor", kConjunction, Conjunction::kOr},
      Command{"lt", kRelation, kLess},
      Command{"lvert", kBar},
      Command{"mapsto", kArrow},
      Command{"mathbb", kEnd},
      Command{"mathbf", kEnd},
      Command{"mathcal", kEnd},
      Command{"mathfrak", kEnd},
      Command{"mathscr", kEnd},
      Command{"mathtt", kEnd},
      Command{"max", kFunction, Function::kMax},
      Command{"mid", kBar},
      Command{"middle", kEnd},
      Command{"min", kFunction, Function::kMin},
      Command{"mod", kModulo, Modulo::kBetween},
      Command{"mp", kSign, Sign::kMinusPlus},
      Command{"ne", kRelation, kNotEqual},
      Command{"neq", kRelation, kNotEqual},
      Command{"nicefrac", kFraction},
      Command{"nolimits", kEnd},
      Command{"normalsize", kEnd},
      Command{"over", kOverBar},
      Command{"overline", kAccent, {}, "bar"},
      Command{"overrightarrow", kAccent, {}, "vec"},
      Command{"pi", kConstant, Op::kPi},
      Command{"pm", kSign, Sign::kPlusMinus},
      Command{"pmb", kEnd},
      Command{"pmod", kModulo, Modulo::kBehind},
      Command{"prime", kPrime},
      Command{"prod", kBig, {}, "product"},
      Command{"qquad", kEnd},
      Command{"quad", kEnd},
      Command{"rVert", kBar},
      Command{"rangle", kClose, Bracket::kAngle},
      Command{"rbrace", kClose, Bracket::kSet},
      Command{"rbrack", kClose, Bracket::kSquare},
      Command{"rceil", kClose, Bracket::kCeil},
      Command{"rfloor", kClose, Bracket::kFloor},
      Command{"right", kEnd},
      Command{"rightarrow", kArrow},
      Command{"rm", kEnd},
      Command{"rvert", kBar},
      Command{"scriptstyle", kEnd},
      Command{"sec", kFunction, Function::kSec},
      Command{"setminus", kSetOp, Op::kSetMinus},
      Command{"sfrac", kFraction},
      Command{"sgn", kFunction, Function::kSign},
      Command{"sh", kFunction, Function::kSinh},
      Command{"sim", kRelation, kApproximately},
      Command{"simeq", kRelation, kApproximately},
      Command{"sin", kFunction, Function::kSin},
      Command{"sinh", kFunction, Function::kSinh},
      Command{"slash", kOver},
      Command{"sqrt", kSqrt, 2},
      Command{"subset", kRelation, kSubsetOf},
      Command{"subseteq", kRelation, kSubsetOf},
      Command{"sum", kBig, {}, "sum"},
      Command{"surd", kSqrt, 2},
      Command{"tan", kFunction, Function::kTan},
      Command{"tanh", kFunction, Function::kTanh},
      Command{"tbinom", kBinomial},
      Command{"textstyle", kEnd},
      Command{"tfrac", kFraction},
      Command{"tg", kFunction, Function::kTan},
      Command{"th", kFunction, Function::kTanh},
      Command{"thinspace", kEnd},
      Command{"tilde", kAccent, {}, "tilde"},
      Command{"times", kTimes},
      Command{"to", kArrow},
      Command{"tr", kFunction, Function::kTrace},
      Command{"underline", kEnd},
      Command{"varepsilon", kSymbol, {}, "epsilon"},
      Command{"varnothing", kConstant, Op::kEmptySet},
      Command{"varphi", kSymbol, {}, "phi"},
      Command{"vartheta", kSymbol, {}, "theta"},
      Command{"vec", kAccent, {}, "vec"},
      Command{"vee", kConjunction, Conjunction::kOr},
      Command{"vert", kBar},
      Command{"wedge", kConjunction, Conjunction::kAnd},
      Command{"widehat", kAccent, {}, "hat"},
      Command{"widetilde", kAccent, {}, "tilde"},
  };
  return commands;
}();
static_assert(std::ranges::is_sorted(kCommands, {}, &Command::name));

// Words of plain text.
constexpr auto kWords = [] {
  using enum Lexeme;
  std::array words{
      Command{"abs", kFunction, Function::kAbs},
      Command{"acos", kFunction, Function::kAcos},
      Command{"acosh", kFunction, Function::kAcosh},
      Command{"alpha", kSymbol, {}, "alpha"},
      Command{"and", kConjunction, Conjunction::kAnd},
      Command{"arccos", kFunction, Function::kAcos},
      Command{"arccosh", kFunction, Function::kAcosh},
      Command{"arccot", kFunction, Function::kAcot},
      Command{"arccsc", kFunction, Function::kAcsc},
      Command{"arcctg", kFunction, Function::kAcot},
      Command{"arcosh", kFunction, Function::kAcosh},
      Command{"arcsec", kFunction, Function::kAsec},
      Command{"arcsin", kFunction, Function::kAsin},
      Command{"arcsinh", kFunction, Function::kAsinh},
      Command{"arctan", kFunction, Function::kAtan},
      Command{"arctanh", kFunction, Function::kAtanh},
      Command{"arctg", kFunction, Function::kAtan},
      Command{"arsinh", kFunction, Function::kAsinh},
      Command{"artanh", kFunction, Function::kAtanh},
      Command{"asin", kFunction, Function::kAsin},
      Command{"asinh", kFunction, Function::kAsinh},
      Command{"atan", kFunction, Function::kAtan},
      Command{"atanh", kFunction, Function::kAtanh},
      Command{"beta", kSymbol, {}, "beta"},
      Command{"binom", kBinomial},
      Command{"cbrt", kSqrt, 3},
      Command{"ceil", kFunction, Function::kCeil},
      Command{"cis", kFunction, Cis()},
      Command{"cos", kFunction, Function::kCos},
      Command{"cosh", kFunction, Function::kCosh},
      Command{"cot", kFunction, Function::kCot},
      Command{"coth", kFunction, Function::kCoth},
      Command{"csc", kFunction, Function::kCsc},
      Command{"ctg", kFunction, Function::kCot},
      Command{"deg", kDegree},
      Command{"degree", kDegree},
      Command{"degrees", kDegree},
      Command{"delta", kSymbol, {}, "delta"},
      Command{"det", kFunction, Function::kDeterminant},
      Command{"epsilon", kSymbol, {}, "epsilon"},
      Command{"exp", kFunction, Function::kExp},
      Command{"floor", kFunction, Function::kFloor},
      Command{"frac", kFraction},
      Command{"gamma", kSymbol, {}, "gamma"},
      Command{"gcd", kFunction, Function::kGcd},
      Command{"in", kRelation, kElementOf},
      Command{"inf", kConstant, Op::kInfinity},
      Command{"infinity", kConstant, Op::kInfinity},
      Command{"infty", kConstant, Op::kInfinity},
      Command{"intersection", kSetOp, Op::kIntersection},
      Command{"lambda", kSymbol, {}, "lambda"},
      Command{"lcm", kFunction, Function::kLcm},
      Command{"ln", kFunction, Function::kLn},
      Command{"log", kFunction, Function::kLog},
      Command{"max", kFunction, Function::kMax},
      Command{"min", kFunction, Function::kMin},
      Command{"minus", kSign, Sign::kMinus},
      Command{"mod", kModulo, Modulo::kBetween},
      Command{"negative", kSign, Sign::kMinus},
      Command{"omega", kSymbol, {}, "omega"},
      Command{"oo", kConstant, Op::kInfinity},
      Command{"or", kConjunction, Conjunction::kOr},
      Command{"over", kOver},
      Command{"pct", kPercent},
      Command{"percent", kPercent},
      Command{"percentage", kPercent},
      Command{"pi", kConstant, Op::kPi},
      Command{"plus", kSign, Sign::kPlus},
      Command{"sec", kFunction, Function::kSec},
      Command{"sgn", kFunction, Function::kSign},
      Command{"sigma", kSymbol, {}, "sigma"},
      Command{"sin", kFunction, Function::kSin},
      Command{"sinh", kFunction, Function::kSinh},
      Command{"sqrt", kSqrt, 2},
      Command{"tan", kFunction, Function::kTan},
      Command{"tanh", kFunction, Function::kTanh},
      Command{"tg", kFunction, Function::kTan},
      Command{"theta", kSymbol, {}, "theta"},
      Command{"union", kSetOp, Op::kUnion},
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
    Rune{"½", "\\frac{1}{2}"},
    Rune{"⅓", "\\frac{1}{3}"},
    Rune{"⅔", "\\frac{2}{3}"},
    Rune{"¼", "\\frac{1}{4}"},
    Rune{"¾", "\\frac{3}{4}"},
    Rune{"⅕", "\\frac{1}{5}"},
    Rune{"⅖", "\\frac{2}{5}"},
    Rune{"⅗", "\\frac{3}{5}"},
    Rune{"⅘", "\\frac{4}{5}"},
    Rune{"⅙", "\\frac{1}{6}"},
    Rune{"⅚", "\\frac{5}{6}"},
    Rune{"⅛", "\\frac{1}{8}"},
    Rune{"⅜", "\\frac{3}{8}"},
    Rune{"⅝", "\\frac{5}{8}"},
    Rune{"⅞", "\\frac{7}{8}"},
    Rune{"≤", "\\le "},
    Rune{"≥", "\\ge "},
    Rune{"⩽", "\\le "},
    Rune{"⩾", "\\ge "},
    Rune{"≠", "\\ne "},
    Rune{"≈", "\\approx "},
    Rune{"≡", "\\equiv "},
    Rune{"∶", ":"},
    Rune{"º", "\\degree "},
    Rune{"˚", "\\degree "},
    Rune{"∘", "\\circ "},
    Rune{"⋃", "\\cup "},
    Rune{"⋂", "\\cap "},
    Rune{"↦", "\\mapsto "},
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
    Rune{"⟹", "\\implies "},
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
    Rune{"或", " or "},
    Rune{"且", " and "},
    Rune{"、", ","},
    Rune{"€", "\\text{EUR}"},
    Rune{"£", "\\text{GBP}"},
    Rune{"¥", "\\text{CNY}"},
    Rune{"₹", "\\text{INR}"},
    Rune{"¢", "\\text{cents}"},
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
    Rune{"µ", "\\mu "},
    Rune{"ρ", "\\rho "},
    Rune{"σ", "\\sigma "},
    Rune{"τ", "\\tau "},
    Rune{"φ", "\\phi "},
    Rune{"ω", "\\omega "},
    Rune{"ξ", "\\xi "},
    Rune{"ψ", "\\psi "},
    Rune{"Δ", "\\Delta "},
    Rune{"Ω", "\\Omega "},
    Rune{"Ω", "\\Omega "},
    Rune{"℃", "\\degree C"},
    Rune{"℉", "\\degree F"},
    Rune{"Γ", "\\Gamma "},
    Rune{"ℝ", "\\mathbb{R}"},
    Rune{"ℤ", "\\mathbb{Z}"},
    Rune{"ℕ", "\\mathbb{N}"},
    Rune{"ℚ", "\\mathbb{Q}"},
    Rune{"ℂ", "\\mathbb{C}"},
};

// Raised and lowered signs.
constexpr std::array kRaised{Rune{"⁰", "0"}, Rune{"¹", "1"}, Rune{"²", "2"}, Rune{"³", "3"},
                             Rune{"⁴", "4"}, Rune{"⁵", "5"}, Rune{"⁶", "6"}, Rune{"⁷", "7"},
                             Rune{"⁸", "8"}, Rune{"⁹", "9"}, Rune{"⁺", "+"}, Rune{"⁻", "-"},
                             Rune{"⁽", "("}, Rune{"⁾", ")"}, Rune{"ⁿ", "n"}, Rune{"ⁱ", "i"}};
constexpr std::array kLowered{Rune{"₀", "0"}, Rune{"₁", "1"}, Rune{"₂", "2"}, Rune{"₃", "3"},
                              Rune{"₄", "4"}, Rune{"₅", "5"}, Rune{"₆", "6"}, Rune{"₇", "7"},
                              Rune{"₈", "8"}, Rune{"₉", "9"}, Rune{"₊", "+"}, Rune{"₋", "-"},
                              Rune{"ₙ", "n"}};

// What the run of such signs at the start of `text` says; its size in bytes.
template <size_t n>
size_t ScriptRun(const std::array<Rune, n>& signs, std::string_view text, std::string& said) {
  size_t size = 0;
  while (true) {
    const auto sign = std::ranges::find_if(
        signs, [&](const Rune& r) { return text.substr(size).starts_with(r.utf8); });
    if (sign == signs.end()) return size;
    said += sign->latex;
    size += sign->utf8.size();
  }
}

// Adds the exponent, index or fraction (³⁄₄) at the start of `text`; its size, 0 for none.
size_t Script(std::string_view text, std::string& latex) {
  std::string said, below;
  if (const size_t size = ScriptRun(kLowered, text, said); size > 0) {
    latex += "_{" + said + "}";
    return size;
  }
  const size_t size = ScriptRun(kRaised, text, said);
  if (size == 0) return 0;
  for (const std::string_view bar : {"/", "⁄"}) {
    if (!text.substr(size).starts_with(bar)) continue;
    const size_t under = ScriptRun(kLowered, text.substr(size + bar.size()), below);
    if (under == 0) continue;
    latex += "\\frac{" + said + "}{" + below + "}";
    return size + bar.size() + under;
  }
  latex += "^{" + said + "}";
  return size;
}

// The ASCII digit or letter that a full-width or mathematical one stands for; 0 for others.
char PlainLetter(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  int letter = 0;
  if (text.starts_with("\xEF\xBC") || text.starts_with("\xEF\xBD")) {
    letter = byte(2) - 0x80 + (byte(1) == 0xBC ? 0x20 : 0x60);
  } else if (text.starts_with("\xF0\x9D") && text.size() >= 4) {
    const int code = 0xD000 + ((byte(2) & 0x3F) << 6) + (byte(3) & 0x3F);
    if (code >= 0xD7CE) letter = '0' + (code - 0xD7CE) % 10;
    if (code >= 0xD400 && code < 0xD6A4) {
      const int nth = (code - 0xD400) % 52;
      letter = nth < 26 ? 'A' + nth : 'a' + nth - 26;
    }
  }
  const char plain = static_cast<char>(letter);
  return letter < 0x80 && (IsDigit(plain) || IsLetter(plain)) ? plain : '\0';
}

// ①②: the numbers, with commas between those that touch; the size of the first, 0 for none.
size_t Circled(std::string_view text, std::string& latex) {
  if (!text.starts_with("\xE2\x91") || text.size() < 3) return 0;
  const int nth = static_cast<unsigned char>(text[2]) - 0xA0;
  if (nth < 0 || nth > 19) return 0;
  latex += std::to_string(nth + 1);
  latex += text.substr(3).starts_with("\xE2\x91") ? "," : " ";
  return 3;
}

// A letter of another script: with those that follow it a text. Other signs are nothing.
size_t Foreign(std::string_view text, std::string& latex) {
  constexpr size_t kLongest = 400;
  const auto letter = [&](size_t at) -> size_t {
    const auto byte = [&](size_t i) {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const unsigned lead = byte(0);
    size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    while (size > 1 && (byte(size - 1) & 0xC0) != 0x80) --size;
    const bool two =
        lead >= 0xC3 && lead <= 0xDF && size == 2 && !(lead == 0xC3 && byte(1) == 0x97);
    // Indic to Ethiopic; CJK, kana and Hangul.
    const bool three =
        size == 3 && ((lead == 0xE0) || (lead == 0xE1) || (lead == 0xE3 && byte(1) >= 0x81) ||
                      (lead >= 0xE4 && lead <= 0xED));
    return two || three ? size : 0;
  };
  const auto known = [&](size_t at) {
    return std::ranges::any_of(kRunes,
                               [&](const Rune& r) { return text.substr(at).starts_with(r.utf8); });
  };
  size_t end = 0;
  while (end < kLongest) {
    const size_t size = letter(end);
    if (size == 0 || (end > 0 && known(end))) break;
    end += size;
  }
  if (end == 0) {
    end = 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    latex += ' ';
    return end;
  }
  latex += "\\text{";
  latex += text.substr(0, end);
  latex += '}';
  return end;
}

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
    const std::string_view rest = answer.substr(i);
    if (static_cast<signed char>(rest[0]) >= 0) {
      latex += rest[0];
      ++i;
    } else if (const char plain = PlainLetter(rest); plain != 0) {
      latex += plain;
      i += rest[0] == '\xF0' ? 4u : 3u;
    } else if (const size_t size = Script(rest, latex); size > 0) {
      i += size;
    } else if (const auto rune = std::ranges::find_if(
                   kRunes, [&](const Rune& r) { return rest.starts_with(r.utf8); });
               rune != kRunes.end()) {
      latex += rune->latex;
      i += rune->utf8.size();
    } else if (const size_t digit = Circled(rest, latex); digit > 0) {
      i += digit;
    } else {
      i += Foreign(rest, latex);
    }
  }
  return latex;
}

}  // namespace retort::verifiers
