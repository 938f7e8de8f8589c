// Making, comparing and walking values.

#include "model/internal/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

int DepthOf(const Value& value) {
  if (const Sequence* sequence = value.sequence()) return sequence->depth;
  if (const Mapping* mapping = value.mapping()) return mapping->depth;
  if (const Iterator* iterator = value.iterator()) return iterator->sequence->depth;
  return 0;
}

int Above(int depth) {
  RETORT_CHECK(depth < kMaxDepth, "a value nested deeper than ", kMaxDepth, " levels");
  return depth + 1;
}

// -1, 0, 1, or 2 when one is not a number; as exact as Python, which compares without rounding.
int CompareNumbers(const Value& a, const Value& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2; };
  if (a.is_float() && b.is_float()) return sign(a.As<double>(), b.As<double>());
  if (b.is_float()) {
    const double y = b.As<double>();
    const int64_t x = AsInt(a, "");
    if (std::isnan(y)) return 2;
    if (std::abs(y) >= 0x1p63) return y > 0 ? -1 : 1;
    const int whole = sign(x, static_cast<int64_t>(y));
    return whole != 0 ? whole : sign(std::trunc(y), y);
  }
  if (a.is_float()) {
    const int other = CompareNumbers(b, a);
    return other == 2 ? 2 : -other;
  }
  return sign(AsInt(a, ""), AsInt(b, ""));
}

bool IsView(Sequence::Kind kind) {
  return kind == Sequence::kKeys || kind == Sequence::kValues || kind == Sequence::kPairs;
}

bool SameText(std::string_view a, std::string_view b, Budget& budget) {
  if (a.size() != b.size()) return false;
  budget.SpendText(a.size());
  return a == b;
}

bool EqualItems(const Items& a, const Items& b, Budget& budget) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Equal(a[i], b[i], budget)) return false;
  }
  return true;
}

}  // namespace

void Budget::Spend(size_t steps) {
  RETORT_CHECK(steps <= left_, "more than ", kSteps, " steps");
  left_ -= steps;
}

void Budget::SpendText(size_t bytes) {
  RETORT_CHECK(bytes <= kTextBytes, "a text of more than ", kTextBytes, " bytes");
  Spend(bytes / 64);
}

Value MakeSequence(Sequence::Kind kind, Items items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, DepthOf(item));
  return std::make_shared<const Sequence>(Sequence{kind, std::move(items), Above(deepest)});
}

Value MakeIterator(Items items) {
  const Value list = MakeList(std::move(items));
  return std::make_shared<Iterator>(Iterator{list.As<std::shared_ptr<const Sequence>>()});
}

Value MakeUndefined(std::string why) {
  return Undefined{std::make_shared<const std::string>(std::move(why))};
}

Value MakeMapping(std::vector<std::pair<Value, Value>> entries, Budget& budget) {
  Mapping made{{}, 0};
  for (auto& [key, value] : entries) {
    RequireHashable(key);
    made.depth = std::max({made.depth, DepthOf(key), DepthOf(value)});
    if (const Value* there = FindKey(made, key, budget)) {
      const_cast<Value&>(*there) = std::move(value);
    } else {
      made.entries.emplace_back(std::move(key), std::move(value));
    }
  }
  made.depth = Above(made.depth);
  return std::make_shared<const Mapping>(std::move(made));
}

Value FromJson(const Json& json, Budget& budget, int depth) {
  budget.Spend(1);
  RETORT_CHECK(depth < kMaxDepth, "a variable nested deeper than ", kMaxDepth, " levels");
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_unsigned:
      RETORT_CHECK(json.get<uint64_t>() <= std::numeric_limits<int64_t>::max(), "the integer ",
                   json.get<uint64_t>(), " is beyond 64 bits");
      return static_cast<int64_t>(json.get<uint64_t>());
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      budget.SpendText(text.size());
      return text;
    }
    case Json::value_t::array: {
      Items items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(FromJson(item, budget, depth + 1));
      return MakeList(std::move(items));
    }
    case Json::value_t::object: {
      Mapping made{{}, 0};  // whose keys differ already
      for (const auto& [key, item] : json.get_ref<const Json::object_t&>()) {
        made.entries.emplace_back(key, FromJson(item, budget, depth + 1));
        made.depth = std::max(made.depth, DepthOf(made.entries.back().second));
      }
      made.depth = Above(made.depth);
      return std::make_shared<const Mapping>(std::move(made));
    }
    case Json::value_t::binary:
      Fail("the integer ", BigInteger(json).value_or("?"), " is beyond 64 bits");
    default:
      return None{};
  }
}

