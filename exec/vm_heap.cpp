#include "exec/internal/vm_heap.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace retort::exec {
namespace {

constexpr int kMaxValueDepth = 32;  // a list that holds itself has no end

const char* TypeName(const VmValue& value) {
  static constexpr const char* kNames[] = {"a number", "a boolean", "a text", "a list"};
  return kNames[value.index()];
}

bool IsPrintable(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t'; });
}

const std::string* TextOf(const VmValue& value) {
  const auto* text = std::get_if<VmText>(&value);
  return text ? *text : nullptr;
}

// True is 1 when compared, as in Python.
std::optional<int64_t> PlainNumber(const VmValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  const auto* number = std::get_if<int64_t>(&value);
  return number ? std::optional(*number) : std::nullopt;
}

template <class T>
bool Compare(std::string_view op, const T& a, const T& b) {
  if (op.size() == 2 && a == b) return true;
  return op[0] == '<' ? a < b : b < a;
}

}  // namespace

void VmHeap::SpendSteps(size_t count) {
  steps_ += static_cast<int64_t>(count);
  if (steps_ <= limits_.steps) return;
  steps_ = limits_.steps;
  ending_ = VmEnding::kBudget;
  Stop("more than ", limits_.steps, " steps");
}

void VmHeap::SpendCells(size_t count) {
  cells_ += static_cast<int64_t>(count);
  if (cells_ <= limits_.cells) return;
  ending_ = VmEnding::kBudget;
  Stop("more than ", limits_.cells, " list elements and letters");
}

VmValue VmHeap::NewText(std::string text) {
  SpendCells(text.size() + 1);
  return &texts_.emplace_back(std::move(text));
}

VmList* VmHeap::NewList(std::vector<VmValue> items) {
  SpendCells(items.size() + 1);
  return &lists_.emplace_back(VmList{std::move(items)});
}

void VmHeap::Append(VmList* list, VmValue value) {
  SpendCells(1);
  list->items.push_back(value);
}

VmValue VmHeap::FromJson(const Json& json, int depth) {
  if (depth > kMaxValueDepth) Stop("lists nest deeper than ", kMaxValueDepth);
  SpendSteps(1);
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) {
    // A number beyond int64 is unsigned.
    const bool huge = json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{1} << 62;
    return Bounded(huge ? int64_t{1} << 62 : json.get<int64_t>());
  }
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    if (!IsPrintable(text)) Stop("expected printable ASCII in text");
    return NewText(text);
  }
  if (!json.is_array()) {
    Stop("expected a whole number, a boolean, a text or a list, got ", json.type_name());
  }
  VmList* list = NewList({});
  for (const Json& item : json) Append(list, FromJson(item, depth + 1));
  return list;
}

Json VmHeap::ToJson(const VmValue& value, int depth) {
  if (depth > kMaxValueDepth) Stop("lists nest deeper than ", kMaxValueDepth);
  SpendSteps(1);
  if (const auto* list = std::get_if<VmList*>(&value)) {
    Json json = Json::array();
    for (const VmValue& item : (*list)->items) json.push_back(ToJson(item, depth + 1));
    return json;
  }
  if (const std::string* text = TextOf(value)) {
    SpendCells(text->size());
    return *text;
  }
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  return std::get<bool>(value);
}

int64_t VmHeap::Bounded(int64_t value) const {
  if (value > limits_.integer || value < -limits_.integer) {
    Stop("a number went beyond ", limits_.integer);
  }
  return value;
}

int64_t VmHeap::Number(const VmValue& value) const {
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  Stop("expected a number, got ", TypeName(value));
}

bool VmHeap::Boolean(const VmValue& value) const {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  Stop("expected True or False, got ", TypeName(value));
}

VmList* VmHeap::List(const VmValue& value) const {
  if (auto* const* list = std::get_if<VmList*>(&value)) return *list;
  Stop("expected a list, got ", TypeName(value));
}

size_t VmHeap::Size(const VmValue& value) const {
  const std::string* text = TextOf(value);
  return text ? text->size() : List(value)->items.size();
}

VmValue VmHeap::Binary(std::string_view op, bool update, const VmValue& left,
                       const VmValue& right) {
  if (op == "==" || op == "!=") return Equal(left, right, 0) == (op == "==");
  if (op == "in" || op == "not in") return Contains(right, left) == (op == "in");
  if (op[0] == '<' || op[0] == '>') return Order(op, left, right);
  const bool list = std::holds_alternative<VmList*>(left);
  if (update && list) Stop(op, "= on a list; use append, or x=x", op, "…");
  if (op == "+" && list) {
    const auto &a = List(left)->items, &b = List(right)->items;
    std::vector<VmValue> items(a);
    items.insert(items.end(), b.begin(), b.end());
    return NewList(std::move(items));
  }
  if (op == "+" && TextOf(left) && TextOf(right)) return NewText(*TextOf(left) + *TextOf(right));
  if (op == "*" && (list || TextOf(left))) return Repeat(left, Number(right));
  return Arithmetic(op, Number(left), Number(right));
}

VmValue VmHeap::Order(std::string_view op, const VmValue& left, const VmValue& right) {
  const std::string *a = TextOf(left), *b = TextOf(right);
  if (!a || !b) return Compare(op, Number(left), Number(right));
  SpendSteps(a->size());
  return Compare(op, *a, *b);
}

