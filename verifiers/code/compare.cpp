#include "verifiers/code/internal/compare.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"
#include "verifiers/code/internal/wire.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

constexpr double kExact = 9007199254740992;  // 2^53

bool Near(double got, double expected, double tolerance) {
  if (got == expected) return true;
  return std::abs(got - expected) <= tolerance * std::max(1.0, std::abs(expected)) &&
         std::isfinite(expected);
}

// --- results ---

// The double nearest to a hexadecimal integer ("-1f") or float ("0x1.8p+1", "nan").
// What is no number is a NaN.
double ToDouble(const WireReader::Head& number) {
  constexpr std::string_view kWhole = "-0123456789abcdef";
  std::string text(number.text);
  const bool whole = number.tag == 'i';
  if (whole && text.find_first_not_of(kWhole) != std::string::npos) return std::nan("");
  if (whole) text.insert(text.starts_with('-') ? 1 : 0, "0x");
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && !text.empty() ? value : std::nan("");
}

// As ToWire writes it: one spelling for each value; floats that are whole are integers.
std::string NumberWire(const WireReader::Head& number) {
  if (number.tag == 'f') {
    const double value = ToDouble(number);
    if (std::trunc(value) == value && std::abs(value) <= kExact) {
      return ToWire(static_cast<int64_t>(value));
    }
  }
  return StrCat(number.tag, number.text, ";");
}

bool SameNumber(const WireReader::Head& got, const Json& expected, double tolerance) {
  if (IsInteger(expected)) return NumberWire(got) == ToWire(expected);
  return expected.is_number() && Near(ToDouble(got), expected.get<double>(), tolerance);
}

// As json.dumps writes a key.
std::optional<std::string> KeyText(const WireReader::Head& key) {
  switch (key.tag) {
    case 's':
      return std::string(key.text);
    case 'N':
      return "null";
    case 'T':
      return "true";
    case 'F':
      return "false";
    case 'f': {
      const double value = ToDouble(key);
      const bool whole = std::trunc(value) == value && std::abs(value) < 1e16;
      return whole ? StrCat(static_cast<int64_t>(value), ".0") : FormatNumber(value);
    }
    case 'i':
      return DecimalInteger(key.text);
    default:
      return std::nullopt;
  }
}

struct Comparison {
  double tolerance = 0;
  int64_t most_values = INT64_MAX;  ///< that may still be compared; more is another result
};

// The next value of `got` against `expected`: it is read as far as it agrees, so that the work is
// bounded by what was expected.
bool SameValue(WireReader& got, const Json& expected, Comparison& comparison);

bool SameDict(WireReader& got, size_t items, const Json& expected, Comparison& comparison) {
  if (!expected.is_object() || items != 2 * expected.size()) return false;
  std::set<std::string> seen;  // 1 and "1" are one key of JSON
  for (size_t i = 0; i < items; i += 2) {
    const auto head = got.Next();
    const auto key = head ? KeyText(*head) : std::nullopt;
    if (!key || !seen.insert(*key).second) return false;
    const auto found = expected.find(*key);
    if (found == expected.end() || !SameValue(got, *found, comparison)) return false;
  }
  return true;
}

bool SameSequence(WireReader& got, size_t items, const Json& expected, Comparison& comparison) {
  if (!expected.is_array() || items != expected.size()) return false;
  for (const Json& item : expected) {
    if (!SameValue(got, item, comparison)) return false;
  }
  return true;
}

// What Python extends a dict or a tuple to, and compares as such.
bool IsPlainInside(std::string_view object) {
  for (const std::string_view name : {"Counter", "OrderedDict", "defaultdict", "ndarray"}) {
    if (object == name) return true;
  }
  return object.starts_with("namedtuple ");
}

bool SameValue(WireReader& got, const Json& expected, Comparison& comparison) {
  const auto head = got.Next();
  if (!head || --comparison.most_values < 0) return false;
  switch (head->tag) {
    case 'N':
      return expected.is_null();
    case 'T':
    case 'F':
      return expected.is_boolean() && expected.get<bool>() == (head->tag == 'T');
    case 'i':
    case 'f':
      return SameNumber(*head, expected, comparison.tolerance);
    case 's':
      return expected.is_string() && expected.get_ref<const std::string&>() == head->text;
    case 'l':
    case 't':
      return SameSequence(got, head->items, expected, comparison);
    case 'd':
      return SameDict(got, head->items, expected, comparison);
    case 'o':
      return IsPlainInside(head->text) && SameValue(got, expected, comparison);
    default:
      return false;
  }
}

