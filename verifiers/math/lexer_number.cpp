// Numbers: separators of thousands, decimal points and commas, repetends, exponents of ten.

#include <algorithm>
#include <array>

#include "verifiers/math/internal/lexer-inl.h"

namespace retort::verifiers {

namespace {

bool IsHexadecimal(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'f'); }

}  // namespace

// A separator of thousands at `at`, outside of brackets also a plain comma or space; 0 for none.
size_t Lexer::Separator(size_t at, bool plain) const {
  constexpr std::array<std::string_view, 15> kMarks{"\\!,\\!", "{,}",   "{, }",   " {, }", " {,}",
                                                    ",\\!",    ", \\!", "{,\\!}", "\\,",   "\\!",
                                                    "\\ ",     "\\;",   "~",      "'",     "_"};
  if (std::string_view("{ ,\\~'_").find(At(at)) == std::string_view::npos) return 0;
  for (const std::string_view mark : kMarks) {
    if (s_.substr(at).starts_with(mark)) return SkipGaps(at + mark.size()) - at;
  }
  if (plain && (At(at) == ',' || At(at) == ' ')) return 1;
  return 0;
}

bool Lexer::IsGroup(size_t at) const {
  return IsDigit(At(at)) && IsDigit(At(at + 1)) && IsDigit(At(at + 2)) && !IsDigit(At(at + 3));
}

// "1,000" and the like: the digits from i_ on, at first up to `end`; where they end.
size_t Lexer::JoinGroups(size_t end, std::string& joined) {
  const size_t first_end = end;
  const bool plain = brackets_ == 0;
  const char kind = At(end);
  // 1.000.000: two points cannot both be decimal.
  const bool points = kind == '.' && IsGroup(end + 1) && At(end + 4) == '.' && IsGroup(end + 5);
  const auto separator = [&](size_t at) {
    return points ? size_t{At(at) == '.'} : kind == '.' ? 0 : Separator(at, plain);
  };
  while (At(end) == kind) {
    const size_t skip = separator(end);
    if (skip == 0 || !IsGroup(end + skip)) break;
    if (joined.empty()) joined = s_.substr(i_, first_end - i_);
    joined += s_.substr(end + skip, 3);
    end += skip + 3;
  }
  if (kind == ',' && At(end) == ',' && IsDigit(At(end + 1))) {  // 100,200,3 is a list
    list_end_ = end;                                            // each of its numbers is one
    joined.clear();
    return first_end;
  }
  return end;
}

// 0x2A, and 2A_{16}, which has a letter in it. Such numbers carry their base.
bool Lexer::Hexadecimal() {
  const bool prefix = At(i_) == '0' && (Lower(At(i_ + 1)) == 'x' || Lower(At(i_ + 1)) == 'b');
  const int base = prefix && Lower(At(i_ + 1)) == 'b' ? 2 : 16;
  size_t begin = i_ + (prefix ? 2 : 0), end = begin;
  while (IsHexadecimal(At(end))) ++end;
  const std::string_view digits = s_.substr(begin, end - begin);
  if (prefix) {
    const bool binary = digits.find_first_not_of("01") == std::string_view::npos;
    if (digits.empty() || IsLetter(At(end)) || (base == 2 && !binary)) return false;
  } else {
    if (std::ranges::all_of(digits, IsDigit)) return false;
    const std::string_view rest = s_.substr(end);
    if (!rest.starts_with("_{16}") && !rest.starts_with("_16")) return false;
    end += rest[1] == '{' ? 5 : 3;
  }
  i_ = end;
  Push(Lexeme::kNumber, base, digits);
  return true;
}

