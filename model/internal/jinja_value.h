#pragma once
// What a template computes with: Python's values as far as templates reach them, immutable but for
// namespaces and iterators. Operations throw Error where Python raises.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"

namespace retort::model::jinja {

struct Node;
struct Activation;
struct Callable;
struct Iterator;
struct Loop;
struct Mapping;
struct Namespace;
struct Sequence;

/// What a rendering may still do. A template is a program from somewhere: each loop over something
/// it made spends here.
class Budget {
 public:
  static constexpr size_t kSteps = 10'000'000;
  static constexpr size_t kTextBytes = size_t{64} << 20;

  /// Throws Error when no steps are left.
  void Spend(size_t steps);
  /// For a text of `bytes`; throws Error beyond kTextBytes.
  void SpendText(size_t bytes);

 private:
  size_t left_ = kSteps;
};

/// A str; `safe` ones are markupsafe's Markup.
struct Text {
  std::string bytes;
  bool safe = false;
};

struct Undefined {
  std::shared_ptr<const std::string> why;  ///< the message of the error that using it raises
};

struct None {};

class Value {
 public:
  /// Not even undefined: a variable that has not been set.
  Value() = default;
  Value(None none) : held_(none) {}
  Value(Undefined undefined) : held_(std::move(undefined)) {}
  Value(bool value) : held_(value) {}
  Value(int64_t value) : held_(value) {}
  Value(double value) : held_(value) {}
  Value(std::string text) : held_(std::make_shared<const Text>(Text{std::move(text)})) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(Text text) : held_(std::make_shared<const Text>(std::move(text))) {}
  Value(std::shared_ptr<const Sequence> sequence) : held_(std::move(sequence)) {}
  Value(std::shared_ptr<const Mapping> mapping) : held_(std::move(mapping)) {}
  Value(std::shared_ptr<Iterator> iterator) : held_(std::move(iterator)) {}
  Value(std::shared_ptr<Loop> loop) : held_(std::move(loop)) {}
  Value(std::shared_ptr<const Callable> callable) : held_(std::move(callable)) {}
  Value(Namespace* space) : held_(space) {}

  bool is_missing() const { return Is<std::monostate>(); }
  bool is_undefined() const { return Is<Undefined>(); }
  bool is_none() const { return Is<None>(); }
  bool is_bool() const { return Is<bool>(); }
  bool is_int() const { return Is<int64_t>(); }
  bool is_float() const { return Is<double>(); }
  bool is_number() const { return is_bool() || is_int() || is_float(); }

  /// Null for other kinds.
  const Text* text() const { return Pointer<std::shared_ptr<const Text>>(); }
  const Sequence* sequence() const { return Pointer<std::shared_ptr<const Sequence>>(); }
  const Mapping* mapping() const { return Pointer<std::shared_ptr<const Mapping>>(); }
  Iterator* iterator() const { return Pointer<std::shared_ptr<Iterator>>(); }
  Loop* loop() const { return Pointer<std::shared_ptr<Loop>>(); }
  const Callable* callable() const { return Pointer<std::shared_ptr<const Callable>>(); }
  Namespace* space() const { return Pointer<Namespace*>(); }

  template <class T>
  bool Is() const {
    return std::holds_alternative<T>(held_);
  }
  template <class T>
  const T& As() const {
    return std::get<T>(held_);
  }
  template <class Visitor>
  decltype(auto) Visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), held_);
  }

 private:
  template <class Held>
  auto Pointer() const -> decltype(&**static_cast<const Held*>(nullptr)) {
    const Held* held = std::get_if<Held>(&held_);
    return held == nullptr ? nullptr : &**held;
  }

  std::variant<std::monostate, None, Undefined, bool, int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Mapping>,
               std::shared_ptr<Iterator>, std::shared_ptr<Loop>, std::shared_ptr<const Callable>,
               Namespace*>
      held_;
};

using Items = std::vector<Value>;

struct Sequence {
  enum Kind { kList, kTuple, kRange, kKeys, kValues, kPairs };
  Kind kind;
  Items items;
  int depth;
};

struct Mapping {
  std::vector<std::pair<Value, Value>> entries;
  int depth;
};

/// A generator: what is left of it can be had once, and it is true even when empty.
struct Iterator {
  std::shared_ptr<const Sequence> sequence;
  size_t next = 0;
  bool done() const { return next == sequence->items.size(); }
};

/// Lives in the rendering, because it can hold itself.
struct Namespace {
  std::map<std::string, Value, std::less<>> members;
};

/// A macro, a method of `self`, or a global function.
struct Callable {
  std::string name;
  Value self = {};
  const Node* macro = nullptr;
  Activation* closure = nullptr;  ///< where the macro was defined
};

// Values nest at most kMaxDepth deep, so that what walks them cannot overflow a stack.
inline constexpr int kMaxDepth = 600;
Value MakeSequence(Sequence::Kind kind, Items items);
inline Value MakeList(Items items) { return MakeSequence(Sequence::kList, std::move(items)); }
inline Value MakeTuple(Items items) { return MakeSequence(Sequence::kTuple, std::move(items)); }
Value MakeIterator(Items items);
Value MakeUndefined(std::string why);
/// Entries whose keys are equal become one, at the place of the first with the value of the last.
Value MakeMapping(std::vector<std::pair<Value, Value>> entries, Budget& budget);
Value FromJson(const Json& json, Budget& budget, int depth = 0);

/// "str", "list", …, as Python calls the type.
std::string TypeName(const Value& value);
/// The error of an undefined value, or else that `what` takes no such type.
[[noreturn]] void FailType(const Value& value, std::string_view what);

bool Truthy(const Value& value);
bool Equal(const Value& a, const Value& b, Budget& budget);
/// a < b.
bool Less(const Value& a, const Value& b, Budget& budget);
bool Contains(const Value& container, const Value& item, Budget& budget);
/// Whether it can be a key, and Error where it must.
bool IsHashable(const Value& value);
void RequireHashable(const Value& value);
/// Null when there is none.
const Value* FindKey(const Mapping& mapping, const Value& key, Budget& budget);
const Value* FindName(const Mapping& mapping, std::string_view key, Budget& budget);
/// len(); nothing where Python has none.
std::optional<size_t> Length(const Value& value);
/// What iterating yields. Takes all of an iterator.
Items ToItems(const Value& value, Budget& budget);
/// The same one by one; the iterator itself if it is one.
std::shared_ptr<Iterator> ToIterator(const Value& value, Budget& budget);

/// The text of a str; throws Error on other types.
const std::string& AsText(const Value& value, std::string_view what);
/// An int or a bool as an integer; throws Error on other types.
int64_t AsInt(const Value& value, std::string_view what);
double AsFloat(const Value& value, std::string_view what);

/// str() and repr().
std::string ToText(const Value& value, Budget& budget);
std::string Repr(const Value& value, Budget& budget);

struct JsonStyle {
  bool ensure_ascii = false, sort_keys = false;
  std::optional<std::string> indent = std::nullopt;
  std::string item_separator = ", ", key_separator = ": ";
};
/// json.dumps().
std::string ToJson(const Value& value, const JsonStyle& style, Budget& budget);

/// a OP b for + - * / // % **.
Value Arithmetic(std::string_view op, const Value& a, const Value& b, Budget& budget);
Value Negated(const Value& value, std::string_view sign);
/// value[start:stop:step], each an integer or None.
Value Sliced(const Value& value, const Value& start, const Value& stop, const Value& step,
             Budget& budget);

}  // namespace retort::model::jinja
