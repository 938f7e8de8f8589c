#include "model/internal/jinja_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace retort::model::jinja {
namespace {

using Range = std::pair<char32_t, char32_t>;

template <size_t n>
bool In(const std::array<Range, n>& ranges, char32_t value) {
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return range.first <= value && value <= range.second; });
}

// Assigned code points that str.isprintable() denies, and the planes where nothing is assigned.
// Single gaps that later versions of Unicode fill are taken for printable.
constexpr std::array<Range, 31> kUnprintable = {
    {{0x00, 0x1F},       {0x7F, 0xA0},        {0xAD, 0xAD},
     {0x600, 0x605},     {0x61C, 0x61C},      {0x6DD, 0x6DD},
     {0x70F, 0x70F},     {0x890, 0x891},      {0x8E2, 0x8E2},
     {0x1680, 0x1680},   {0x180E, 0x180E},    {0x2000, 0x200F},
     {0x2028, 0x202F},   {0x205F, 0x206F},    {0x3000, 0x3000},
     {0xD800, 0xF8FF},   {0xFDD0, 0xFDEF},    {0xFEFF, 0xFEFF},
     {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},    {0x110BD, 0x110BD},
     {0x110CD, 0x110CD}, {0x13430, 0x13438},  {0x1BCA0, 0x1BCA3},
     {0x1D173, 0x1D17A}, {0x1FFFE, 0x1FFFF},  {0x2FFFE, 0x2FFFF},
     {0x323B0, 0xE00FF}, {0xE01F0, 0x10FFFF}, {0xFFFFFFFF, 0xFFFFFFFF},
     {0x2065, 0x2065}}};

constexpr std::array<Range, 19> kCaseless = {{{0x80, 0xA9},
                                              {0xAB, 0xB4},
                                              {0xB6, 0xB9},
                                              {0xBB, 0xBF},
                                              {0xD7, 0xD7},
                                              {0xF7, 0xF7},
                                              {0x591, 0x109F},
                                              {0x1100, 0x139F},
                                              {0x1780, 0x1C7F},
                                              {0x2000, 0x206F},
                                              {0x20A0, 0x20FF},
                                              {0x2190, 0x24B5},
                                              {0x2500, 0x2BFF},
                                              {0x2E80, 0xA63F},
                                              {0xAC00, 0xD7FF},
                                              {0xF900, 0xFAFF},
                                              {0xFE00, 0xFF20},
                                              {0x1F000, 0x1F12F},
                                              {0x1F18A, 0x323AF}}};

// Upper case in `upper`, every `step`; the lower case `distance` further.
struct Letters {
  Range upper;
  char32_t step, distance;
};
constexpr std::array<Letters, 9> kLetters = {{{{'A', 'Z'}, 1, 32},
                                              {{0xC0, 0xD6}, 1, 32},
                                              {{0xD8, 0xDE}, 1, 32},
                                              {{0x100, 0x12E}, 2, 1},
                                              {{0x139, 0x147}, 2, 1},
                                              {{0x14A, 0x176}, 2, 1},
                                              {{0x179, 0x17D}, 2, 1},
                                              {{0x400, 0x40F}, 1, 80},
                                              {{0x410, 0x42F}, 1, 32}}};

// The set a letter is in and whether it is upper case there.
std::pair<const Letters*, Case> LettersOf(char32_t value) {
  for (const Letters& letters : kLetters) {
    const auto has = [&](char32_t upper) {
      return letters.upper.first <= upper && upper <= letters.upper.second &&
             (upper - letters.upper.first) % letters.step == 0;
    };
    if (has(value)) return {&letters, Case::kUpper};
    if (value >= letters.distance && has(value - letters.distance)) return {&letters, Case::kLower};
  }
  return {nullptr, Case::kNone};
}

char32_t To(Case wanted, char32_t value) {
  if (CaseOf(value) == Case::kNone) return value;
  const auto [letters, is] = LettersOf(value);
  if (is == wanted) return value;
  return wanted == Case::kLower ? value + letters->distance : value - letters->distance;
}

// Each code point as `cased` says, which is asked in order.
template <class Cased>
std::string Recase(std::string_view text, const Cased& cased) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const Case wanted = cased(at);
    if (point.value == kNoCodePoint) {
      out += text[at];
    } else {
      AppendCodePoint(out, To(wanted, point.value));
    }
    at += point.bytes;
  }
  return out;
}

// \x41, \u0041 or \U00000041: as many digits as it takes.
void AppendEscape(std::string& out, const char* format, unsigned value) {
  char spelled[16];
  std::snprintf(spelled, sizeof spelled, format, value);
  out += spelled;
}

}  // namespace

