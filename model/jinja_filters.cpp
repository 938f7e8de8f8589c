// Filters.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_builtins.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

using Filter = Value (*)(const Value& input, const Arguments& arguments, Budget& budget);

bool Flag(const Value& given) { return !given.is_missing() && Truthy(given); }

// A text made of `input`, safe where that is.
Value Like(const Value& input, std::string bytes) {
  return Text{std::move(bytes), input.text() && input.text()->safe};
}

// ---- text

template <std::string (*change)(std::string_view)>
Value Change(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("this filter", {});
  return Like(input, change(ToText(input, budget)));
}

Value Title(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("title", {});
  const std::string text = ToText(input, budget);
  std::string out;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const std::string_view one = std::string_view(text).substr(at, point.bytes);
    out += inside ? Lower(one) : Upper(one);
    inside = !IsSpace(point.value) && std::string_view("-({[<").find(one) == std::string::npos;
    at += point.bytes;
  }
  return out;
}

Value Trim(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("trim", {"chars"});
  const Value text = ToText(input, budget);
  Arguments chars;
  if (!given[0].is_missing()) chars.positional.push_back(given[0]);
  const Value strip = GetAttribute(text, "strip", budget);
  return Like(input, CallMethod(*strip.callable(), chars, budget).text()->bytes);
}

Value Replace(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("replace", {"old", "new", "count"});
  RETORT_CHECK(!given[1].is_missing(), "replace takes what is replaced and by what");
  const std::string text = ToText(input, budget), old = ToText(given[0], budget),
                    now = ToText(given[1], budget);
  int64_t left = given[2].is_missing() || given[2].is_none() ? -1 : AsInt(given[2], "replace");
  std::string out;
  size_t begin = 0;
  for (size_t from = 0; left != 0; --left) {
    const size_t at = Find(text, old, from);
    if (at == std::string::npos) break;
    budget.Spend(1);
    out.append(text, begin, at - begin);
    budget.SpendText(out.size() + now.size() > Budget::kTextBytes ? out.size() + now.size() : 0);
    out += now;
    begin = at + old.size();
    // Before each character and at the end when nothing is what is replaced.
    from = !old.empty() ? begin : at < text.size() ? at + CodePointAt(text, at).bytes : at + 1;
  }
  return out.append(text, begin);
}

Value Indent(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("indent", {"width", "first", "blank"});
  const std::string text = AsText(input, "indent") + "\n";
  std::string margin;
  if (given[0].text()) {
    margin = given[0].text()->bytes;
  } else {
    const int64_t width = given[0].is_missing() ? 4 : AsInt(given[0], "indent");
    budget.SpendText(static_cast<size_t>(std::max<int64_t>(width, 0)));
    margin.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  std::string out;
  const auto lines = SplitLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    const bool indented = i == 0 ? Flag(given[1]) : Flag(given[2]) || !lines[i].empty();
    if (indented) out += margin;
    out += lines[i];
    budget.SpendText(indented ? margin.size() + 64 : 64);
    RETORT_CHECK(out.size() <= Budget::kTextBytes, "a text of more than ", Budget::kTextBytes,
                 " bytes");
  }
  return Like(input, std::move(out));
}

Value String(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("string", {});
  return input.text() ? input : Value(ToText(input, budget));
}

Value Safe(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("safe", {});
  return Text{ToText(input, budget), true};
}

Value Escape(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("escape", {});
  const bool safe = input.text() && input.text()->safe;
  return safe ? input : Value(Text{EscapeHtml(ToText(input, budget)), true});
}

Value ToJsonFilter(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given =
      arguments.Bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{.ensure_ascii = Flag(given[0]), .sort_keys = Flag(given[3])};
  const Value& indent = given[1];
  if (indent.text()) {
    style.indent = indent.text()->bytes;
  } else if (!indent.is_missing() && !indent.is_none()) {
    const int64_t width = std::max<int64_t>(AsInt(indent, "tojson"), 0);
    budget.SpendText(static_cast<size_t>(width));
    style.indent = std::string(static_cast<size_t>(width), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (!given[2].is_missing() && !given[2].is_none()) {
    const Items separators = ToItems(given[2], budget);
    RETORT_CHECK(separators.size() == 2, "tojson takes two separators");
    style.item_separator = AsText(separators[0], "a separator");
    style.key_separator = AsText(separators[1], "a separator");
  }
  return ToJson(input, style, budget);
}

// ---- numbers

// A number as int() and float() read it: white space around it, '_' between digits.
std::string Digits(const std::string& text) {
  const std::string_view stripped = StripRight(StripLeft(text));
  std::string digits;
  for (size_t i = 0; i < stripped.size(); ++i) {
    RETORT_CHECK(static_cast<signed char>(stripped[i]) >= 0,
                 "reading a number from text beyond ASCII is not implemented");
    const bool between = i > 0 && i + 1 < stripped.size() && IsAsciiDigit(stripped[i - 1]) &&
                         IsAsciiDigit(stripped[i + 1]);
    if (stripped[i] != '_' || !between) digits += stripped[i];
  }
  return digits;
}

std::optional<double> ReadFloat(const std::string& text) {
  const std::string digits = Digits(text);
  std::string_view number = digits;
  const bool minus = number.starts_with('-');
  if (minus || number.starts_with('+')) number.remove_prefix(1);
  if (number.empty() || number[0] == '-' || number.find('(') != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::invalid_argument || end != number.data() + number.size())
    return std::nullopt;
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(number).c_str(), nullptr);
  return minus ? -value : value;
}

std::optional<int64_t> ReadInt(const std::string& text) {
  const std::string digits = Digits(text);
  std::string_view number = digits;
  if (number.starts_with('+') && number.size() > 1 && number[1] != '-') number.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error == std::errc::invalid_argument || end != number.data() + number.size())
    return std::nullopt;
  RETORT_CHECK(error == std::errc(), "the integer ", Excerpt(number), " is beyond 64 bits");
  return value;
}

