#include "verifiers/code_compare.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
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

size_t OwnWork(const WireValue& value) { return 1 + value.text.size() / 64; }

size_t WorkOf(const WireValue& value) {
  size_t work = OwnWork(value);
  for (const WireValue& item : value.items) work += WorkOf(item);
  return work;
}

// What values that are the same have in common, so that they meet when they are sorted by it.
// Numbers sort by size, the order of a list does not count: in JSON a set is one.
std::string SortKey(double number) {
  const auto bits = std::bit_cast<uint64_t>(number == 0 ? 0 : number);
  const uint64_t ordered = bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
  char text[20];
  std::snprintf(text, sizeof text, "n%016llx", static_cast<unsigned long long>(ordered));
  return text;
}

std::string SortKey(char tag, std::vector<std::string> parts) {
  std::ranges::sort(parts);
  return StrCat(tag, parts.size(), ":", Join(parts, ""));
}

std::string SortKey(const Json& value) {
  if (value.is_number()) return SortKey(value.get<double>());
  if (!value.is_structured()) return ToWire(value);
  std::vector<std::string> parts;
  for (const auto& [key, item] : value.items()) {
    parts.push_back(value.is_object() ? ToWireText(key) + SortKey(item) : SortKey(item));
  }
  return SortKey(value.is_object() ? 'd' : 'l', std::move(parts));
}

std::string SortKey(const WireValue& value) {
  switch (value.tag) {
    case 'i':
    case 'f':
      return SortKey(ToDouble(value));
    case 's':
      return ToWireText(value.text);
    case 'N':
    case 'T':
    case 'F':
      return std::string(1, value.tag);
    default:
      break;
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < value.items.size(); ++i) {
    const bool is_key = value.tag == 'd' && i % 2 == 0;
    std::string part = is_key ? ToWireText(KeyText(value.items[i]).value_or("")) : "";
    i += is_key;
    parts.push_back(part + SortKey(value.items[i]));
  }
  return SortKey(value.tag == 'd' ? 'd' : 'l', std::move(parts));
}

template <class Item>
std::vector<const Item*> Sorted(const std::vector<Item>& items) {
  std::vector<std::pair<std::string, const Item*>> keyed;
  for (const Item& item : items) keyed.emplace_back(SortKey(item), &item);
  std::ranges::sort(keyed, {}, [](const auto& pair) -> const std::string& { return pair.first; });
  std::vector<const Item*> sorted;
  for (const auto& [key, item] : keyed) sorted.push_back(item);
  return sorted;
}

// Compares a result with what was expected. Items of a set may have to be tried one by one, so the
// work is bounded: a result that takes more is another one.
class Comparison {
 public:
  Comparison(const WireValue& got, double tolerance)
      : tolerance_(tolerance), most_work_(1000 * WorkOf(got)) {}

  bool Same(const WireValue& got, const Json& expected) {
    work_ += OwnWork(got);
    if (work_ > most_work_) return false;
    switch (got.tag) {
      case 'N':
        return expected.is_null();
      case 'T':
      case 'F':
        return expected.is_boolean() && expected.get<bool>() == (got.tag == 'T');
      case 'i':
      case 'f':
        return expected.is_number() && SameNumber(got, expected);
      case 's':
        return expected.is_string() && expected.get_ref<const std::string&>() == got.text;
      case 'l':
      case 't':
        return SameSequence(got, expected);
      case 'e':
      case 'z':
        return SameSet(got, expected);
      case 'd':
        return SameDict(got, expected);
      default:
        return false;
    }
  }

 private:
  bool SameNumber(const WireValue& got, const Json& expected) const {
    if (got.tag == 'i' && IsInteger(expected)) return "i" + got.text + ";" == ToWire(expected);
    return Near(ToDouble(got), expected.get<double>(), tolerance_);
  }

  bool SameSequence(const WireValue& got, const Json& expected) {
    if (!expected.is_array() || got.items.size() != expected.size()) return false;
    for (size_t i = 0; i < got.items.size(); ++i) {
      if (!Same(got.items[i], expected[i])) return false;
    }
    return true;
  }

  bool SameDict(const WireValue& got, const Json& expected) {
    if (!expected.is_object() || got.items.size() != 2 * expected.size()) return false;
    std::set<std::string> seen;  // 1 and "1" are one key of JSON
    for (size_t i = 0; i < got.items.size(); i += 2) {
      const auto key = KeyText(got.items[i]);
      if (!key || !seen.insert(*key).second) return false;
      const auto found = expected.find(*key);
      if (found == expected.end() || !Same(got.items[i + 1], *found)) return false;
    }
    return true;
  }

  // Each item takes an equal one away: the one of its place in order, or any that is left.
  bool SameSet(const WireValue& got, const Json& expected) {
    if (!expected.is_array() || got.items.size() != expected.size()) return false;
    work_ += WorkOf(got);  // to sort
    if (work_ > most_work_) return false;
    const auto mine = Sorted(got.items);
    const auto theirs = Sorted(expected.get_ref<const Json::array_t&>());
    std::vector<const WireValue*> others;
    std::vector<const Json*> left;
    for (size_t i = 0; i < mine.size(); ++i) {
      if (Same(*mine[i], *theirs[i])) continue;
      others.push_back(mine[i]);
      left.push_back(theirs[i]);
    }
    return std::ranges::all_of(others, [&](const WireValue* item) {
      const auto equal = std::ranges::find_if(
          left, [&](const Json* one) { return work_ <= most_work_ && Same(*item, *one); });
      if (equal == left.end()) return false;
      *equal = left.back();
      left.pop_back();
      return true;
    });
  }

  double tolerance_;
  size_t most_work_, work_ = 0;
};

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
  return Comparison(got, tolerance).Same(got, expected);
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
