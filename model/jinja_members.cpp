// Attributes, items and methods of values.

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_builtins.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

using Method = Value (*)(const Value& self, const Arguments& arguments, Budget& budget);
using Methods = std::map<std::string_view, Method, std::less<>>;

// What a type has in Python besides: known, so that a template that asks for it is told, rather
// than given "undefined".
using Others = std::string_view;

bool HasWord(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' '))
      return true;
  }
  return false;
}

const std::string& Self(const Value& self) { return self.text()->bytes; }

// ---- str

std::string Reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

// The pieces of a text around `separator`, at most `limit` cuts.
Items Split(std::string_view text, std::string_view separator, int64_t limit, Budget& budget) {
  RETORT_CHECK(!separator.empty(), "split by an empty separator");
  Items pieces;
  size_t begin = 0;
  while (limit != 0) {
    const size_t at = Find(text, separator, begin);
    if (at == std::string_view::npos) break;
    budget.Spend(1);
    pieces.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
    if (limit > 0) --limit;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

Items SplitSpace(std::string_view text, int64_t limit, Budget& budget) {
  Items pieces;
  for (text = StripLeft(text); !text.empty() && limit != 0; text = StripLeft(text)) {
    budget.Spend(1);
    size_t end = 0;
    while (end < text.size() && !IsSpace(CodePointAt(text, end).value)) {
      end += CodePointAt(text, end).bytes;
    }
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
    if (limit > 0) --limit;
  }
  if (!text.empty()) pieces.push_back(text);
  return pieces;
}

template <bool from_right>
Value SplitMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("split", {"sep", "maxsplit"});
  const int64_t limit = given[1].is_missing() ? -1 : AsInt(given[1], "maxsplit");
  if (given[0].is_missing() || given[0].is_none()) {
    RETORT_CHECK(!from_right || limit < 0,
                 "rsplit by white space with maxsplit is not implemented");
    return MakeList(SplitSpace(Self(self), limit, budget));
  }
  const std::string& separator = AsText(given[0], "split");
  if constexpr (!from_right) return MakeList(Split(Self(self), separator, limit, budget));
  Items pieces = Split(Reversed(Self(self)), Reversed(separator), limit, budget);
  std::ranges::reverse(pieces);
  for (Value& piece : pieces) piece = Reversed(piece.text()->bytes);
  return MakeList(std::move(pieces));
}

template <bool left, bool right>
Value StripMethod(const Value& self, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("strip", {"/chars"});
  std::string_view text = Self(self);
  if (given[0].is_missing() || given[0].is_none()) {
    if (left) text = StripLeft(text);
    return right ? StripRight(text) : text;
  }
  const std::string& set = AsText(given[0], "strip");
  std::vector<char32_t> stripped;
  for (size_t at = 0; at < set.size(); at += CodePointAt(set, at).bytes) {
    stripped.push_back(CodePointAt(set, at).value);
  }
  std::ranges::sort(stripped);
  const auto is_stripped = [&](size_t at) {
    return std::ranges::binary_search(stripped, CodePointAt(text, at).value);
  };
  size_t begin = 0, end = 0;  // behind the last one that stays
  while (left && begin < text.size() && is_stripped(begin)) begin += CodePointAt(text, begin).bytes;
  for (size_t at = begin; at < text.size();) {
    const bool stays = !right || !is_stripped(at);
    at += CodePointAt(text, at).bytes;
    if (stays) end = at;
  }
  return text.substr(begin, std::max(end, begin) - begin);
}

template <bool at_start>
Value StartsWith(const Value& self, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind(at_start ? "startswith" : "endswith", {"/prefix"});
  const std::string_view text = Self(self);
  const auto matches = [&](const Value& part) {
    const std::string& bytes = AsText(part, at_start ? "startswith" : "endswith");
    return at_start ? text.starts_with(bytes) : text.ends_with(bytes);
  };
  const Sequence* several = given[0].sequence();
  if (several == nullptr || several->kind != Sequence::kTuple) return matches(given[0]);
  return std::ranges::any_of(several->items, matches);
}

// Where `part` first (or last) is, in code points; -1 when it is not.
template <bool last, bool must>
Value FindMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("find", {"/part"});
  const std::string &text = Self(self), &part = AsText(given[0], "find");
  budget.SpendText(text.size());
  size_t at = last ? Find(Reversed(text), Reversed(part)) : Find(text, part);
  RETORT_CHECK(!must || at != std::string::npos, "the substring is not there");
  if (at == std::string::npos) return int64_t{-1};
  if (last) at = text.size() - part.size() - at;
  return static_cast<int64_t>(CountCodePoints(std::string_view(text).substr(0, at)));
}