std::string TypeName(const Value& value) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "Undefined"; }
    std::string operator()(const Undefined&) const { return "Undefined"; }
    std::string operator()(None) const { return "NoneType"; }
    std::string operator()(bool) const { return "bool"; }
    std::string operator()(int64_t) const { return "int"; }
    std::string operator()(double) const { return "float"; }
    std::string operator()(const std::shared_ptr<const Text>& text) const {
      return text->safe ? "Markup" : "str";
    }
    std::string operator()(const std::shared_ptr<const Sequence>& sequence) const {
      constexpr const char* kNames[] = {"list",      "tuple",       "range",
                                        "dict_keys", "dict_values", "dict_items"};
      return kNames[sequence->kind];
    }
    std::string operator()(const std::shared_ptr<const Mapping>&) const { return "dict"; }
    std::string operator()(const std::shared_ptr<Iterator>&) const { return "generator"; }
    std::string operator()(const std::shared_ptr<Loop>&) const { return "LoopContext"; }
    std::string operator()(const std::shared_ptr<const Callable>&) const { return "function"; }
    std::string operator()(Namespace*) const { return "Namespace"; }
  };
  return value.Visit(Visitor());
}

void FailType(const Value& value, std::string_view what) {
  if (value.is_undefined()) Fail(*value.As<Undefined>().why);
  Fail(what, " does not take a ", TypeName(value));
}

bool Truthy(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is_bool()) return value.As<bool>();
  if (value.is_int()) return value.As<int64_t>() != 0;
  if (value.is_float()) return value.As<double>() != 0;
  if (const Text* text = value.text()) return !text->bytes.empty();
  if (const Sequence* sequence = value.sequence()) return !sequence->items.empty();
  if (const Mapping* mapping = value.mapping()) return !mapping->entries.empty();
  return true;
}

bool Equal(const Value& a, const Value& b, Budget& budget) {
  budget.Spend(1);
  if (a.is_number() && b.is_number()) return CompareNumbers(a, b) == 0;
  if (a.text() && b.text()) return SameText(a.text()->bytes, b.text()->bytes, budget);
  if (a.sequence() && b.sequence()) {
    const Sequence &x = *a.sequence(), &y = *b.sequence();
    if (&x == &y) return true;
    RETORT_CHECK(!IsView(x.kind) && !IsView(y.kind), "comparing ", TypeName(a), " and ",
                 TypeName(b), " is not implemented");
    return x.kind == y.kind && EqualItems(x.items, y.items, budget);
  }
  if (a.mapping() && b.mapping()) {
    if (a.mapping() == b.mapping()) return true;
    if (a.mapping()->entries.size() != b.mapping()->entries.size()) return false;
    for (const auto& [key, value] : a.mapping()->entries) {
      const Value* other = FindKey(*b.mapping(), key, budget);
      if (other == nullptr || !Equal(value, *other, budget)) return false;
    }
    return true;
  }
  if (a.callable() && b.callable()) {
    RETORT_CHECK(a.callable() == b.callable(), "comparing functions is not implemented");
    return true;
  }
  if (a.is_undefined() || a.is_none()) return TypeName(a) == TypeName(b);
  if (a.iterator()) return a.iterator() == b.iterator();
  if (a.loop()) return a.loop() == b.loop();
  return a.space() != nullptr && a.space() == b.space();
}

bool Less(const Value& a, const Value& b, Budget& budget) {
  budget.Spend(1);
  if (a.is_number() && b.is_number()) return CompareNumbers(a, b) == -1;
  if (a.text() && b.text()) {
    budget.SpendText(std::min(a.text()->bytes.size(), b.text()->bytes.size()));
    return a.text()->bytes < b.text()->bytes;
  }
  if (a.sequence() && b.sequence() && a.sequence()->kind == b.sequence()->kind &&
      a.sequence()->kind <= Sequence::kTuple) {
    const Items &x = a.sequence()->items, &y = b.sequence()->items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!Equal(x[i], y[i], budget)) return Less(x[i], y[i], budget);
    }
    return x.size() < y.size();
  }
  if (a.is_undefined()) FailType(a, "");
  if (b.is_undefined()) FailType(b, "");
  Fail("a ", TypeName(a), " and a ", TypeName(b), " have no order");
}