// --- in any order ---

// Bytes that sort as the numbers do.
std::string SortedBits(double number) {
  const auto bits = std::bit_cast<uint64_t>(number == 0 ? 0 : number);
  const uint64_t ordered = bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(ordered >> shift);
  return bytes;
}

// A text that values have in common when they are the same without a tolerance; with `floats`, when
// they are the same but for those, which go there.
class Canonical {
 public:
  explicit Canonical(std::string* floats) : floats_(floats) {}

  // False for what equals nothing, or nests deeper than `depth` (every level is copied once).
  bool Append(WireReader& got, int depth, std::string& out) const {
    const auto head = depth > 0 ? got.Next() : std::nullopt;
    if (!head) return false;
    switch (head->tag) {
      case 'N':
      case 'T':
      case 'F':
        out += head->tag;
        return true;
      case 'i':
      case 'f':
        if (floats_ != nullptr && head->tag == 'f') {
          out += 'f';
          *floats_ += SortedBits(ToDouble(*head));
        } else {
          out += NumberWire(*head);
        }
        return true;
      case 's':
        out += ToWireText(head->text);
        return true;
      case 'l':
      case 't':
        out += WireOpen('l', head->items);
        for (size_t i = 0; i < head->items; ++i) {
          if (!Append(got, depth - 1, out)) return false;
        }
        return true;
      case 'd':
        return AppendDict(got, head->items, depth, out);
      case 'o':
        return IsPlainInside(head->text) && Append(got, depth - 1, out);
      default:
        return false;
    }
  }

 private:
  bool AppendDict(WireReader& got, size_t items, int depth, std::string& out) const {
    std::map<std::string, std::string> members;
    for (size_t i = 0; i < items; i += 2) {
      const auto head = got.Next();
      const auto key = head ? KeyText(*head) : std::nullopt;
      std::string value;
      if (!key || !Append(got, depth - 1, value)) return false;
      if (!members.emplace(*key, std::move(value)).second) return false;
    }
    out += WireOpen('d', members.size());
    for (const auto& [key, value] : members) out += ToWireText(key) + value;
    return true;
  }

  std::string* floats_;
};

std::optional<std::string> Exactly(std::string_view value, int depth) {
  WireReader reader(value);
  std::string text;
  if (!Canonical(nullptr).Append(reader, depth, text)) return std::nullopt;
  return text;
}

// First what agrees but for floats, then those.
std::pair<std::string, std::string> Nearly(std::string_view value, int depth) {
  WireReader reader(value);
  std::pair<std::string, std::string> key;
  Canonical(&key.second).Append(reader, depth, key.first);
  return key;
}

int Depth(const Json& value) {
  int depth = 0;
  if (value.is_structured()) {
    for (const Json& item : value) depth = std::max(depth, Depth(item));
  }
  return depth + 1;
}

// Equal ones go first, by their text. What is left may agree within the tolerance: it is tried with
// what agrees but for floats, the least first, as long as the work lasts.
bool SameUnordered(std::string_view got, const Json& expected, double tolerance) {
  WireReader reader(got);
  const auto head = reader.Next();
  if (!head || std::string_view("ltez").find(head->tag) == std::string_view::npos) return false;
  if (!expected.is_array() || head->items != expected.size()) return false;

  const int depth = 2 * Depth(expected);  // a named tuple takes two
  std::multimap<std::string, const Json*> equal;
  for (const Json& item : expected) {
    equal.emplace(Exactly(ToWire(item), depth).value_or(""), &item);
  }
  const bool is_set = head->tag == 'e' || head->tag == 'z';
  std::set<std::string> members;
  std::vector<std::string_view> left;
  for (size_t i = 0; i < head->items; ++i) {
    const auto item = reader.Whole();
    const auto text = item ? Exactly(*item, depth) : std::nullopt;
    if (!text || (is_set && !members.insert(*text).second)) return false;
    const auto found = equal.find(*text);
    if (found == equal.end()) {
      left.push_back(*item);
    } else {
      equal.erase(found);
    }
  }

  std::multimap<std::pair<std::string, std::string>, std::string_view> results;
  for (const std::string_view item : left) results.emplace(Nearly(item, depth), item);
  std::multimap<std::pair<std::string, std::string>, const Json*> wanted;
  for (const auto& [text, item] : equal) wanted.emplace(Nearly(ToWire(*item), depth), item);
  Comparison comparison{.tolerance = tolerance,
                        .most_values = 1000 * static_cast<int64_t>(1 + left.size())};
  for (const auto& [key, item] : results) {
    auto it = wanted.lower_bound({key.first, ""});
    const auto agrees = [&, item = item] {
      WireReader value(item);
      return SameValue(value, *it->second, comparison);
    };
    while (it != wanted.end() && it->first.first == key.first && !agrees()) ++it;
    if (it == wanted.end() || it->first.first != key.first) return false;
    wanted.erase(it);
  }
  return true;
}

