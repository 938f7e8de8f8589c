#include "verifiers/code/internal/codeio_answer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "verifiers/code/internal/compare.h"
#include "verifiers/code/internal/wire.h"

namespace retort::verifiers {
namespace {

struct Span {
  size_t begin, end;
};

// Every balanced pair of braces that is inside no other, in order. Braces in strings do not count;
// a string that does not end on its line was none.
std::vector<Span> OutermostBraces(std::string_view text) {
  std::vector<size_t> open;
  std::vector<Span> closed;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"' || c == '\n') quoted = false;
    } else if (c == '"') {
      quoted = !open.empty();
    } else if (c == '{') {
      open.push_back(i);
    } else if (c == '}' && !open.empty()) {
      while (!closed.empty() && closed.back().begin > open.back()) closed.pop_back();
      closed.push_back({open.back(), i + 1});
      open.pop_back();
    }
  }
  return closed;
}

}  // namespace

std::string_view LastJsonObject(std::string_view text) {
  const std::vector<Span> spans = OutermostBraces(text);
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
    const std::string_view object = text.substr(span->begin, span->end - span->begin);
    if (Json::accept(object)) return object;
  }
  return {};
}

bool IsClose(const Json& answer, const Json& expected) {
  if (IsInteger(expected)) return SameResult(ToWire(answer), expected, {});
  if (expected.is_object()) {
    if (!answer.is_object() || answer.size() != expected.size()) return false;
    return std::ranges::all_of(expected.items(), [&](const auto& item) {
      const auto found = answer.find(item.key());
      return found != answer.end() && IsClose(*found, item.value());
    });
  }
  if (expected.is_array()) {
    return answer.is_array() && std::ranges::equal(answer, expected, IsClose);
  }
  if (!answer.is_number() || !expected.is_number()) return answer == expected;
  const double a = answer.get<double>(), b = expected.get<double>();
  return std::isfinite(a) && std::isfinite(b) && std::abs(a - b) <= 1e-3 * std::abs(b) &&
         std::trunc(a) == std::trunc(b);
}

}  // namespace retort::verifiers
