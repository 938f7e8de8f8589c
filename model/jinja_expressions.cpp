// Expressions and calls.

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/excerpt.h"
#include "model/internal/jinja_interpreter-inl.h"
#include "model/internal/jinja_text.h"

namespace retort::model::jinja {
namespace {

constexpr int64_t kLongestRange = 100'000;  // Jinja's own

}  // namespace

bool IsGlobal(std::string_view name) {
  constexpr std::string_view kGlobals[] = {"range", "dict", "namespace", "raise_exception",
                                           "strftime_now"};
  return std::ranges::find(kGlobals, name) != std::end(kGlobals);
}

Value Interpreter::Evaluate(const Node& node) {
  const Deeper deeper(*this, node);
  return Computed(node);
}

Value Interpreter::Computed(const Node& node) {
  const auto kid = [&](size_t i) -> const Node& { return *node.kids[i]; };
  switch (node.kind) {
    case Kind::kConstant:
      return node.value;
    case Kind::kName: {
      const Value& value = At(node.place);
      return value.is_missing() ? MakeUndefined(StrCat("'", node.text, "' is undefined")) : value;
    }
    case Kind::kTuple:
    case Kind::kList: {
      Items items;
      for (const NodePtr& item : node.kids) items.push_back(Evaluate(*item));
      return MakeSequence(node.kind == Kind::kList ? Sequence::kList : Sequence::kTuple,
                          std::move(items));
    }
    case Kind::kDict: {
      std::vector<std::pair<Value, Value>> entries;
      for (size_t i = 0; i < node.kids.size(); i += 2) {
        Value key = Evaluate(kid(i));
        entries.emplace_back(std::move(key), Evaluate(kid(i + 1)));
      }
      return MakeMapping(std::move(entries), budget_);
    }
    case Kind::kUnary:
      if (node.text == "not") return !Truthy(Evaluate(kid(0)));
      return Negated(Evaluate(kid(0)), node.text);
    case Kind::kBinary:
      return Binary(node);
    case Kind::kCompare:
      return Comparison(node);
    case Kind::kConcat: {
      std::string text;
      for (const NodePtr& part : node.kids) {
        text += ToText(Evaluate(*part), budget_);
        budget_.SpendText(text.size());
      }
      return text;
    }
    case Kind::kAttribute:
      return GetAttribute(Evaluate(kid(0)), node.text, budget_);
    case Kind::kItem: {
      const Value object = Evaluate(kid(0));
      return GetItem(object, Evaluate(kid(1)), budget_);
    }
    case Kind::kSlice:
      return Slice(node);
    case Kind::kCondition:
      if (Truthy(Evaluate(kid(0)))) return Evaluate(kid(1));
      if (node.kids[2]) return Evaluate(kid(2));
      return MakeUndefined("an inline 'if' without 'else' is false");
    case Kind::kCall:
      return Called(node, nullptr);
    case Kind::kFilter:
      return Filter(node, Evaluate(kid(0)));
    case Kind::kTest: {
      const Value input = Evaluate(kid(0));
      return ApplyTest(node.text, input, ArgumentsOf(node, 1), budget_);
    }
    default:
      Fail("an expression of kind ", static_cast<int>(node.kind));
  }
}

Value Interpreter::Binary(const Node& node) {
  Value left = Evaluate(*node.kids[0]);
  if (node.text == "and") return Truthy(left) ? Evaluate(*node.kids[1]) : left;
  if (node.text == "or") return Truthy(left) ? left : Evaluate(*node.kids[1]);
  return Arithmetic(node.text, left, Evaluate(*node.kids[1]), budget_);
}

// a < b < c is a < b and b < c.
Value Interpreter::Comparison(const Node& node) {
  Value left = Evaluate(*node.kids[0]);
  for (size_t i = 1; i < node.kids.size(); ++i) {
    Value right = Evaluate(*node.kids[i]->kids[0]);
    if (!Compare(node.kids[i]->text, left, right, budget_)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::Slice(const Node& node) {
  Value parts[4];
  for (size_t i = 0; i < 4; ++i) {
    parts[i] = node.kids[i] ? Evaluate(*node.kids[i]) : Value(None{});
  }
  return Sliced(parts[0], parts[1], parts[2], parts[3], budget_);
}

Arguments Interpreter::ArgumentsOf(const Node& node, size_t first) {
  Arguments arguments;
  for (size_t i = first; i < node.kids.size(); ++i) {
    const Node& kid = *node.kids[i];
    if (kid.kind == Kind::kKeyword) {
      arguments.Name(kid.text, Evaluate(*kid.kids[0]));
    } else if (kid.kind == Kind::kListArguments) {
      for (Value& item : ToItems(Evaluate(*kid.kids[0]), budget_)) {
        arguments.positional.push_back(std::move(item));
      }
    } else if (kid.kind == Kind::kMappingArguments) {
      const Value from = Evaluate(*kid.kids[0]);
      if (!from.mapping()) FailType(from, "'**'");
      for (const auto& [name, value] : from.mapping()->entries) {
        budget_.Spend(1 + arguments.named.size() / 16);
        arguments.Name(AsText(name, "the name of an argument"), value);
      }
    } else {
      arguments.positional.push_back(Evaluate(kid));
    }
  }
  return arguments;
}

// The filters of a block begin with its text.
Value Interpreter::Filtered(const Node& node, const Value& text) {
  const Deeper deeper(*this, node);
  const Value input = node.kids[0] ? Filtered(*node.kids[0], text) : text;
  return Filter(node, input);
}

Value Interpreter::Filter(const Node& node, const Value& input) {
  const Arguments arguments = ArgumentsOf(node, 1);
  line_ = node.line;
  return ApplyFilter(node.text, input, arguments, budget_);
}

Value Interpreter::Called(const Node& node, const Value* caller) {
  const Value callee = Evaluate(*node.kids[0]);
  Arguments arguments = ArgumentsOf(node, 1);
  if (caller != nullptr) arguments.Name("caller", *caller);
  line_ = node.line;
  return Call(callee, std::move(arguments));
}

Value Interpreter::Call(const Value& callee, Arguments arguments) {
  const Callable* callable = callee.callable();
  if (callable == nullptr) FailType(callee, "a call");
  if (callable->macro != nullptr) return CallMacro(*callable, std::move(arguments));
  if (!callable->self.is_missing()) return CallMethod(*callable, arguments, budget_);
  return CallGlobal(callable->name, arguments);
}

Value Interpreter::CallMacro(const Callable& macro, Arguments arguments) {
  const Node& node = *macro.macro;
  const Deeper deeper(*this, node);
  const auto &parameters = node.kids[1]->kids, &defaults = node.kids[2]->kids;
  const Function& function = *node.function;
  budget_.Spend(function.slots);
  activations_.push_back({std::vector<Value>(function.slots), macro.closure});
  Activation& activation = activations_.back();
  const auto take = [&](std::string_view name) {
    Value value;
    const auto found = std::ranges::find_if(
        arguments.named, [&](const auto& argument) { return argument.first == name; });
    if (found != arguments.named.end()) {
      value = std::move(found->second);
      arguments.named.erase(found);
    }
    return value;
  };

  bool caller_is_parameter = false;
  Items& given = arguments.positional;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Node& parameter = *parameters[i];
    caller_is_parameter = caller_is_parameter || parameter.text == "caller";
    activation.slots[parameter.place.slot] = i < given.size() ? given[i] : take(parameter.text);
  }
  if (function.caller && !caller_is_parameter) {
    const Value caller = take("caller");
    const bool none = caller.is_missing() || caller.is_none();
    activation.slots[*function.caller] = none ? MakeUndefined("No caller defined") : caller;
  }
  if (function.named) {
    std::vector<std::pair<Value, Value>> entries;
    for (auto& [name, value] : arguments.named) entries.emplace_back(name, std::move(value));
    activation.slots[*function.named] = MakeMapping(std::move(entries), budget_);
  } else {
    RETORT_CHECK(arguments.named.empty(), "the macro '", node.text, "' has no parameter '",
                 arguments.named.empty() ? "" : Excerpt(arguments.named[0].first), "'");
  }
  const size_t taken = std::min(given.size(), parameters.size());
  if (function.rest) {
    given.erase(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(taken));
    activation.slots[*function.rest] = MakeTuple(std::move(given));
  } else {
    RETORT_CHECK(taken == given.size(), "the macro '", node.text, "' takes at most ",
                 parameters.size(), " arguments");
  }

  Activation* const before = std::exchange(here_, &activation);
  Captured captured(*this);
  Enter(node.scope);
  for (size_t i = 0; i < parameters.size(); ++i) {
    Value& slot = activation.slots[parameters[i]->place.slot];
    if (!slot.is_missing()) continue;
    const size_t first = parameters.size() - defaults.size();
    slot = i >= first
               ? Evaluate(*defaults[i - first])
               : MakeUndefined(StrCat("parameter '", parameters[i]->text, "' was not provided"));
  }
  Execute(node.kids[3].get());
  here_ = before;
  return captured.Take();
}

Value Interpreter::CallGlobal(const std::string& name, const Arguments& arguments) {
  if (name == "range") return Range(arguments);
  if (name == "dict") return Dict(arguments);
  if (name == "namespace") return NewNamespace(arguments);
  const bool raises = name == "raise_exception";
  const auto given = arguments.Bind(name, {raises ? "message" : "format"});
  RETORT_CHECK(!given[0].is_missing(), name, " takes an argument");
  if (raises) Fail(ToText(given[0], budget_));
  return Time(AsText(given[0], name));
}

Value Interpreter::Range(const Arguments& arguments) {
  const auto given = arguments.Bind("range", {"/start", "/stop", "/step"});
  RETORT_CHECK(!given[0].is_missing(), "range takes an argument");
  const auto number = [&](size_t i) { return AsInt(given[i], "range"); };
  const bool one = given[1].is_missing();
  const int64_t start = one ? 0 : number(0), stop = number(one ? 0 : 1);
  const int64_t step = given[2].is_missing() ? 1 : number(2);
  RETORT_CHECK(step != 0, "a range's step is zero");
  Items items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    RETORT_CHECK(items.size() < kLongestRange, "a range of more than ", kLongestRange, " items");
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  budget_.Spend(items.size());
  return MakeSequence(Sequence::kRange, std::move(items));
}

Value Interpreter::Dict(const Arguments& arguments) {
  RETORT_CHECK(arguments.positional.size() <= 1, "dict takes at most one argument without a name");
  std::vector<std::pair<Value, Value>> entries;
  for (const Value& from : arguments.positional) {
    if (from.is_undefined()) FailType(from, "");
    if (from.mapping()) {
      entries = from.mapping()->entries;
      continue;
    }
    for (const Value& item : ToItems(from, budget_)) {
      Items pair = ToItems(item, budget_);
      RETORT_CHECK(pair.size() == 2, "dict takes pairs of a key and a value");
      entries.emplace_back(std::move(pair[0]), std::move(pair[1]));
    }
  }
  for (const auto& [name, value] : arguments.named) entries.emplace_back(name, value);
  budget_.Spend(entries.size());
  return MakeMapping(std::move(entries), budget_);
}

Value Interpreter::NewNamespace(const Arguments& arguments) {
  const Value members = Dict(arguments);
  budget_.Spend(members.mapping()->entries.size());
  namespaces_.emplace_back();
  for (const auto& [name, value] : members.mapping()->entries) {
    const std::string& text = AsText(name, "a namespace's attribute");
    RETORT_CHECK(!text.starts_with('_'), "a namespace cannot have an attribute '", Excerpt(text),
                 "'");
    namespaces_.back().members.insert_or_assign(text, value);
  }
  return &namespaces_.back();
}

std::string Interpreter::Time(const std::string& format) const {
  RETORT_CHECK(now_.has_value(), "strftime_now is asked, and no time was given");
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    ++i;
    if (i < format.size() && format[i] == '-') ++i;
    const char letter = i < format.size() ? format[i] : '\0';
    RETORT_CHECK(letter != '\0' && std::string_view("aAbBdDeFHIjmMnpRSTtuUwWyYGV%").find(letter) !=
                                       std::string_view::npos,
                 "strftime_now with '", Excerpt(format), "' is not implemented");
  }
  RETORT_CHECK(format.size() <= 1000, "a time's format of more than 1000 bytes");
  if (format.empty()) return "";
  std::string text(16'000, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &*now_));
  return text;
}

}  // namespace retort::model::jinja