// --- output ---

bool SameJson(const Json& got, const Json& expected, double tolerance) {
  if (got.is_number() || IsInteger(got)) {
    const std::string wire = ToWire(got);
    WireReader reader(wire);
    Comparison comparison{.tolerance = tolerance};
    return SameValue(reader, expected, comparison);
  }
  if (got.type() != expected.type() || IsInteger(expected)) return false;
  if (!got.is_structured()) return got == expected;
  if (got.size() != expected.size()) return false;
  if (got.is_array()) {
    for (size_t i = 0; i < got.size(); ++i) {
      if (!SameJson(got[i], expected[i], tolerance)) return false;
    }
    return true;
  }
  for (const auto& [key, value] : got.items()) {
    const auto found = expected.find(key);
    if (found == expected.end() || !SameJson(value, *found, tolerance)) return false;
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
struct Decimal {
  bool negative = false;
  std::string_view digits;     ///< of the whole part, without zeros in front
  bool whole = false;          ///< no point, no exponent
  bool zero_fraction = false;  ///< whole, or nothing but zeros behind the point
  double value = 0;
};

std::optional<Decimal> ReadDecimal(std::string_view token) {
  if (token.starts_with('+') && !token.starts_with("+-")) token.remove_prefix(1);
  if (token.empty() || token.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return std::nullopt;
  }
  Decimal decimal;
  const auto [stop, error] =
      std::from_chars(token.data(), token.data() + token.size(), decimal.value);
  if (stop != token.data() + token.size()) return std::nullopt;
  const std::string_view unsigned_token = token.substr(token.starts_with('-'));
  const size_t end = std::min(unsigned_token.find_first_of(".eE"), unsigned_token.size());
  const std::string_view rest = unsigned_token.substr(end);
  decimal.whole = rest.empty();
  decimal.zero_fraction =
      rest.empty() || (rest[0] == '.' && rest.find_first_not_of('0', 1) == std::string_view::npos);
  decimal.digits = unsigned_token.substr(0, end);
  decimal.digits.remove_prefix(std::min(decimal.digits.find_first_not_of('0'), end));
  decimal.negative = token.starts_with('-') && !decimal.digits.empty();
  // Digits are compared as such, but a fraction has to be a double.
  if (error != std::errc() && !decimal.whole) return std::nullopt;
  return decimal;
}

bool SameDecimal(std::string_view got, std::string_view expected, double tolerance) {
  const auto a = ReadDecimal(got), b = ReadDecimal(expected);
  if (!a || !b) return false;
  if (!b->whole) return Near(a->value, b->value, tolerance);
  return a->zero_fraction && a->negative == b->negative && a->digits == b->digits &&
         (a->whole || std::abs(a->value) <= kExact);
}

bool SameTokens(std::string_view got, std::string_view expected, std::optional<double> tolerance) {
  while (true) {
    const std::string_view mine = NextToken(got), theirs = NextToken(expected);
    if (mine.empty() || theirs.empty()) return mine.empty() && theirs.empty();
    if (mine == theirs) continue;
    if (!tolerance) return false;
    if (!SameDecimal(mine, theirs, *tolerance)) return false;
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

bool SameResult(std::string_view got, const Json& expected, const ResultRule& rule) {
  if (rule.unordered && expected.is_array()) return SameUnordered(got, expected, rule.tolerance);
  WireReader reader(got);
  Comparison comparison{.tolerance = rule.tolerance};
  return SameValue(reader, expected, comparison) && reader.AtEnd();
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
