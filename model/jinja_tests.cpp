// Tests, what stands behind 'is', and comparisons.

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_builtins.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

using Test = bool (*)(const Value& value, const Value& other, Budget& budget);

bool IsCallable(const Value& value) {
  return value.callable() || value.loop() || value.is_undefined();
}

bool IsIterable(const Value& value) {
  return value.is_undefined() || value.text() || value.sequence() || value.mapping() ||
         value.iterator() || value.loop();
}

// What has a length and items, which Undefined seems to have.
bool IsSequence(const Value& value) {
  if (value.sequence()) return value.sequence()->kind <= Sequence::kRange;
  return value.is_undefined() || value.text() || value.mapping();
}

bool HasRemainder(const Value& value, const Value& divisor, int64_t remainder, Budget& budget) {
  return Equal(Arithmetic("%", value, divisor, budget), remainder, budget);
}

bool SameAs(const Value& value, const Value& other, Budget&) {
  if (value.space() || other.space()) return value.space() == other.space();
  const bool single = value.is_none() || value.is_bool() || other.is_none() || other.is_bool();
  RETORT_CHECK(single, "'sameas' is implemented for none, true, false and namespaces");
  if (value.is_bool() && other.is_bool()) return value.As<bool>() == other.As<bool>();
  return value.is_none() && other.is_none();
}

// All letters are in `wanted`, and there is one.
bool IsCase(const Value& value, Case wanted, Budget& budget) {
  const std::string text = ToText(value, budget);
  bool any = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const Case is = CaseOf(point.value);
    if (is != Case::kNone && is != wanted) return false;
    any = any || is == wanted;
    at += point.bytes;
  }
  return any;
}

struct Known {
  Test test;
  bool takes_other = false;
};

const std::map<std::string_view, Known, std::less<>>& Tests() {
  using V = const Value&;
  using B = Budget&;
  static const std::map<std::string_view, Known, std::less<>> tests = {
      {"defined", {[](V v, V, B) { return !v.is_undefined(); }}},
      {"undefined", {[](V v, V, B) { return v.is_undefined(); }}},
      {"none", {[](V v, V, B) { return v.is_none(); }}},
      {"boolean", {[](V v, V, B) { return v.is_bool(); }}},
      {"true", {[](V v, V, B) { return v.is_bool() && v.As<bool>(); }}},
      {"false", {[](V v, V, B) { return v.is_bool() && !v.As<bool>(); }}},
      {"integer", {[](V v, V, B) { return v.is_int(); }}},
      {"float", {[](V v, V, B) { return v.is_float(); }}},
      {"number", {[](V v, V, B) { return v.is_number(); }}},
      {"string", {[](V v, V, B) { return v.text() != nullptr; }}},
      {"mapping", {[](V v, V, B) { return v.mapping() != nullptr; }}},
      {"sequence", {[](V v, V, B) { return IsSequence(v); }}},
      {"iterable", {[](V v, V, B) { return IsIterable(v); }}},
      {"callable", {[](V v, V, B) { return IsCallable(v); }}},
      {"escaped", {[](V v, V, B) { return v.text() && v.text()->safe; }}},
      {"lower", {[](V v, V, B b) { return IsCase(v, Case::kLower, b); }}},
      {"upper", {[](V v, V, B b) { return IsCase(v, Case::kUpper, b); }}},
      {"odd", {[](V v, V, B b) { return HasRemainder(v, int64_t{2}, 1, b); }}},
      {"even", {[](V v, V, B b) { return HasRemainder(v, int64_t{2}, 0, b); }}},
      {"divisibleby", {[](V v, V o, B b) { return HasRemainder(v, o, 0, b); }, true}},
      {"sameas", {SameAs, true}},
      {"in", {[](V v, V o, B b) { return Contains(o, v, b); }, true}},
      {"==", {[](V v, V o, B b) { return Compare("==", v, o, b); }, true}},
      {"!=", {[](V v, V o, B b) { return Compare("!=", v, o, b); }, true}},
      {"<", {[](V v, V o, B b) { return Compare("<", v, o, b); }, true}},
      {"<=", {[](V v, V o, B b) { return Compare("<=", v, o, b); }, true}},
      {">", {[](V v, V o, B b) { return Compare(">", v, o, b); }, true}},
      {">=", {[](V v, V o, B b) { return Compare(">=", v, o, b); }, true}}};
  return tests;
}

std::string_view Canonical(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
      {"eq", "=="}, {"equalto", "=="}, {"ne", "!="},         {"lt", "<"}, {"lessthan", "<"},
      {"le", "<="}, {"gt", ">"},       {"greaterthan", ">"}, {"ge", ">="}};
  for (const auto& [alias, canonical] : kAliases) {
    if (alias == name) return canonical;
  }
  return name;
}

}  // namespace

bool IsTest(std::string_view name) { return Tests().contains(Canonical(name)); }

bool ApplyTest(const std::string& name, const Value& input, const Arguments& arguments,
               Budget& budget) {
  const auto found = Tests().find(Canonical(name));
  RETORT_CHECK(found != Tests().end(), "the test '", Excerpt(name),
               "' is unknown or not implemented");
  const bool other = found->second.takes_other;
  RETORT_CHECK(arguments.named.empty() && arguments.positional.size() == (other ? 1 : 0),
               "the test '", name, "' takes ", other ? "one argument" : "no arguments");
  return found->second.test(input, other ? arguments.positional[0] : Value(), budget);
}

bool Compare(std::string_view op, const Value& a, const Value& b, Budget& budget) {
  if (op == "==") return Equal(a, b, budget);
  if (op == "!=") return !Equal(a, b, budget);
  if (op == "in") return Contains(b, a, budget);
  if (op == "not in") return !Contains(b, a, budget);
  if (op == "<") return Less(a, b, budget);
  if (op == ">") return Less(b, a, budget);
  // What is unordered, as a number that is none, is not <= either.
  if (op == "<=") return Less(a, b, budget) || Equal(a, b, budget);
  return Less(b, a, budget) || Equal(a, b, budget);
}

}  // namespace retort::model::jinja