Value CountMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("count", {"/part"});
  const std::string &text = Self(self), &part = AsText(given[0], "count");
  budget.SpendText(text.size());
  if (part.empty()) return static_cast<int64_t>(CountCodePoints(text)) + 1;
  int64_t count = 0;
  for (size_t at = Find(text, part); at != std::string::npos;
       at = Find(text, part, at + part.size())) {
    ++count;
  }
  return count;
}

template <bool prefix>
Value RemoveAffix(const Value& self, const Arguments& arguments, Budget&) {
  const auto given = arguments.Bind("removeprefix", {"/affix"});
  std::string_view text = Self(self);
  const std::string& affix = AsText(given[0], "removeprefix");
  if (prefix && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (!prefix && text.ends_with(affix)) text.remove_suffix(affix.size());
  return text;
}

template <bool last>
Value Partition(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("partition", {"/sep"});
  const std::string_view text = Self(self), separator = AsText(given[0], "partition");
  budget.SpendText(text.size());
  RETORT_CHECK(!separator.empty(), "partition by an empty separator");
  size_t at = last ? Find(Reversed(text), Reversed(separator)) : Find(text, separator);
  if (at == std::string_view::npos) {
    return last ? MakeTuple({"", "", text}) : MakeTuple({text, "", ""});
  }
  if (last) at = text.size() - separator.size() - at;
  return MakeTuple({text.substr(0, at), separator, text.substr(at + separator.size())});
}

template <std::string (*change)(std::string_view)>
Value Change(const Value& self, const Arguments& arguments, Budget&) {
  arguments.Bind("this method", {});
  return change(Self(self));
}

// A letter behind another one in lower case, else in upper.
std::string Title(std::string_view text) {
  std::string out;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    const std::string_view one = text.substr(at, point.bytes);
    out += inside ? Lower(one) : Upper(one);
    inside = CaseOf(point.value) != Case::kNone;
    at += point.bytes;
  }
  return out;
}

// Whether all code points (at least one) are ASCII characters that `is` accepts. What Unicode holds
// for a digit or a letter is not known here.
template <bool (*is)(char)>
Value AllAre(const Value& self, const Arguments& arguments, Budget&) {
  arguments.Bind("this method", {});
  for (const char c : Self(self)) {
    RETORT_CHECK(static_cast<signed char>(c) >= 0, "classes of characters beyond ASCII are not ",
                 "implemented");
  }
  return !Self(self).empty() && std::ranges::all_of(Self(self), is);
}
bool IsAlphanumeric(char c) { return IsAsciiDigit(c) || IsAsciiLetter(c); }

Value IsSpaceMethod(const Value& self, const Arguments& arguments, Budget&) {
  arguments.Bind("isspace", {});
  return !Self(self).empty() && StripLeft(Self(self)).empty();
}

template <const char* test>
Value TestMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  return ApplyTest(test, self, arguments, budget);
}
constexpr char kIsUpper[] = "upper", kIsLower[] = "lower";

Value JoinMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("join", {"/items"});
  std::string out;
  const Items items = ToItems(given[0], budget);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += Self(self);
    out += AsText(items[i], "join");
    RETORT_CHECK(out.size() <= Budget::kTextBytes, "a text of more than ", Budget::kTextBytes,
                 " bytes");
  }
  return out;
}

Value ReplaceMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("replace", {"/old", "/new", "/count"});
  AsText(given[0], "replace");
  AsText(given[1], "replace");
  if (!given[2].is_missing()) AsInt(given[2], "replace");
  return ApplyFilter("replace", self, arguments, budget);
}

Value SplitLinesMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  arguments.Bind("splitlines", {});
  Items lines;
  for (const std::string_view line : SplitLines(Self(self))) {
    budget.Spend(1);
    lines.push_back(line);
  }
  return MakeList(std::move(lines));
}

