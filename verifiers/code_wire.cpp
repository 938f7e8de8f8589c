#include "verifiers/code_wire.h"

#include <charconv>
#include <cstdio>

#include "base/error.h"

namespace retort::verifiers {

namespace {

constexpr int kMaxDepth = kMaxJsonDepth + 8;  // what is said around a value
constexpr int64_t kMaxValues = 1'000'000;

class Parser {
 public:
  explicit Parser(std::string_view bytes) : rest_(bytes) {}

  std::optional<WireValue> Parse() {
    WireValue value;
    if (!Read(value, kMaxDepth) || !rest_.empty()) return std::nullopt;
    return value;
  }

 private:
  // What stands before `end`, which is taken as well.
  std::optional<std::string_view> Until(char end) {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return text;
  }

  std::optional<size_t> Count(char end) {
    const auto digits = Until(end);
    size_t count = 0;
    if (!digits || digits->empty()) return std::nullopt;
    const auto [stop, error] =
        std::from_chars(digits->data(), digits->data() + digits->size(), count);
    if (error != std::errc() || stop != digits->data() + digits->size()) return std::nullopt;
    return count;
  }

  bool Read(WireValue& value, int depth) {
    if (depth == 0 || rest_.empty() || ++values_ > kMaxValues) return false;
    value.tag = rest_[0];
    rest_.remove_prefix(1);
    switch (value.tag) {
      case 'N':
      case 'T':
      case 'F':
        return true;
      case 's':
      case 'y':
      case 'Y': {
        const auto size = Count(':');
        if (!size || *size > rest_.size()) return false;
        value.text = rest_.substr(0, *size);
        rest_.remove_prefix(*size);
        return true;
      }
      case 'i':
      case 'f':
      case 'c':
      case 'b':
      case 'h': {
        const auto text = Until(';');
        if (!text) return false;
        value.text = *text;
        return true;
      }
      case 'l':
      case 't':
      case 'e':
      case 'z':
      case 'd': {
        const auto count = Count(';');
        if (!count || *count > rest_.size()) return false;  // every item has a byte
        const size_t items = value.tag == 'd' ? 2 * *count : *count;
        for (size_t i = 0; i < items; ++i) {
          if (!Read(value.items.emplace_back(), depth - 1)) return false;
        }
        return true;
      }
      default:
        return false;
    }
  }

  std::string_view rest_;
  int64_t values_ = 0;
};

std::string HexInteger(bool negative, uint64_t magnitude) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, magnitude, 16).ptr;
  return (negative ? "i-" : "i") + std::string(digits, end) + ";";
}

std::string HexFloat(double value) {
  char text[40];
  const int size = std::snprintf(text, sizeof text, "f%a;", value);
  return std::string(text, static_cast<size_t>(size));
}

// Appends, so that what lies deep is not copied once per level.
void AppendWire(const Json& value, std::string& wire) {
  switch (value.type()) {
    case Json::value_t::null:
      wire += 'N';
      break;
    case Json::value_t::boolean:
      wire += value.get<bool>() ? 'T' : 'F';
      break;
    case Json::value_t::number_integer: {
      const int64_t number = value.get<int64_t>();
      const uint64_t bits = static_cast<uint64_t>(number);
      wire += HexInteger(number < 0, number < 0 ? 0 - bits : bits);
      break;
    }
    case Json::value_t::number_unsigned:
      wire += HexInteger(false, value.get<uint64_t>());
      break;
    case Json::value_t::number_float:
      wire += HexFloat(value.get<double>());
      break;
    case Json::value_t::string:
      wire += ToWireText(value.get_ref<const std::string&>());
      break;
    case Json::value_t::array:
      wire += WireOpen('l', value.size());
      for (const Json& item : value) AppendWire(item, wire);
      break;
    case Json::value_t::object:
      wire += WireOpen('d', value.size());
      for (const auto& [key, item] : value.items()) {
        wire += ToWireText(key);
        AppendWire(item, wire);
      }
      break;
    default:
      Fail("a JSON value of type ", value.type_name(), " cannot be sent to a program");
  }
}

}  // namespace

std::optional<WireValue> ParseWire(std::string_view bytes) { return Parser(bytes).Parse(); }

std::string WireOpen(char tag, size_t count) { return tag + std::to_string(count) + ";"; }

std::string ToWireText(std::string_view text) {
  return "s" + std::to_string(text.size()) + ":" + std::string(text);
}

std::string ToWire(const Json& value) {
  std::string wire;
  AppendWire(value, wire);
  return wire;
}

std::string Frame(std::string_view payload) {
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame += static_cast<char>(payload.size() >> shift & 0xFF);
  }
  return frame.append(payload);
}

}  // namespace retort::verifiers
