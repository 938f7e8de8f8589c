#include "base/json.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/excerpt.h"

template class nlohmann::basic_json<retort::IndexedMap>;

namespace retort {
namespace {

constexpr uint64_t kBigInteger = 1;  // subtype of binary values

// Reads characters and leaves behind how far the parser has come: its events do not say.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

// Builds the value from the parser's events. The parser's own builder knows neither bounds nor
// repeated keys.
class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text), seen_(text.data()) {}

  bool Parse(bool comments) {
    return Json::sax_parse(Cursor(text_.data(), &seen_),
                           Cursor(text_.data() + text_.size(), &seen_), this,
                           Json::input_format_t::json, /*strict=*/true, comments);
  }
  Json& value() { return value_; }
  /// "parse error at line 1, column 5: …".
  const std::string& error() const { return error_; }
  /// The text is JSON as far as it was read, but beyond the bounds.
  bool beyond_bounds() const { return beyond_bounds_; }

  bool null() { return Put(nullptr); }
  bool boolean(bool value) { return Put(value); }
  bool number_integer(Json::number_integer_t value) { return Put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return Put(value); }
  bool number_float(Json::number_float_t value, const std::string& text) {
    if (text.find_first_of(".eE") != std::string::npos) return Put(value);
    return Put(Json::binary({text.begin(), text.end()}, kBigInteger));
  }
  bool string(std::string& value) { return Put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // not in text
  bool start_array(std::size_t) { return Open(Json::array()); }
  bool end_array() { return Close(); }
  bool start_object(std::size_t) { return Open(Json::object()); }
  bool end_object() { return Close(); }

  bool key(std::string& name) {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    if (members.emplace(std::move(name), nullptr).second) return true;
    return Refuse(StrCat("the key \"", Excerpt(name), "\" occurs twice in one object"));
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    const std::string_view what = error.what();
    const size_t detail = what.find("] ");
    error_ = detail == std::string_view::npos ? what : what.substr(detail + 2);
    constexpr std::string_view kOverflow = "number overflow parsing ", kLast = "last read: '";
    if (error_.starts_with(kOverflow)) {
      const std::string number = error_.substr(kOverflow.size());
      return Refuse("the number " + Excerpt(number) + " is out of range");
    }
    // The library quotes a whole text, however long.
    if (const size_t begin = error_.find(kLast); begin != std::string::npos) {
      const size_t from = begin + kLast.size(), size = error_.rfind('\'') - from;
      error_.replace(from, size, Excerpt(error_.substr(from, size)));
    }
    return false;
  }

 private:
  bool Refuse(const std::string& why) {
    size_t line = 1, column = 0;
    for (const char* at = text_.data(); at < seen_; ++at) {
      column = *at == '\n' ? 0 : column + 1;
      line += *at == '\n';
    }
    error_ = StrCat("parse error at line ", line, ", column ", column, ": ", why);
    beyond_bounds_ = true;
    return false;
  }

  // Where the next value goes.
  Json& Place() {
    if (open_.empty()) return value_;
    Json& parent = *open_.back();
    return parent.is_array() ? parent.get_ref<Json::array_t&>().emplace_back()
                             : parent.get_ref<Json::object_t&>().back().second;
  }
  template <class T>
  bool Put(T&& value) {
    Place() = std::forward<T>(value);
    return true;
  }
  bool Open(Json empty) {
    if (open_.size() == kMaxJsonDepth) {
      return Refuse(StrCat("nested deeper than ", kMaxJsonDepth, " levels"));
    }
    Json& place = Place();
    place = std::move(empty);
    open_.push_back(&place);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const char* seen_;  // up to here the parser has read
  Json value_;
  std::vector<Json*> open_;
  std::string error_;
  bool beyond_bounds_ = false;
};

bool HasBigInteger(const Json& value) {
  return value.is_structured() ? std::ranges::any_of(value, HasBigInteger) : value.is_binary();
}

// What the library writes, and big integers.
void Write(const Json& value, std::string& out) {
  if (const auto digits = BigInteger(value)) {
    out += *digits;
  } else if (!value.is_structured()) {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
  } else {
    const char* separator = "";
    out += value.is_array() ? '[' : '{';
    for (const auto& [key, item] : value.items()) {
      out += std::exchange(separator, ",");
      if (value.is_object()) {
        Write(key, out);
        out += ':';
      }
      Write(item, out);
    }
    out += value.is_array() ? ']' : '}';
  }
}

}  // namespace

Json ParseJson(std::string_view text, const std::string& where, bool comments) {
  Builder builder(text);
  RETORT_CHECK(builder.Parse(comments), where, ": not valid JSON: ", builder.error());
  return std::move(builder.value());
}

std::optional<std::string> BigInteger(const Json& value) {
  if (!value.is_binary() || value.get_binary().subtype() != kBigInteger) return std::nullopt;
  return std::string(value.get_binary().begin(), value.get_binary().end());
}

bool IsInteger(const Json& value) { return value.is_number_integer() || BigInteger(value); }

std::optional<Json> TryParseJson(std::string_view text) {
  Builder builder(text);
  if (!builder.Parse(/*comments=*/false)) return std::nullopt;
  return std::move(builder.value());
}

Json JsonOrText(std::string_view text, const std::string& where) {
  Builder builder(text);
  if (builder.Parse(/*comments=*/false)) return std::move(builder.value());
  RETORT_CHECK(!builder.beyond_bounds(), where, ": not valid JSON: ", builder.error());
  return text;
}

std::string ToJsonLine(const Json& value) {
  std::string line;
  if (HasBigInteger(value)) {
    Write(value, line);
  } else {
    line = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  // The library leaves DEL and the C1 controls (C2 80 … C2 9F) as they are.
  const auto is_c1 = [&](size_t i) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(line[at]); };
    return byte(i) == 0xC2 && i + 1 < line.size() && byte(i + 1) < 0xA0;
  };
  std::string safe;
  size_t copied = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != 0x7F && !is_c1(i)) continue;
    char spelled[8];
    std::snprintf(spelled, sizeof spelled, "\\u00%02x",
                  static_cast<unsigned char>(line[i] == 0x7F ? line[i] : line[i + 1]));
    safe.append(line, copied, i - copied).append(spelled);
    copied = i + (line[i] == 0x7F ? 1 : 2);
    i = copied - 1;
  }
  return copied == 0 ? line : safe.append(line, copied);
}

}  // namespace retort