std::optional<int64_t> Truncated(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  RETORT_CHECK(std::abs(value) < 0x1p63, "the integer ", value, " is beyond 64 bits");
  return static_cast<int64_t>(value);
}

Value Int(const Value& input, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("int", {"default", "base"});
  RETORT_CHECK(given[1].is_missing() || AsInt(given[1], "int") == 10,
               "int with another base than 10 is not implemented");
  if (input.is_undefined()) FailType(input, "");
  RETORT_CHECK(!input.is_float() || !std::isinf(input.As<double>()), "int of an infinity");
  std::optional<int64_t> value;
  if (input.is_float()) {
    value = Truncated(input.As<double>());
  } else if (input.is_number()) {
    value = AsInt(input, "int");
  } else if (input.text()) {
    value = ReadInt(input.text()->bytes);
    if (!value) {
      if (const auto number = ReadFloat(input.text()->bytes)) value = Truncated(*number);
    }
  }
  if (value) return *value;
  return given[0].is_missing() ? Value(int64_t{0}) : given[0];
}

Value Float(const Value& input, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("float", {"default"});
  if (input.is_undefined()) FailType(input, "");
  if (input.is_number()) return AsFloat(input, "float");
  if (input.text()) {
    if (const auto number = ReadFloat(input.text()->bytes)) return *number;
  }
  return given[0].is_missing() ? Value(0.0) : given[0];
}

Value Abs(const Value& input, const Arguments& arguments, Budget&) {
  arguments.Bind("abs", {});
  if (input.is_float()) return std::abs(input.As<double>());
  return Negated(input, AsInt(input, "abs") < 0 ? "-" : "+");
}

Value Round(const Value& input, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("round", {"precision", "method"});
  const int64_t precision = given[0].is_missing() ? 0 : AsInt(given[0], "round");
  const std::string method = given[1].is_missing() ? "common" : AsText(given[1], "round");
  RETORT_CHECK(method == "common" || method == "ceil" || method == "floor",
               "round takes the methods common, ceil and floor");
  RETORT_CHECK(precision >= 0 && precision <= 20, "round to ", precision,
               " digits is not implemented");
  if (method == "common") {
    if (!input.is_float()) return AsInt(input, "round");
    const double value = input.As<double>();
    if (!std::isfinite(value)) return value;
    char digits[400];  // exact, and ties go to even
    std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), value);
    return std::strtod(digits, nullptr);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = AsFloat(input, "round") * scale;
  RETORT_CHECK(std::abs(scaled) < 0x1p53, "rounding ", scaled, " is not implemented");
  // As an integer it has no negative zero.
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale + 0.0;
}

// ---- sequences

Value LengthFilter(const Value& input, const Arguments& arguments, Budget&) {
  arguments.Bind("length", {});
  if (Loop* loop = input.loop()) return static_cast<int64_t>(loop->Length());
  const auto length = Length(input);
  if (!length) FailType(input, "length");
  return static_cast<int64_t>(*length);
}

Value List(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("list", {});
  return MakeList(ToItems(input, budget));
}

Value First(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("first", {});
  const auto left = ToIterator(input, budget);
  if (left->done()) return MakeUndefined("No first item, sequence was empty.");
  return left->sequence->items[left->next++];
}

Value Last(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("last", {});
  if (input.iterator()) FailType(input, "last");
  if (input.text() && !input.text()->bytes.empty()) return GetItem(input, int64_t{-1}, budget);
  const auto all = ToIterator(input, budget);
  if (all->done()) return MakeUndefined("No last item, sequence was empty.");
  return all->sequence->items.back();
}