const Methods& TextMethods() {
  static const Methods methods = {{"split", SplitMethod<false>},
                                  {"rsplit", SplitMethod<true>},
                                  {"strip", StripMethod<true, true>},
                                  {"lstrip", StripMethod<true, false>},
                                  {"rstrip", StripMethod<false, true>},
                                  {"startswith", StartsWith<true>},
                                  {"endswith", StartsWith<false>},
                                  {"find", FindMethod<false, false>},
                                  {"rfind", FindMethod<true, false>},
                                  {"index", FindMethod<false, true>},
                                  {"rindex", FindMethod<true, true>},
                                  {"count", CountMethod},
                                  {"removeprefix", RemoveAffix<true>},
                                  {"removesuffix", RemoveAffix<false>},
                                  {"partition", Partition<false>},
                                  {"rpartition", Partition<true>},
                                  {"upper", Change<Upper>},
                                  {"lower", Change<Lower>},
                                  {"capitalize", Change<Capitalize>},
                                  {"title", Change<Title>},
                                  {"isdigit", AllAre<IsAsciiDigit>},
                                  {"isdecimal", AllAre<IsAsciiDigit>},
                                  {"isnumeric", AllAre<IsAsciiDigit>},
                                  {"isalpha", AllAre<IsAsciiLetter>},
                                  {"isalnum", AllAre<IsAlphanumeric>},
                                  {"isspace", IsSpaceMethod},
                                  {"isupper", TestMethod<kIsUpper>},
                                  {"islower", TestMethod<kIsLower>},
                                  {"join", JoinMethod},
                                  {"replace", ReplaceMethod},
                                  {"splitlines", SplitLinesMethod}};
  return methods;
}
constexpr Others kOtherMarkupMethods =
    "escape striptags unescape casefold center encode expandtabs format format_map isascii "
    "isidentifier isprintable istitle "
    "ljust maketrans rjust swapcase translate zfill";
constexpr Others kOtherTextMethods = kOtherMarkupMethods.substr(26);
static_assert(kOtherTextMethods.starts_with("casefold"));

// ---- list, tuple, range, dict

Value CountItem(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("count", {"/value"});
  return static_cast<int64_t>(std::ranges::count_if(
      self.sequence()->items, [&](const Value& item) { return Equal(item, given[0], budget); }));
}

Value IndexItem(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("index", {"/value"});
  const Items& items = self.sequence()->items;
  const auto found =
      std::ranges::find_if(items, [&](const Value& item) { return Equal(item, given[0], budget); });
  RETORT_CHECK(found != items.end(), "the item is not in the ", TypeName(self));
  return static_cast<int64_t>(found - items.begin());
}

Value CopyMethod(const Value& self, const Arguments& arguments, Budget&) {
  arguments.Bind("copy", {});
  return self;
}

Value GetMethod(const Value& self, const Arguments& arguments, Budget& budget) {
  const auto given = arguments.Bind("get", {"/key", "/default"});
  RETORT_CHECK(!given[0].is_missing(), "get without a key");
  RequireHashable(given[0]);
  if (const Value* found = FindKey(*self.mapping(), given[0], budget)) return *found;
  return given[1].is_missing() ? Value(None{}) : given[1];
}

template <Sequence::Kind kind>
Value View(const Value& self, const Arguments& arguments, Budget& budget) {
  arguments.Bind("this method", {});
  budget.Spend(self.mapping()->entries.size() / 4);
  Items items;
  for (const auto& [key, value] : self.mapping()->entries) {
    items.push_back(kind == Sequence::kKeys     ? key
                    : kind == Sequence::kValues ? value
                                                : MakeTuple({key, value}));
  }
  return MakeSequence(kind, std::move(items));
}

const Methods& SequenceMethods(Sequence::Kind kind) {
  static const Methods list = {{"count", CountItem}, {"index", IndexItem}, {"copy", CopyMethod}};
  static const Methods tuple = {{"count", CountItem}, {"index", IndexItem}};
  static const Methods none;
  return kind == Sequence::kList ? list : kind <= Sequence::kRange ? tuple : none;
}
const Methods& MappingMethods() {
  static const Methods methods = {{"get", GetMethod},
                                  {"keys", View<Sequence::kKeys>},
                                  {"values", View<Sequence::kValues>},
                                  {"items", View<Sequence::kPairs>},
                                  {"copy", CopyMethod}};
  return methods;
}