bool Contains(const Value& container, const Value& item, Budget& budget) {
  if (const Text* text = container.text()) {
    budget.SpendText(text->bytes.size());
    return Find(text->bytes, AsText(item, "'in' of a str")) != std::string::npos;
  }
  if (const Mapping* mapping = container.mapping()) {
    RequireHashable(item);
    return FindKey(*mapping, item, budget) != nullptr;
  }
  if (const Sequence* sequence = container.sequence()) {
    if (sequence->kind == Sequence::kKeys) RequireHashable(item);
    return std::ranges::any_of(sequence->items,
                               [&](const Value& other) { return Equal(other, item, budget); });
  }
  if (container.loop() || container.callable()) FailType(container, "'in'");
  for (const auto left = ToIterator(container, budget); !left->done();) {
    if (Equal(left->sequence->items[left->next++], item, budget)) return true;
  }
  return false;
}

bool IsHashable(const Value& value) {
  const Sequence* sequence = value.sequence();
  if (sequence && sequence->kind == Sequence::kTuple) {
    return std::ranges::all_of(sequence->items, IsHashable);
  }
  return !value.mapping() && (!sequence || sequence->kind == Sequence::kRange);
}

void RequireHashable(const Value& value) {
  RETORT_CHECK(IsHashable(value), "a ", TypeName(value), " cannot be a key: it is unhashable");
}

const Value* FindKey(const Mapping& mapping, const Value& key, Budget& budget) {
  if (const Text* text = key.text()) return FindName(mapping, text->bytes, budget);
  for (const auto& [other, value] : mapping.entries) {
    if (Equal(other, key, budget)) return &value;
  }
  return nullptr;
}

const Value* FindName(const Mapping& mapping, std::string_view key, Budget& budget) {
  budget.Spend(mapping.entries.size() / 16);
  for (const auto& [other, value] : mapping.entries) {
    if (other.text() && SameText(other.text()->bytes, key, budget)) return &value;
  }
  return nullptr;
}

std::optional<size_t> Length(const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.text()) return CountCodePoints(text->bytes);
  if (const Sequence* sequence = value.sequence()) return sequence->items.size();
  if (const Mapping* mapping = value.mapping()) return mapping->entries.size();
  return std::nullopt;
}

Items ToItems(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  if (const Sequence* sequence = value.sequence()) {
    budget.Spend(sequence->items.size() / 8);
    return sequence->items;
  }
  Items items;
  if (const Text* text = value.text()) {
    for (size_t at = 0; at < text->bytes.size();) {
      budget.Spend(1);
      const size_t bytes = CodePointAt(text->bytes, at).bytes;
      items.push_back(text->bytes.substr(at, bytes));
      at += bytes;
    }
  } else if (const Mapping* mapping = value.mapping()) {
    budget.Spend(mapping->entries.size() / 8);
    for (const auto& [key, item] : mapping->entries) items.push_back(key);
  } else if (Iterator* iterator = value.iterator()) {
    const Items& all = iterator->sequence->items;
    budget.Spend((all.size() - iterator->next) / 8);
    items.assign(all.begin() + static_cast<std::ptrdiff_t>(iterator->next), all.end());
    iterator->next = all.size();
  } else {
    FailType(value, "iterating");
  }
  return items;
}

std::shared_ptr<Iterator> ToIterator(const Value& value, Budget& budget) {
  if (value.iterator()) return value.As<std::shared_ptr<Iterator>>();
  if (value.sequence()) {
    return std::make_shared<Iterator>(Iterator{value.As<std::shared_ptr<const Sequence>>()});
  }
  return MakeIterator(ToItems(value, budget)).As<std::shared_ptr<Iterator>>();
}

const std::string& AsText(const Value& value, std::string_view what) {
  if (!value.text()) FailType(value, what);
  return value.text()->bytes;
}

int64_t AsInt(const Value& value, std::string_view what) {
  if (value.is_bool()) return value.As<bool>() ? 1 : 0;
  if (!value.is_int()) FailType(value, what);
  return value.As<int64_t>();
}

double AsFloat(const Value& value, std::string_view what) {
  return value.is_float() ? value.As<double>() : static_cast<double>(AsInt(value, what));
}

}  // namespace retort::model::jinja