CodePoint CodePointAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const char32_t first = byte(at);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return {kNoCodePoint, 1};
  char32_t value = first & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80) return {kNoCodePoint, 1};
    value = (value << 6) | (byte(at + i) & 0x3Fu);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  if (overlong || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {kNoCodePoint, 1};
  return {value, bytes};
}

void AppendCodePoint(std::string& text, char32_t value) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xC0 | (value >> 6));
  } else if (value < 0x10000) {
    put(0xE0 | (value >> 12));
    put(0x80 | ((value >> 6) & 0x3F));
  } else {
    put(0xF0 | (value >> 18));
    put(0x80 | ((value >> 12) & 0x3F));
    put(0x80 | ((value >> 6) & 0x3F));
  }
  put(0x80 | (value & 0x3F));
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += CodePointAt(text, at).bytes) ++count;
  return count;
}

size_t OffsetOf(std::string_view text, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += CodePointAt(text, at).bytes;
  return at;
}

bool IsSpace(char32_t value) {
  return (value >= 0x09 && value <= 0x0D) || (value >= 0x1C && value <= 0x20) || value == 0x85 ||
         value == 0xA0 || value == 0x1680 || (value >= 0x2000 && value <= 0x200A) ||
         value == 0x2028 || value == 0x2029 || value == 0x202F || value == 0x205F ||
         value == 0x3000;
}

bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view StripLeft(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = CodePointAt(text, 0);
    if (!IsSpace(point.value)) break;
    text.remove_prefix(point.bytes);
  }
  return text;
}

std::string_view StripRight(std::string_view text) {
  while (!text.empty()) {
    size_t at = text.size() - 1;
    while (at > 0 && text.size() - at < 4 &&
           (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
      --at;
    }
    const CodePoint point = CodePointAt(text, at);
    if (!IsSpace(point.value) || at + point.bytes != text.size()) break;
    text.remove_suffix(point.bytes);
  }
  return text;
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const char32_t c = point.value;
    const bool ends = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
                      c == 0x2028 || c == 0x2029;
    const size_t end = at;
    at += point.bytes;
    if (!ends) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(begin, end - begin));
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

size_t Find(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  // The standard library's search is quadratic.
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

Case CaseOf(char32_t value) {
  if (value == kNoCodePoint) return Case::kNone;
  const auto [letters, is] = LettersOf(value);
  if (letters != nullptr || value < 0x80 || In(kCaseless, value)) return is;
  std::string shown;
  AppendCodePoint(shown, value);
  Fail("upper and lower case of '", shown, "' are not implemented");
}

std::string Upper(std::string_view text) {
  return Recase(text, [](size_t) { return Case::kUpper; });
}

std::string Lower(std::string_view text) {
  return Recase(text, [](size_t) { return Case::kLower; });
}

std::string Capitalize(std::string_view text) {
  return Recase(text, [](size_t at) { return at == 0 ? Case::kUpper : Case::kLower; });
}

std::string ReprText(std::string_view text) {
  const bool single = text.find('\'') != std::string_view::npos;
  const char quote = single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const char32_t c = point.value;
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += text[at];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == kNoCodePoint || !In(kUnprintable, c)) {
      out += text.substr(at, point.bytes);
    } else {
      AppendEscape(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    at += point.bytes;
  }
  return out += quote;
}

std::string ReprFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The shortest digits that read back, d.ddde±xx, laid out as Python does.
  char text[32];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string_view shortest(text, static_cast<size_t>(end - text));
  const size_t e = shortest.find('e');
  int exponent = 0;
  const size_t sign = shortest[e + 1] == '+' ? 2 : 1;
  std::from_chars(shortest.data() + e + sign, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shortest);
  std::string digits;
  for (const char c : shortest.substr(0, e)) {
    if (IsAsciiDigit(c)) digits += c;
  }
  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string JsonText(std::string_view text, bool ensure_ascii) {
  constexpr std::string_view kShort = "\"\"\\\\\nn\rr\tt\ff\bb";
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const auto [value, bytes] = CodePointAt(text, at);
    const size_t known = value < 0x80 ? kShort.find(text[at]) : std::string_view::npos;
    if (known != std::string_view::npos && known % 2 == 0) {
      out += '\\';
      out += kShort[known + 1];
    } else if (value < 0x20 || (ensure_ascii && value >= 0x7F && value < 0x10000)) {
      AppendEscape(out, "\\u%04x", value);
    } else if (ensure_ascii && value != kNoCodePoint && value >= 0x10000) {
      AppendEscape(out, "\\u%04x", 0xD800 + ((value - 0x10000) >> 10));
      AppendEscape(out, "\\u%04x", 0xDC00 + ((value - 0x10000) & 0x3FF));
    } else {
      out += text.substr(at, bytes);
    }
    at += bytes;
  }
  return out += '"';
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace retort::model::jinja
