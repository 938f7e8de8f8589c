#pragma once
// One options struct per thing, its fields listed once.
//
// A struct takes part by having a `Visit` that names every field:
//
//   struct AdamWOptions {
//     double learning_rate = 1e-3;
//     Schedule schedule = Schedule::kCosine;      // an enum with EnumNames(Schedule), see below
//     template <class V>
//     void Visit(V& v) {
//       v("learning_rate", learning_rate, "Peak learning rate.", Bounds{0, 1});
//       v("schedule", schedule, "How the rate falls after warm-up.");
//     }
//   };
//
// JSON in and out, `--set`, `--help`, the recipe's hash and docs/recipes.md all come from that
// list. Field types: bool, int, int64_t, double, std::string, Json (any), enums, std::optional of
// those (null when empty), std::vector of bool/int64_t/double/string/options structs, and nested
// options structs. An enum, or any other type with ==, takes part through `EnumNames(E)` found by
// argument-dependent lookup, returning a range of std::pair<E, const char*>. What has to be right
// about a list of structs as a whole, `FinishReading(list, where)` sees to, and `ExampleOf(list*)`
// shows one to who wrote something else, both found likewise.

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace retort {

/// Inclusive bounds of a number (of every element of a list).
struct Bounds {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

/// One field of an options struct, type-erased. Refers to the struct it was listed from.
struct Field {
  std::string name;
  std::string help;
  std::string type;  ///< "boolean", "integer", "number", "string", "list", "options"
  Bounds bounds;
  std::vector<std::string> choices;  ///< names of an enum's values, else empty
  std::vector<Field> children;       ///< fields of a nested options struct, else empty
  std::function<Json()> get;
  std::function<void(const Json&, const std::string& where)> set;
};

namespace options_internal {

class Lister;

template <class T>
concept OptionsStruct = std::is_class_v<T> && requires(T& t, Lister& lister) {
  t.Visit(lister);
};

/// An enum, or another type of which there are but a few values, each with a name.
template <class T>
concept Named = requires {
  EnumNames(T{});
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// Readers of one value; each throws Error "where: got …, expected …".
bool ReadBool(const Json& json, const std::string& where);
int64_t ReadInteger(const Json& json, const std::string& where, Bounds bounds);
double ReadNumber(const Json& json, const std::string& where, Bounds bounds);
std::string ReadString(const Json& json, const std::string& where);
std::string ReadChoice(const Json& json, const std::string& where,
                       const std::vector<std::string>& choices);
void RequireArray(const Json& json, const std::string& where, const std::string& example);

template <class T>
const char* TypeName() {
  if constexpr (std::is_same_v<T, bool>)
    return "boolean";
  else if constexpr (Named<T>)
    return "string";
  else if constexpr (std::is_integral_v<T>)
    return "integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "string";
  else if constexpr (IsVector<T>::value)
    return "list";
  else if constexpr (IsOptional<T>::value)
    return TypeName<typename T::value_type>();
  else
    return "options";
}

}  // namespace options_internal

template <class T>
void ReadOptions(const Json& json, const std::string& where, T& options);
template <class T>
Json WriteOptions(T options);

namespace options_internal {

template <class T>
void ReadValue(const Json& json, const std::string& where, Bounds bounds, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    out = ReadBool(json, where);
  } else if constexpr (std::is_same_v<T, Json>) {
    out = json;
  } else if constexpr (OptionsStruct<T>) {
    ReadOptions(json, where, out);
  } else if constexpr (Named<T>) {
    std::vector<std::string> names;
    for (const auto& [value, name] : EnumNames(T{})) names.push_back(name);
    const std::string got = ReadChoice(json, where, names);
    for (const auto& [value, name] : EnumNames(T{})) {
      if (got == name) out = value;
    }
  } else if constexpr (std::is_integral_v<T>) {
    bounds.min = std::max(bounds.min, static_cast<double>(std::numeric_limits<T>::min()));
    bounds.max = std::min(bounds.max, static_cast<double>(std::numeric_limits<T>::max()));
    out = static_cast<T>(ReadInteger(json, where, bounds));
  } else if constexpr (std::is_floating_point_v<T>) {
    out = static_cast<T>(ReadNumber(json, where, bounds));
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = ReadString(json, where);
  } else if constexpr (IsOptional<T>::value) {
    if (json.is_null()) {
      out.reset();
    } else {
      typename T::value_type value{};
      ReadValue(json, where, bounds, value);
      out = std::move(value);
    }
  } else {
    static_assert(IsVector<T>::value, "unsupported option type");
    if constexpr (requires { ExampleOf(static_cast<T*>(nullptr)); }) {
      RequireArray(json, where, ExampleOf(static_cast<T*>(nullptr)));
    } else {
      RequireArray(json, where, "");
    }
    T values;
    for (size_t i = 0; i < json.size(); ++i) {
      typename T::value_type value{};
      ReadValue(json[i], StrCat(where, "[", i, "]"), bounds, value);
      values.push_back(std::move(value));
    }
    if constexpr (requires { FinishReading(values, where); }) FinishReading(values, where);
    out = std::move(values);
  }
}

template <class T>
Json WriteValue(const T& value) {
  if constexpr (Named<T>) {
    for (const auto& [candidate, name] : EnumNames(T{})) {
      if (candidate == value) return Json(name);
    }
    Fail("enum value without a name");
  } else if constexpr (IsOptional<T>::value) {
    return value ? WriteValue(*value) : Json(nullptr);
  } else if constexpr (OptionsStruct<T>) {
    return WriteOptions(value);
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(WriteValue<typename T::value_type>(item));
    return list;
  } else {
    return Json(value);
  }
}

}  // namespace options_internal

/// Reads the members of a JSON object into the listed fields; absent members keep their value.
/// An unknown member is an error that names the nearest field. `where` starts the message.
void ReadFields(const Json& json, const std::string& where, const std::vector<Field>& fields);
Json WriteFields(const std::vector<Field>& fields);

namespace options_internal {

class Lister {
 public:
  template <class T>
  void operator()(const char* name, T& value, const char* help, Bounds bounds = {}) {
    Field field{name, help, TypeName<T>(), bounds, {}, {}, {}, {}};
    if constexpr (OptionsStruct<T>) {
      Lister lister;
      value.Visit(lister);
      field.children = std::move(lister.fields);
      field.get = [children = field.children] { return WriteFields(children); };
      field.set = [children = field.children](const Json& json, const std::string& where) {
        ReadFields(json, where, children);
      };
    } else {
      if constexpr (Named<T>) {
        for (const auto& [candidate, text] : EnumNames(T{})) field.choices.push_back(text);
      }
      field.get = [&value] { return WriteValue(value); };
      field.set = [&value, bounds](const Json& json, const std::string& where) {
        ReadValue(json, where, bounds, value);
      };
    }
    fields.push_back(std::move(field));
  }

  std::vector<Field> fields;
};

}  // namespace options_internal

/// Passes every field on to the visitor `v` but the one with this name.
template <class V>
struct WithoutField {
  V& v;
  std::string_view name;
  template <class T>
  void operator()(const char* field, T& value, const char* help, Bounds bounds = {}) {
    if (field != name) v(field, value, help, bounds);
  }
};

/// The fields of `options`, in the order of its Visit. They refer to `options`, which must outlive
/// them and not move.
template <class T>
std::vector<Field> ListFields(T& options) {
  options_internal::Lister lister;
  options.Visit(lister);
  return std::move(lister.fields);
}

template <class T>
void ReadOptions(const Json& json, const std::string& where, T& options) {
  ReadFields(json, where, ListFields(options));
}

template <class T>
Json WriteOptions(T options) {
  return WriteFields(ListFields(options));
}

/// The name of an enum value, as in JSON.
template <options_internal::Named E>
std::string EnumName(E value) {
  return options_internal::WriteValue(value).template get<std::string>();
}

}  // namespace retort
