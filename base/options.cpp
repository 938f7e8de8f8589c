#include "base/options.h"

#include <cmath>
#include <cstdlib>

#include "base/strings.h"

namespace retort {
namespace options_internal {
namespace {

std::string Show(const Json& json) {
  std::string text = ToJsonLine(json);
  if (text.size() > 60) text = ToValidUtf8(text.substr(0, 57)) + "...";
  return text;
}

void CheckBounds(double value, const std::string& where, Bounds bounds) {
  RETORT_CHECK(value >= bounds.min && value <= bounds.max, where, ": got ", FormatNumber(value),
               ", expected a number from ", FormatNumber(bounds.min), " to ",
               FormatNumber(bounds.max));
}

}  // namespace

bool ReadBool(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_boolean(), where, ": got ", Show(json), ", expected true or false");
  return json.get<bool>();
}

int64_t ReadInteger(const Json& json, const std::string& where, Bounds bounds) {
  // As doubles 2^63 and the largest int64_t look alike: the bounds alone would let 2^63 wrap round.
  const bool integral =
      (json.is_number_unsigned() && json.get<uint64_t>() <= uint64_t{INT64_MAX}) ||
      (json.is_number_integer() && !json.is_number_unsigned()) ||
      (json.is_number_float() && std::nearbyint(json.get<double>()) == json.get<double>() &&
       std::abs(json.get<double>()) < 9e15);
  RETORT_CHECK(integral, where, ": got ", Show(json), ", expected an integer");
  CheckBounds(json.get<double>(), where, bounds);
  return json.is_number_float() ? static_cast<int64_t>(json.get<double>()) : json.get<int64_t>();
}

double ReadNumber(const Json& json, const std::string& where, Bounds bounds) {
  const auto digits = BigInteger(json);
  RETORT_CHECK(json.is_number() || digits, where, ": got ", Show(json), ", expected a number");
  const double value = digits ? std::strtod(digits->c_str(), nullptr) : json.get<double>();
  CheckBounds(value, where, bounds);
  return value;
}

std::string ReadString(const Json& json, const std::string& where) {
  RETORT_CHECK(json.is_string(), where, ": got ", Show(json), ", expected a string");
  return json.get<std::string>();
}

std::string ReadChoice(const Json& json, const std::string& where,
                       const std::vector<std::string>& choices) {
  std::string got = ReadString(json, where);
  for (const std::string& choice : choices) {
    if (got == choice) return got;
  }
  Fail(where, ": got \"", got, "\", expected one of ", Join(choices, ", "), ".",
       DidYouMean(got, choices));
}

void RequireArray(const Json& json, const std::string& where, const std::string& example) {
  RETORT_CHECK(json.is_array(), where, ": got ", Show(json), ", expected a list",
               example.empty() ? "" : " such as ", example);
}

}  // namespace options_internal

void ReadFields(const Json& json, const std::string& where, const std::vector<Field>& fields) {
  RETORT_CHECK(json.is_object(), where, ": got ", options_internal::Show(json),
               ", expected an object");
  for (const auto& [key, value] : json.items()) {
    const Field* match = nullptr;
    std::vector<std::string> names;
    for (const Field& field : fields) {
      if (field.name == key) match = &field;
      names.push_back(field.name);
    }
    RETORT_CHECK(match, where, ": unknown key '", key, "'.", DidYouMean(key, names),
                 " Known keys: ", Join(names, ", "));
    match->set(value, StrCat(where, ".", key));
  }
}

Json WriteFields(const std::vector<Field>& fields) {
  Json json = Json::object();
  for (const Field& field : fields) json[field.name] = field.get();
  return json;
}

}  // namespace retort