VmValue VmHeap::Arithmetic(std::string_view op, int64_t a, int64_t b) const {
  int64_t value = 0;
  if (op == "+") return Bounded(a + b);
  if (op == "-") return Bounded(a - b);
  if (op == "*") {
    if (__builtin_mul_overflow(a, b, &value)) Stop("a number went beyond ", limits_.integer);
    return Bounded(value);
  }
  if (b == 0) Stop("division by zero");
  value = a / b;
  if (a % b != 0 && (a < 0) != (b < 0)) --value;  // rounds down, as in Python
  return op == "//" ? value : a - value * b;
}

VmValue VmHeap::Repeat(const VmValue& whole, int64_t times) {
  const size_t size = Size(whole);
  // No more than would break the budget.
  const auto count = static_cast<size_t>(std::clamp<int64_t>(times, 0, limits_.cells + 1));
  if (size * count > static_cast<size_t>(limits_.cells)) SpendCells(size * count);
  const std::string* text = TextOf(whole);
  std::string letters;
  std::vector<VmValue> items;
  for (size_t i = 0; i < (size > 0 ? count : 0); ++i) {
    if (text) {
      letters += *text;
    } else {
      items.insert(items.end(), List(whole)->items.begin(), List(whole)->items.end());
    }
  }
  return text ? NewText(std::move(letters)) : NewList(std::move(items));
}

bool VmHeap::Equal(const VmValue& a, const VmValue& b, int depth) {
  if (depth > kMaxValueDepth) Stop("lists nest deeper than ", kMaxValueDepth);
  SpendSteps(1);
  if (PlainNumber(a) || PlainNumber(b)) return PlainNumber(a) == PlainNumber(b);
  if (a.index() != b.index()) return false;
  if (const std::string* text = TextOf(a)) {
    SpendSteps(text->size());
    return *text == *TextOf(b);
  }
  const auto &x = List(a)->items, &y = List(b)->items;
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!Equal(x[i], y[i], depth + 1)) return false;
  }
  return true;
}

bool VmHeap::Contains(const VmValue& whole, const VmValue& part) {
  if (const std::string* text = TextOf(whole)) {
    const std::string* wanted = TextOf(part);
    if (!wanted) Stop("expected a text, got ", TypeName(part));
    SpendSteps((text->size() + 1) * (wanted->size() + 1));
    return text->find(*wanted) != std::string::npos;
  }
  for (const VmValue& item : List(whole)->items) {
    if (Equal(item, part, 0)) return true;
  }
  return false;
}

size_t VmHeap::Place(int64_t index, size_t size) const {
  const auto count = static_cast<int64_t>(size);
  const int64_t place = index < 0 ? index + count : index;
  if (place < 0 || place >= count) Stop("index ", index, " of ", size, " elements");
  return static_cast<size_t>(place);
}

VmValue VmHeap::Item(const VmValue& whole, int64_t index) {
  const size_t place = Place(index, Size(whole));
  const std::string* text = TextOf(whole);
  return text ? NewText(text->substr(place, 1)) : List(whole)->items[place];
}

VmValue VmHeap::Slice(const VmValue& whole, int64_t begin, int64_t end) {
  const auto first = static_cast<size_t>(begin);
  const auto count = static_cast<size_t>(std::max<int64_t>(end - begin, 0));
  if (const std::string* text = TextOf(whole)) return NewText(text->substr(first, count));
  const auto from = List(whole)->items.begin() + begin;
  return NewList({from, from + static_cast<int64_t>(count)});
}

VmValue VmHeap::Call(std::string_view function, const std::vector<VmValue>& arguments) {
  if (function == "len") return static_cast<int64_t>(Size(arguments[0]));
  if (function == "abs") return std::abs(Number(arguments[0]));
  const std::vector<VmValue>& items = arguments.size() > 1 ? arguments : List(arguments[0])->items;
  SpendSteps(items.size());
  if (function == "sorted") return Sorted(items);
  int64_t total = 0;
  if (function == "sum") {
    for (const VmValue& item : items) total = Bounded(total + Number(item));
    return total;
  }
  if (items.empty()) Stop(function, " of an empty list");
  total = Number(items[0]);
  for (const VmValue& item : items) {
    total = function == "min" ? std::min(total, Number(item)) : std::max(total, Number(item));
  }
  return total;
}

VmValue VmHeap::Sorted(const std::vector<VmValue>& items) {
  std::vector<VmValue> sorted(items);
  const bool texts = !items.empty() && TextOf(items[0]);
  size_t work = items.size(), log = 1;
  for (const VmValue& item : items) {
    if (texts != (TextOf(item) != nullptr)) Stop("sorted takes numbers or texts, not both");
    if (texts) {
      work += TextOf(item)->size();
    } else {
      Number(item);
    }
  }
  while (size_t{1} << log < items.size()) ++log;
  SpendSteps(work * log);
  std::ranges::sort(sorted, [&](const VmValue& a, const VmValue& b) {
    return texts ? *TextOf(a) < *TextOf(b) : std::get<int64_t>(a) < std::get<int64_t>(b);
  });
  return NewList(std::move(sorted));
}

}  // namespace retort::exec
