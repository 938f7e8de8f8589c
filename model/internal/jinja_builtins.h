#pragma once
// What templates find in the language: members of values, filters and tests.

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/internal/jinja_value.h"

namespace retort::model::jinja {

struct Arguments {
  Items positional = {};
  std::vector<std::pair<std::string, Value>> named = {};

  /// Adds one; throws Error when it is there.
  void Name(const std::string& name, Value value);
  /// A value for each of `names`, missing where none is given. Throws Error on others. A name that
  /// begins with '/' is one by which nothing can be given.
  std::vector<Value> Bind(std::string_view what, std::initializer_list<const char*> names) const;
};

/// A loop as its body sees it.
struct Loop {
  std::function<std::optional<Value>()> source;  ///< nothing left: nullopt; empty: the loop is over
  std::optional<size_t> length;
  int64_t index0 = -1;
  int64_t depth0 = 0;
  Value before = {}, current = {}, ahead = {};  ///< missing where there is none

  bool Next();
  /// The next item, not yet taken; missing at the end.
  const Value& Peek();
  size_t Length();

 private:
  std::optional<Value> Pull();
  Items rest_ = {};
  size_t rest_next_ = 0;
};

/// object.name and object[key], as the sandbox gives them: undefined when there is none.
Value GetAttribute(const Value& object, const std::string& name, Budget& budget);
Value GetItem(const Value& object, const Value& key, Budget& budget);
/// A method that GetAttribute has given.
Value CallMethod(const Callable& method, const Arguments& arguments, Budget& budget);

bool IsFilter(std::string_view name);
bool IsTest(std::string_view name);
/// Throw Error when there is none of this name.
Value ApplyFilter(const std::string& name, const Value& input, const Arguments& arguments,
                  Budget& budget);
bool ApplyTest(const std::string& name, const Value& input, const Arguments& arguments,
               Budget& budget);
/// One of == != < <= > >= in "not in".
bool Compare(std::string_view op, const Value& a, const Value& b, Budget& budget);

}  // namespace retort::model::jinja