Value Reverse(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("reverse", {});
  if (input.text()) return Sliced(input, None{}, None{}, int64_t{-1}, budget);
  Items items = ToItems(input, budget);
  std::ranges::reverse(items);
  return input.iterator() ? MakeList(std::move(items)) : MakeIterator(std::move(items));
}

// item.a.b.0, as "a.b.0" says; the item itself when nothing is said.
Value Member(const Value& item, const Value& path, Budget& budget, const Value& otherwise = {}) {
  if (path.is_missing() || path.is_none()) return item;
  Items keys;
  if (!path.text()) {
    keys.push_back(path);
  } else {
    const std::string_view text = path.text()->bytes;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('.', begin), text.size());
      const std::string key(text.substr(begin, end - begin));
      const bool number = !key.empty() && std::ranges::all_of(key, IsAsciiDigit);
      keys.push_back(number ? Value(ReadInt(key).value_or(0)) : Value(key));
      begin = end + 1;
    }
  }
  Value value = item;
  for (const Value& key : keys) {
    budget.Spend(1);
    value = GetItem(value, key, budget);
    const bool replaced = !otherwise.is_missing() && !otherwise.is_none() && value.is_undefined();
    if (replaced) value = otherwise;
  }
  return value;
}

Value IgnoreCase(Value value, bool case_sensitive, Budget& budget) {
  if (case_sensitive || !value.text()) return value;
  budget.SpendText(value.text()->bytes.size());
  return Lower(value.text()->bytes);
}

Value Join(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("join", {"d", "attribute"});
  const std::string between = given[0].is_missing() ? "" : ToText(given[0], budget);
  std::string out;
  bool first = true;
  for (const Value& item : ToItems(input, budget)) {
    if (!std::exchange(first, false)) out += between;
    out += ToText(Member(item, given[1], budget), budget);
    budget.Spend(1);
    RETORT_CHECK(out.size() <= Budget::kTextBytes, "a text of more than ", Budget::kTextBytes,
                 " bytes");
  }
  return out;
}

// Sorted by keys, equal ones in their order.
Items SortedBy(Items items, const Items& keys, bool reverse, Budget& budget) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return reverse ? Less(keys[b], keys[a], budget) : Less(keys[a], keys[b], budget);
  });
  Items sorted;
  for (const size_t i : order) sorted.push_back(std::move(items[i]));
  return sorted;
}

Value Sort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("sort", {"reverse", "case_sensitive", "attribute"});
  Items paths = {given[2]};
  if (const Text* text = given[2].text()) {
    const Arguments comma{{","}};
    const Value split = GetAttribute(Value(text->bytes), "split", budget);
    paths = CallMethod(*split.callable(), comma, budget).sequence()->items;
  }
  Items items = ToItems(input, budget), keys;
  for (const Value& item : items) {
    Items key;
    for (const Value& path : paths) {
      key.push_back(IgnoreCase(Member(item, path, budget), Flag(given[1]), budget));
    }
    keys.push_back(MakeList(std::move(key)));
  }
  return MakeList(SortedBy(std::move(items), keys, Flag(given[0]), budget));
}

Value DictSort(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("dictsort", {"case_sensitive", "by", "reverse"});
  const std::string by = given[1].is_missing() ? "key" : AsText(given[1], "dictsort");
  RETORT_CHECK(by == "key" || by == "value", "dictsort sorts by key or value");
  if (!input.mapping()) FailType(input, "dictsort");
  Items items, keys;
  for (const auto& [key, value] : input.mapping()->entries) {
    items.push_back(MakeTuple({key, value}));
    keys.push_back(IgnoreCase(by == "key" ? key : value, Flag(given[0]), budget));
  }
  return MakeList(SortedBy(std::move(items), keys, Flag(given[2]), budget));
}

Value Unique(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("unique", {"case_sensitive", "attribute"});
  Items unique, seen;
  for (const Value& item : ToItems(input, budget)) {
    Value key = IgnoreCase(Member(item, given[1], budget), Flag(given[0]), budget);
    RequireHashable(key);
    if (std::ranges::any_of(seen, [&](const Value& other) { return Equal(other, key, budget); }))
      continue;
    seen.push_back(std::move(key));
    unique.push_back(item);
  }
  return MakeIterator(std::move(unique));
}

template <bool largest>
Value Extreme(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind(largest ? "max" : "min", {"case_sensitive", "attribute"});
  Value best, best_key;
  for (const Value& item : ToItems(input, budget)) {
    Value key = IgnoreCase(Member(item, given[1], budget), Flag(given[0]), budget);
    const bool better =
        best.is_missing() || (largest ? Less(best_key, key, budget) : Less(key, best_key, budget));
    if (!better) continue;
    best = item;
    best_key = std::move(key);
  }
  return best.is_missing() ? MakeUndefined("No aggregated item, sequence was empty.") : best;
}

