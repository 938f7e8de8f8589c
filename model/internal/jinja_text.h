#pragma once
// Text as Python sees it: UTF-8 whose unit is the code point. A byte that belongs to none counts as
// one, so that any bytes can pass through.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace retort::model::jinja {

struct CodePoint {
  char32_t value;  ///< kNoCodePoint for a stray byte
  size_t bytes;
};
inline constexpr char32_t kNoCodePoint = 0xFFFFFFFF;

/// The one that begins at `at`, which is inside the text.
CodePoint CodePointAt(std::string_view text, size_t at);
void AppendCodePoint(std::string& text, char32_t value);
size_t CountCodePoints(std::string_view text);
/// Where code point number `index` begins; the end of the text when there are fewer.
size_t OffsetOf(std::string_view text, size_t index);

/// What str.isspace() and `\s` hold for white space.
bool IsSpace(char32_t value);
bool IsAsciiDigit(char c);
bool IsAsciiLetter(char c);
/// Without the white space at its ends.
std::string_view StripLeft(std::string_view text);
std::string_view StripRight(std::string_view text);
/// Lines without what ends them, as str.splitlines().
std::vector<std::string_view> SplitLines(std::string_view text);

/// The first occurrence at or after `from`, or npos. Linear whatever the texts.
size_t Find(std::string_view text, std::string_view part, size_t from = 0);

enum class Case { kUpper, kLower, kNone };
/// Case of the scripts that have none and of Latin, Cyrillic and what else maps one to one; throws
/// Error on the rest, rather than guess.
Case CaseOf(char32_t value);
std::string Upper(std::string_view text);
std::string Lower(std::string_view text);
/// The first code point in upper case, the rest in lower.
std::string Capitalize(std::string_view text);

/// As repr() writes them.
std::string ReprText(std::string_view text);
std::string ReprFloat(double value);
/// As json.dumps() writes it.
std::string JsonText(std::string_view text, bool ensure_ascii);
/// & < > ' " as HTML entities.
std::string EscapeHtml(std::string_view text);

}  // namespace retort::model::jinja
