#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

namespace retort {
namespace {

int Depth(const Json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& item : value) deepest = std::max(deepest, Depth(item));
  return deepest + 1;
}

// As readers do that know no integer beyond 64 bits.
Json Rounded(Json value) {
  if (const auto digits = BigInteger(value)) return std::strtod(digits->c_str(), nullptr);
  if (value.is_structured()) {
    for (Json& item : value) item = Rounded(std::move(item));
  }
  return value;
}

}  // namespace

void FuzzJson(std::string_view text) {
  const auto value = TryParseJson(text);
  bool thrown = false;
  try {
    const Json parsed = ParseJson(text, "where");
    Require(value && parsed == *value, "the two readers differ");
  } catch (const Error& error) {
    thrown = true;
    const std::string_view what = error.what();
    Require(what.starts_with("where: not valid JSON: parse error at line "), "no place is named");
    Require(what.find(", column ") != std::string_view::npos, "no column is named");
  }
  Require(thrown != value.has_value(), "the two readers differ");
  if (!value) return;
  Require(Json::accept(text), "what is no JSON was read");
  Require(Depth(*value) <= kMaxJsonDepth, "the depth is not bounded");
  // Written and read again it is the same; nothing was lost to a key that occurs twice.
  Require(ParseJson(ToJsonLine(*value), "again") == *value, "a second reading differs");
  Require(Json::parse(text) == Rounded(*value), "another reader reads something else");
}

}  // namespace retort