Value Sum(const Value& input, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("sum", {"attribute", "start"});
  Value sum = given[1].is_missing() ? Value(int64_t{0}) : given[1];
  RETORT_CHECK(!sum.text(), "sum does not start with a str");
  for (const Value& item : ToItems(input, budget)) {
    sum = Arithmetic("+", sum, Member(item, given[0], budget), budget);
  }
  return sum;
}

Value ItemsFilter(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.Bind("items", {});
  if (input.is_undefined()) return MakeIterator({});
  if (!input.mapping()) FailType(input, "items");
  const Value method = GetAttribute(input, "items", budget);
  return MakeIterator(ToItems(CallMethod(*method.callable(), {}, budget), budget));
}

Value Default(const Value& input, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("default", {"default_value", "boolean"});
  const bool replaced = input.is_undefined() || (Flag(given[1]) && !Truthy(input));
  if (!replaced) return input;
  return given[0].is_missing() ? Value("") : given[0];
}

Value Map(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!Truthy(input)) return MakeIterator({});
  Items mapped;
  const bool attribute =
      arguments.positional.empty() && std::ranges::any_of(arguments.named, [](const auto& entry) {
        return entry.first == "attribute";
      });
  if (attribute) {
    const auto given = arguments.Bind("map", {"attribute", "default"});
    for (const Value& item : ToItems(input, budget)) {
      budget.Spend(1);
      mapped.push_back(Member(item, given[0], budget, given[1]));
    }
    return MakeIterator(std::move(mapped));
  }
  RETORT_CHECK(!arguments.positional.empty(), "map takes a filter or an attribute");
  const std::string& name = AsText(arguments.positional[0], "map");
  const Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()},
                       arguments.named};
  for (const Value& item : ToItems(input, budget)) {
    budget.Spend(1);
    mapped.push_back(ApplyFilter(name, item, rest, budget));
  }
  return MakeIterator(std::move(mapped));
}

// The items (or with `attribute` those whose attribute) for which a test, or their truth, is
// `wanted`.
template <bool attribute, bool wanted>
Value Select(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!Truthy(input)) return MakeIterator({});
  const size_t own = attribute ? 1 : 0;
  const Items& given = arguments.positional;
  RETORT_CHECK(given.size() >= own, "selectattr and rejectattr take an attribute");
  Arguments rest;
  if (given.size() > own) {
    rest = {{given.begin() + own + 1, given.end()}, arguments.named};
  }
  Items selected;
  for (const Value& item : ToItems(input, budget)) {
    budget.Spend(1);
    const Value tested = attribute ? Member(item, given[0], budget) : item;
    const bool holds = given.size() > own
                           ? ApplyTest(AsText(given[own], "a test's name"), tested, rest, budget)
                           : Truthy(tested);
    if (holds == wanted) selected.push_back(item);
  }
  return MakeIterator(std::move(selected));
}

const std::map<std::string_view, Filter, std::less<>>& Filters() {
  static const std::map<std::string_view, Filter, std::less<>> filters = {
      {"abs", Abs},
      {"capitalize", Change<Capitalize>},
      {"count", LengthFilter},
      {"d", Default},
      {"default", Default},
      {"dictsort", DictSort},
      {"e", Escape},
      {"escape", Escape},
      {"first", First},
      {"float", Float},
      {"indent", Indent},
      {"int", Int},
      {"items", ItemsFilter},
      {"join", Join},
      {"last", Last},
      {"length", LengthFilter},
      {"list", List},
      {"lower", Change<Lower>},
      {"map", Map},
      {"max", Extreme<true>},
      {"min", Extreme<false>},
      {"reject", Select<false, false>},
      {"rejectattr", Select<true, false>},
      {"replace", Replace},
      {"reverse", Reverse},
      {"round", Round},
      {"safe", Safe},
      {"select", Select<false, true>},
      {"selectattr", Select<true, true>},
      {"sort", Sort},
      {"string", String},
      {"sum", Sum},
      {"title", Title},
      {"tojson", ToJsonFilter},
      {"trim", Trim},
      {"unique", Unique},
      {"upper", Change<Upper>}};
  return filters;
}

}  // namespace

bool IsFilter(std::string_view name) { return Filters().contains(name); }

Value ApplyFilter(const std::string& name, const Value& input, const Arguments& arguments,
                  Budget& budget) {
  const auto found = Filters().find(name);
  RETORT_CHECK(found != Filters().end(), "the filter '", Excerpt(name),
               "' is unknown or not implemented");
  if (input.text()) budget.SpendText(input.text()->bytes.size());
  Value result = found->second(input, arguments, budget);
  if (result.text()) budget.SpendText(result.text()->bytes.size());
  return result;
}

}  // namespace retort::model::jinja