const Methods& MethodsOf(const Value& value) {
  static const Methods none;
  if (value.text()) return TextMethods();
  if (value.sequence()) return SequenceMethods(value.sequence()->kind);
  return value.mapping() ? MappingMethods() : none;
}

Others OthersOf(const Value& value) {
  if (value.text()) return value.text()->safe ? kOtherMarkupMethods : kOtherTextMethods;
  if (value.mapping()) return "fromkeys";
  if (value.is_int() || value.is_bool()) {
    return "as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator "
           "real to_bytes";
  }
  if (value.is_float()) return "as_integer_ratio conjugate fromhex hex imag is_integer real";
  if (value.iterator())
    return "close gi_code gi_frame gi_running gi_suspended gi_yieldfrom send throw";
  if (!value.sequence()) return "";
  if (value.sequence()->kind == Sequence::kRange) return "start step stop";
  return value.sequence()->kind >= Sequence::kKeys ? "isdisjoint mapping" : "";
}

// Those that would change a value: the sandbox gives nothing for them.
Others ChangersOf(const Value& value) {
  if (value.mapping()) return "clear pop popitem setdefault update";
  const bool list = value.sequence() && value.sequence()->kind == Sequence::kList;
  return list ? "append clear extend insert pop remove reverse sort" : "";
}

std::optional<Value> LoopMember(Loop& loop, std::string_view name, const Value& self) {
  const auto number = [](auto value) { return Value(static_cast<int64_t>(value)); };
  if (name == "index0") return number(loop.index0);
  if (name == "index") return number(loop.index0 + 1);
  if (name == "first") return Value(loop.index0 == 0);
  if (name == "last") return Value(loop.Peek().is_missing());
  if (name == "length") return number(loop.Length());
  if (name == "revindex0") return number(static_cast<int64_t>(loop.Length()) - loop.index0 - 1);
  if (name == "revindex") return number(static_cast<int64_t>(loop.Length()) - loop.index0);
  if (name == "depth0") return number(0);
  if (name == "depth") return number(1);
  if (name == "previtem") {
    return loop.index0 == 0 ? MakeUndefined("there is no previous item") : loop.before;
  }
  if (name == "nextitem") {
    const Value& next = loop.Peek();
    return next.is_missing() ? MakeUndefined("there is no next item") : next;
  }
  RETORT_CHECK(name != "changed", "loop.changed is not implemented");
  if (name != "cycle") return std::nullopt;
  return Value(std::make_shared<const Callable>(Callable{std::string(name), self}));
}

// What getattr() finds.
std::optional<Value> FindMember(const Value& object, const std::string& name, Budget& budget) {
  RETORT_CHECK(!object.callable(), "attributes of functions ('", Excerpt(name),
               "') are not implemented");
  if (const Namespace* space = object.space()) {
    const auto found = space->members.find(name);
    return found == space->members.end() ? std::nullopt : std::optional(found->second);
  }
  if (Loop* loop = object.loop()) return LoopMember(*loop, name, object);
  if (MethodsOf(object).contains(name) || HasWord(OthersOf(object), name)) {
    RETORT_CHECK(object.text() || object.sequence() || object.mapping(), "'", name, "' of a ",
                 TypeName(object), " is not implemented");
    return Value(std::make_shared<const Callable>(Callable{name, object}));
  }
  const bool internal = name.starts_with("__") && name.ends_with("__");
  if (!internal && !HasWord(ChangersOf(object), name)) return std::nullopt;
  RETORT_CHECK(!internal || !object.mapping() || !FindName(*object.mapping(), name, budget),
               "the key '", Excerpt(name), "' as an attribute is not implemented");
  return MakeUndefined(StrCat("access to attribute '", Excerpt(name), "' of '", TypeName(object),
                              "' object is unsafe"));
}

Value NoMember(const Value& object, const Value& name, Budget& budget) {
  return MakeUndefined(
      StrCat("'", TypeName(object), " object' has no ", name.text() ? "attribute " : "element ",
             Excerpt(name.is_number() || name.text() ? Repr(name, budget) : TypeName(name))));
}

}  // namespace

