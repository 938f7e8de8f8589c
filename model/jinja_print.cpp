// Values as text: str(), repr() and json.dumps().

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/internal/jinja_text.h"
#include "model/internal/jinja_value.h"

namespace retort::model::jinja {
namespace {

class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  std::string Take() {
    budget_.SpendText(out_.size());
    return std::move(out_);
  }

  void Repr(const Value& value) {
    budget_.Spend(1);
    if (value.is_undefined()) return Put("Undefined");
    if (value.is_none()) return Put("None");
    if (value.is_bool()) return Put(value.As<bool>() ? "True" : "False");
    if (value.is_int()) return Put(std::to_string(value.As<int64_t>()));
    if (value.is_float()) return Put(ReprFloat(value.As<double>()));
    if (const Text* text = value.text()) {
      if (!text->safe) return Put(ReprText(text->bytes));
      return Put("Markup(" + ReprText(text->bytes) + ")");
    }
    if (const Mapping* mapping = value.mapping()) return ReprMapping(*mapping);
    const Sequence* sequence = value.sequence();
    // What Python shows of the others is an address, or nobody's business.
    if (!sequence || sequence->kind == Sequence::kRange) {
      Fail("printing a ", TypeName(value), " is not implemented");
    }
    const bool list = sequence->kind == Sequence::kList, tuple = sequence->kind == Sequence::kTuple;
    if (!list && !tuple) Put(TypeName(value) + "(");
    ReprItems(sequence->items, tuple ? '(' : '[', tuple ? ')' : ']');
    if (!list && !tuple) Put(")");
  }

  void Json(const Value& value, const JsonStyle& style, size_t depth) {
    budget_.Spend(1);
    if (value.is_none()) return Put("null");
    if (value.is_bool()) return Put(value.As<bool>() ? "true" : "false");
    if (value.is_int()) return Put(std::to_string(value.As<int64_t>()));
    if (value.is_float()) return Put(JsonNumber(value.As<double>()));
    if (const Text* text = value.text()) return Put(JsonText(text->bytes, style.ensure_ascii));
    if (const Mapping* mapping = value.mapping()) return JsonObject(*mapping, style, depth);
    const Sequence* sequence = value.sequence();
    if (!sequence || sequence->kind > Sequence::kTuple) FailType(value, "tojson");
    if (sequence->items.empty()) return Put("[]");
    Put("[");
    for (size_t i = 0; i < sequence->items.size(); ++i) {
      if (i > 0) Put(style.item_separator);
      NewLine(style, depth + 1);
      Json(sequence->items[i], style, depth + 1);
    }
    NewLine(style, depth);
    Put("]");
  }

 private:
  void Put(std::string_view text) {
    out_ += text;
    RETORT_CHECK(out_.size() <= Budget::kTextBytes, "a text of more than ", Budget::kTextBytes,
                 " bytes");
  }

  void ReprItems(const Items& items, char open, char close) {
    out_ += open;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) Put(", ");
      Repr(items[i]);
    }
    if (open == '(' && items.size() == 1) out_ += ',';
    out_ += close;
  }

  void ReprMapping(const Mapping& mapping) {
    Put("{");
    for (size_t i = 0; i < mapping.entries.size(); ++i) {
      if (i > 0) Put(", ");
      Repr(mapping.entries[i].first);
      Put(": ");
      Repr(mapping.entries[i].second);
    }
    Put("}");
  }

  static std::string JsonNumber(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return ReprFloat(value);
  }

  // A key that is no text is written as one.
  static std::string JsonKey(const Value& key) {
    if (key.text()) return key.text()->bytes;
    if (key.is_none()) return "null";
    if (key.is_bool()) return key.As<bool>() ? "true" : "false";
    if (key.is_int()) return std::to_string(key.As<int64_t>());
    if (key.is_float()) return JsonNumber(key.As<double>());
    FailType(key, "a key of tojson");
  }

  void JsonObject(const Mapping& mapping, const JsonStyle& style, size_t depth) {
    if (mapping.entries.empty()) return Put("{}");
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : mapping.entries) entries.push_back(&entry);
    if (style.sort_keys) {
      std::ranges::stable_sort(
          entries, [&](const auto* a, const auto* b) { return Less(a->first, b->first, budget_); });
    }
    Put("{");
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) Put(style.item_separator);
      NewLine(style, depth + 1);
      Put(JsonText(JsonKey(entries[i]->first), style.ensure_ascii));
      Put(style.key_separator);
      Json(entries[i]->second, style, depth + 1);
    }
    NewLine(style, depth);
    Put("}");
  }

  void NewLine(const JsonStyle& style, size_t depth) {
    if (!style.indent) return;
    budget_.SpendText(style.indent->size() * depth);
    Put("\n");
    for (size_t i = 0; i < depth; ++i) Put(*style.indent);
  }

  Budget& budget_;
  std::string out_;
};

}  // namespace

std::string ToText(const Value& value, Budget& budget) {
  if (value.is_undefined()) return "";
  if (const Text* text = value.text()) return text->bytes;
  return Repr(value, budget);
}

std::string Repr(const Value& value, Budget& budget) {
  Printer printer(budget);
  printer.Repr(value);
  return printer.Take();
}

std::string ToJson(const Value& value, const JsonStyle& style, Budget& budget) {
  Printer printer(budget);
  printer.Json(value, style, 0);
  return printer.Take();
}

}  // namespace retort::model::jinja