void Lexer::Number() {
  if (Hexadecimal()) return;
  size_t end = i_;
  while (IsDigit(At(end))) ++end;
  std::string_view digits = s_.substr(i_, end - i_);
  std::string joined;
  const bool may_join = i_ >= list_end_ && digits.size() <= 3;
  if (may_join && !digits.empty() && digits[0] != '0') end = JoinGroups(end, joined);
  if (joined.empty() && !digits.empty() && s_.substr(end).starts_with("{,}") &&
      IsDigit(At(end + 3))) {  // 0{,}5
    joined = digits;
    joined += '.';
    for (end += 3; IsDigit(At(end)); ++end) joined += At(end);
  }
  const bool decimal = At(end) == '.' && IsDigit(At(end + 1));
  if (decimal) {
    const size_t point = end++;
    while (IsDigit(At(end))) ++end;
    if (!joined.empty()) joined += s_.substr(point, end - point);
  } else if (At(end) == '.' && !RepetendAt(end + 1, true).digits.empty()) {
    ++end;
  }
  const bool point = end > i_ && s_.substr(i_, end - i_).find('.') != std::string_view::npos;
  if (joined.empty()) {
    digits = s_.substr(i_, end - i_);
    if (digits.ends_with('.')) digits.remove_suffix(1);
    if (digits.empty()) digits = "0";
  } else {
    digits = tree_.Keep(std::move(joined));
  }
  i_ = end;
  if (const size_t period = Period(digits); period > 0) {
    Push(Lexeme::kNumber, 0, digits.substr(0, digits.size() - period));
    return Push(Lexeme::kRepetend, {}, digits.substr(digits.size() - period));
  }
  Push(Lexeme::kNumber, 0, digits);
  if (const Repetend repetend = RepetendAt(i_, point); !repetend.digits.empty()) {
    i_ = repetend.end;
    return Push(Lexeme::kRepetend, {}, repetend.digits);
  }
  Exponent();
}

// 0.333…, 0.1212…: how many digits go on for ever where dots follow; i_ moves behind the dots.
size_t Lexer::Period(std::string_view digits) {
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

// \overline{12}, \bar3, \dot{1}4\dot{2} or, behind a decimal point, (12) at `at`.
Lexer::Repetend Lexer::RepetendAt(size_t at, bool decimal) {
  const auto digits_from = [&](size_t begin) {
    size_t end = begin;
    while (IsDigit(At(end))) ++end;
    return s_.substr(std::min(begin, s_.size()), end - begin);
  };
  if (decimal && At(at) == '(') {
    const std::string_view digits = digits_from(at + 1);
    const size_t end = at + 1 + digits.size();
    const bool more =
        At(end + 1) == '^' || At(end + 1) == '(' || IsDigit(At(end + 1)) || IsLetter(At(end + 1));
    if (digits.empty() || At(end) != ')' || more) return {};
    return {digits, end + 1};
  }
  for (const std::string_view name : {"\\overline", "\\bar", "\\dot"}) {
    if (!s_.substr(std::min(at, s_.size())).starts_with(name)) continue;
    size_t begin = SkipGaps(at + name.size());
    const bool group = At(begin) == '{';
    if (group) ++begin;
    std::string_view digits = digits_from(begin);
    if (digits.empty() || (group && At(begin + digits.size()) != '}')) return {};
    if (!group) digits = digits.substr(0, 1);
    const size_t end = begin + digits.size() + (group ? 1 : 0);
    if (name != "\\dot") return {digits, end};
    // The last of the digits that repeat has a dot, too.
    const std::string_view middle = digits_from(end);
    const size_t dot = end + middle.size();
    for (const std::string_view last : {"\\dot{", "\\dot ", "\\dot"}) {
      if (!s_.substr(std::min(dot, s_.size())).starts_with(last)) continue;
      const size_t digit = dot + last.size();
      const bool closed = last.back() != '{' || At(digit + 1) == '}';
      if (!IsDigit(At(digit)) || !closed) return {};
      std::string all(digits);
      all += middle;
      all += At(digit);
      return {tree_.Keep(std::move(all)), digit + (last.back() == '{' ? 2 : 1)};
    }
    return {digits, end};
  }
  return {};
}

// 1.5e-3, 1e10; "2e" is twice Euler's number.
void Lexer::Exponent() {
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
  Push(Lexeme::kOpen, Bracket::kGroup);
  if (minus) Push(Lexeme::kSign, Sign::kMinus);
  Push(Lexeme::kNumber, 0, exponent);
  Push(Lexeme::kClose, Bracket::kGroup);
}

}  // namespace retort::verifiers
