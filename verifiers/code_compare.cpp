#include "verifiers/code_compare.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "verifiers/ascii.h"

namespace retort::verifiers {

namespace {

bool Near(double got, double expected, double tolerance) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return true;
  return std::abs(got - expected) <= tolerance * std::max(1.0, std::abs(expected)) &&
         std::isfinite(expected);
}

bool IsInteger(const Json& value) { return value.is_number_integer(); }

// The double nearest to a hexadecimal integer ("-1f") or float ("0x1.8p+1", "nan").
double ToDouble(const WireValue& number) {
  if (number.tag == 'f') return std::strtod(number.text.c_str(), nullptr);
  const bool negative = number.text.starts_with('-');
  const double magnitude = std::strtod(("0x" + number.text.substr(negative)).c_str(), nullptr);
  return negative ? -magnitude : magnitude;
}

bool SameInteger(const WireValue& got, const Json& expected) {
  return "i" + got.text + ";" == ToWire(expected);
}

bool SameNumber(const WireValue& got, const Json& expected, double tolerance) {
  if (got.tag == 'i' && IsInteger(expected)) return SameInteger(got, expected);
  return Near(ToDouble(got), expected.get<double>(), tolerance);
}

// As json.dumps writes a key.
std::optional<std::string> KeyText(const WireValue& key) {
  switch (key.tag) {
    case 's':
      return key.text;
    case 'N':
      return "null";
    case 'T':
      return "true";
    case 'F':
      return "false";
    case 'f':
      return FormatNumber(ToDouble(key));
    case 'i': {
      int64_t number = 0;
      const char* end = key.text.data() + key.text.size();
      const auto [stop, error] = std::from_chars(key.text.data(), end, number, 16);
      if (error != std::errc() || stop != end) return std::nullopt;
      return std::to_string(number);
    }
    default:
      return std::nullopt;
  }
}

bool SameDict(const WireValue& got, const Json& expected, double tolerance) {
  if (!expected.is_object() || got.items.size() != 2 * expected.size()) return false;
  std::set<std::string> seen;  // 1 and "1" are one key of JSON
  for (size_t i = 0; i < got.items.size(); i += 2) {
    const auto key = KeyText(got.items[i]);
    if (!key || !seen.insert(*key).second) return false;
    const auto found = expected.find(*key);
    if (found == expected.end() || !SameResult(got.items[i + 1], *found, tolerance)) return false;
  }
  return true;
}

bool SameSequence(const WireValue& got, const Json& expected, double tolerance) {
  if (!expected.is_array() || got.items.size() != expected.size()) return false;
  for (size_t i = 0; i < got.items.size(); ++i) {
    if (!SameResult(got.items[i], expected[i], tolerance)) return false;
  }
  return true;
}

// Each item takes an equal one away. Quadratic, so bounded.
bool SameSet(const WireValue& got, const Json& expected, double tolerance) {
  constexpr size_t kMaxItems = 5'000;
  if (!expected.is_array() || got.items.size() != expected.size()) return false;
  if (got.items.size() > kMaxItems) return false;
  std::vector<bool> taken(expected.size());
  for (const WireValue& item : got.items) {
    size_t i = 0;
    while (i < expected.size() && (taken[i] || !SameResult(item, expected[i], tolerance))) ++i;
    if (i == expected.size()) return false;
    taken[i] = true;
  }
  return true;
}

bool SameJson(const Json& got, const Json& expected, double tolerance) {
  if (got.is_number() && expected.is_number()) {
    if (IsInteger(got) && IsInteger(expected)) return got == expected;
    return Near(got.get<double>(), expected.get<double>(), tolerance);
  }
  if (got.type() != expected.type()) return false;
  if (!got.is_structured()) return got == expected;
  if (got.size() != expected.size()) return false;
  for (const auto& [key, value] : got.items()) {
    if (got.is_array()) {
      if (!SameJson(value, expected[std::stoul(key)], tolerance)) return false;
    } else {
      const auto found = expected.find(key);
      if (found == expected.end() || !SameJson(value, *found, tolerance)) return false;
    }
  }
  return true;
}

bool SameJsonText(std::string_view got, std::string_view expected, double tolerance) {
  try {
    return SameJson(ParseJson(got, "output"), ParseJson(expected, "expected"), tolerance);
  } catch (const Error&) {
    return false;
  }
}

std::string_view NextToken(std::string_view& text) {
  size_t begin = 0;
  while (begin < text.size() && IsSpace(text[begin])) ++begin;
  size_t end = begin;
  while (end < text.size() && !IsSpace(text[end])) ++end;
  const std::string_view token = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return token;
}

// A decimal number, all of it; no "nan", no "0x1".
std::optional<double> TokenNumber(std::string_view token) {
  if (token.starts_with('+')) token.remove_prefix(1);
  const bool digits =
      !token.empty() && token.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  if (!digits) return std::nullopt;
  double value = 0;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || stop != token.data() + token.size()) return std::nullopt;
  return value;
}

bool SameTokens(std::string_view got, std::string_view expected, std::optional<double> tolerance) {
  while (true) {
    const std::string_view mine = NextToken(got), theirs = NextToken(expected);
    if (mine.empty() || theirs.empty()) return mine.empty() && theirs.empty();
    if (mine == theirs) continue;
    if (!tolerance) return false;
    const auto a = TokenNumber(mine), b = TokenNumber(theirs);
    if (!a || !b || !Near(*a, *b, *tolerance)) return false;
  }
}

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view NextLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return TrimEnd(line);
}

bool SameLines(std::string_view got, std::string_view expected) {
  got = TrimEnd(got);
  expected = TrimEnd(expected);
  while (!got.empty() && !expected.empty()) {
    if (NextLine(got) != NextLine(expected)) return false;
  }
  return got.empty() && expected.empty();
}

}  // namespace

bool SameResult(const WireValue& got, const Json& expected, double tolerance) {
  switch (got.tag) {
    case 'N':
      return expected.is_null();
    case 'T':
    case 'F':
      return expected.is_boolean() && expected.get<bool>() == (got.tag == 'T');
    case 'i':
    case 'f':
      return expected.is_number() && SameNumber(got, expected, tolerance);
    case 's':
      return expected.is_string() && expected.get_ref<const std::string&>() == got.text;
    case 'l':
    case 't':
      return SameSequence(got, expected, tolerance);
    case 'e':
    case 'z':
      return SameSet(got, expected, tolerance);
    case 'd':
      return SameDict(got, expected, tolerance);
    default:
      return false;
  }
}

bool SameOutput(std::string_view got, std::string_view expected, OutputRule rule,
                std::optional<double> tolerance) {
  switch (rule) {
    case OutputRule::kJson:
      return SameJsonText(got, expected, tolerance.value_or(0));
    case OutputRule::kTokens:
      return SameTokens(got, expected, tolerance);
    case OutputRule::kText:
      return tolerance ? SameTokens(got, expected, tolerance) : SameLines(got, expected);
  }
  return false;
}

}  // namespace retort::verifiers