void Arguments::Name(const std::string& name, Value value) {
  const bool twice =
      std::ranges::any_of(named, [&](const auto& other) { return other.first == name; });
  RETORT_CHECK(!twice, "the argument '", Excerpt(name), "' is given twice");
  named.emplace_back(name, std::move(value));
}

std::vector<Value> Arguments::Bind(std::string_view what,
                                   std::initializer_list<const char*> names) const {
  RETORT_CHECK(positional.size() <= names.size(), what, " got ", positional.size(),
               " arguments, expected at most ", names.size());
  std::vector<Value> values = positional;
  values.resize(names.size());
  for (const auto& [name, value] : named) {
    const auto found = std::ranges::find(names, name);
    RETORT_CHECK(found != names.end(), what, " has no argument '", Excerpt(name), "'");
    Value& place = values[static_cast<size_t>(found - names.begin())];
    RETORT_CHECK(place.is_missing(), what, " got '", Excerpt(name), "' twice");
    place = value;
  }
  return values;
}

std::optional<Value> Loop::Pull() {
  if (rest_next_ < rest_.size()) return rest_[rest_next_++];
  RETORT_CHECK(source != nullptr, "a loop is asked after its end");
  return source();
}

const Value& Loop::Peek() {
  if (ahead.is_missing()) ahead = Pull().value_or(Value());
  return ahead;
}

bool Loop::Next() {
  Peek();
  if (ahead.is_missing()) return false;
  ++index0;
  before = std::exchange(current, std::exchange(ahead, Value()));
  return true;
}

size_t Loop::Length() {
  if (!length) {
    Items rest;
    while (auto item = Pull()) rest.push_back(*std::move(item));
    length = rest.size() + static_cast<size_t>(index0 + 1) + (ahead.is_missing() ? 0 : 1);
    rest_ = std::move(rest);
    rest_next_ = 0;
    source = [] { return std::nullopt; };
  }
  return *length;
}

Value GetAttribute(const Value& object, const std::string& name, Budget& budget) {
  if (object.is_undefined()) FailType(object, "");
  if (auto member = FindMember(object, name, budget)) return *std::move(member);
  if (object.mapping()) {
    if (const Value* found = FindName(*object.mapping(), name, budget)) return *found;
  }
  return NoMember(object, name, budget);
}

Value GetItem(const Value& object, const Value& key, Budget& budget) {
  if (object.is_undefined()) FailType(object, "");
  const bool indexed =
      object.text() || (object.sequence() && object.sequence()->kind <= Sequence::kRange);
  if (indexed && (key.is_int() || key.is_bool())) {
    if (object.text()) budget.SpendText(object.text()->bytes.size());
    const int64_t size = static_cast<int64_t>(*Length(object));
    int64_t index = AsInt(key, "");
    if (index < 0) index += size;
    if (index < 0 || index >= size) return NoMember(object, key, budget);
    if (object.sequence()) return object.sequence()->items[static_cast<size_t>(index)];
    return Sliced(object, index, index + 1, None{}, budget);
  }
  if (object.mapping()) {
    const Value* found = IsHashable(key) ? FindKey(*object.mapping(), key, budget) : nullptr;
    if (found != nullptr) return *found;
  }
  if (key.text()) {
    if (auto member = FindMember(object, key.text()->bytes, budget)) return *std::move(member);
  }
  return NoMember(object, key, budget);
}

Value CallMethod(const Callable& method, const Arguments& arguments, Budget& budget) {
  const Value& self = method.self;
  if (Loop* loop = self.loop()) {
    RETORT_CHECK(arguments.named.empty() && !arguments.positional.empty(),
                 "loop.cycle takes items to cycle through");
    return arguments.positional[static_cast<size_t>(loop->index0) % arguments.positional.size()];
  }
  const Methods& methods = MethodsOf(self);
  const auto found = methods.find(method.name);
  RETORT_CHECK(found != methods.end() && !(self.text() && self.text()->safe), "the method '",
               method.name, "' of a ", TypeName(self), " is not implemented");
  if (self.text()) budget.SpendText(self.text()->bytes.size());
  const Value result = found->second(self, arguments, budget);
  if (result.text()) budget.SpendText(result.text()->bytes.size());
  return result;
}

}  // namespace retort::model::jinja
