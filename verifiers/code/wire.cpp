#include "verifiers/code/internal/wire.h"

#include <flint/fmpz.h>

#include <charconv>
#include <cstdio>

#include "base/error.h"

namespace retort::verifiers {

namespace {

std::string HexInteger(bool negative, uint64_t magnitude) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, magnitude, 16).ptr;
  return (negative ? "i-" : "i") + std::string(digits, end) + ";";
}

std::optional<std::string> InBase(const std::string& integer, int from, int to) {
  fmpz_t number;
  fmpz_init(number);
  std::optional<std::string> text;
  if (fmpz_set_str(number, integer.c_str(), from) == 0) {
    char* digits = fmpz_get_str(nullptr, to, number);
    text = digits;
    flint_free(digits);
  }
  fmpz_clear(number);
  return text;
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
    case Json::value_t::binary:
      wire += StrCat("i", InBase(BigInteger(value).value_or("0"), 10, 16).value_or(""), ";");
      break;
    default:
      Fail("a JSON value of type ", value.type_name(), " cannot be sent to a program");
  }
}

}  // namespace

std::optional<WireReader::Head> WireReader::Next() {
  // What stands before `end`, which is taken as well.
  const auto until = [this](char end) -> std::optional<std::string_view> {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return text;
  };
  const auto count = [&](char end) -> std::optional<size_t> {
    const auto digits = until(end);
    size_t value = 0;
    if (!digits || digits->empty()) return std::nullopt;
    const char* stop = digits->data() + digits->size();
    const auto [at, error] = std::from_chars(digits->data(), stop, value);
    // A count is of what follows, and everything has a byte at least.
    if (error != std::errc() || at != stop || value > rest_.size()) return std::nullopt;
    return value;
  };

  if (rest_.empty()) return std::nullopt;
  Head head{.tag = rest_[0]};
  rest_.remove_prefix(1);
  switch (head.tag) {
    case 'N':
    case 'T':
    case 'F':
      return head;
    case 's':
    case 'y':
    case 'Y': {
      const auto size = count(':');
      if (!size) return std::nullopt;
      head.text = rest_.substr(0, *size);
      rest_.remove_prefix(*size);
      return head;
    }
    case 'i':
    case 'f':
    case 'c':
    case 'b':
    case 'h':
    case 'o': {
      const auto text = until(';');
      if (!text) return std::nullopt;
      head.text = *text;
      head.items = head.tag == 'o' ? 1 : 0;
      return head;
    }
    case 'l':
    case 't':
    case 'e':
    case 'z':
    case 'd': {
      const auto items = count(';');
      if (!items) return std::nullopt;
      head.items = head.tag == 'd' ? 2 * *items : *items;
      return head;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> WireReader::Whole() {
  const std::string_view before = rest_;
  for (size_t missing = 1; missing > 0; --missing) {
    const auto head = Next();
    if (!head || head->items > rest_.size()) return std::nullopt;
    missing += head->items;
  }
  return before.substr(0, before.size() - rest_.size());
}

std::optional<std::string_view> WireReader::Text() {
  const auto head = Next();
  if (!head || head->tag != 's') return std::nullopt;
  return head->text;
}

std::string WireOpen(char tag, size_t count) { return tag + std::to_string(count) + ";"; }

std::string ToWireText(std::string_view text) {
  return "s" + std::to_string(text.size()) + ":" + std::string(text);
}

std::string ToWire(const Json& value) {
  std::string wire;
  AppendWire(value, wire);
  return wire;
}

std::optional<std::string> DecimalInteger(std::string_view hexadecimal) {
  if (hexadecimal.size() > 1000) return std::nullopt;
  return InBase(std::string(hexadecimal), 16, 10);
}

std::string Frame(std::string_view payload) {
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame += static_cast<char>(payload.size() >> shift & 0xFF);
  }
  return frame.append(payload);
}

}  // namespace retort::verifiers
