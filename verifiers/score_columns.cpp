#include "verifiers/score_columns.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/strings.h"

namespace retort::verifiers {
namespace {

// Entry "2" or "-1" of a list; nullptr when there is none.
const Json* Entry(const Json& list, const std::string& text) {
  int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return nullptr;
  const auto size = static_cast<int64_t>(list.size());
  if (index < 0) index += size;
  return index >= 0 && index < size ? &list[static_cast<size_t>(index)] : nullptr;
}

const Json* Member(const Json& value, const std::string& key) {
  if (value.is_array()) return Entry(value, key);
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

// Follows the keys of "a.b.c"; where a key has dots itself, the longest one goes first.
const Json* Follow(const Json& value, std::string_view name) {
  for (size_t end = name.size();; end = name.rfind('.', end - 1)) {
    if (end == std::string_view::npos) return nullptr;
    const Json* member = Member(value, std::string(name.substr(0, end)));
    if (end == name.size()) {
      if (member) return member;
    } else if (const Json* found = member ? Follow(*member, name.substr(end + 1)) : nullptr) {
      return found;
    }
    if (end == 0) return nullptr;
  }
}

[[noreturn]] void FailMissing(const Json& row, const std::string& name, const std::string& where) {
  const Json* value = &row;
  std::string missing = name;
  for (const std::string& key : Split(name, '.')) {
    const Json* member = Member(*value, key);
    if (!member) {
      missing = key;
      break;
    }
    value = member;
  }
  std::vector<std::string> keys;
  if (value->is_object()) {
    for (const auto& item : value->items()) keys.push_back(item.key());
  }
  const std::string present =
      value->is_array() ? StrCat("a list of ", value->size(), " entries") : ListNames(keys);
  Fail(where, ": no column '", name, "' ('", missing, "' is missing).", DidYouMean(missing, keys),
       " Present: ", present, ".");
}

[[noreturn]] void FailType(const std::string& where, const std::string& column, const Json& value,
                           const char* expected) {
  Fail(where, ": column '", column, "' is ", value.type_name(), ", expected ", expected, ".");
}

bool IsScalar(const Json& value) {
  return value.is_number() || IsInteger(value) || value.is_boolean();
}

// A number's text. One of so many digits that the reader rounded it is an error: as an answer it
// would be another one.
std::string ScalarText(const Json& value, const std::string& column, const std::string& where) {
  std::string text = TextOf(value);
  constexpr double kExact = 9007199254740992;  // 2^53: whole numbers below are exact
  if (value.is_number_float() && std::abs(value.get<double>()) >= kExact) {
    const auto digits = std::ranges::count_if(text.substr(0, text.find('e')),
                                              [](char c) { return c >= '0' && c <= '9'; });
    RETORT_CHECK(digits < 16, where, ": column '", column,
                 "' is a number of more digits than JSON numbers keep (", text,
                 "); write it as text.");
  }
  return text;
}

bool IsMessage(const Json& value) {
  return value.is_object() && value.contains("role") && value.contains("content");
}

bool IsConversation(const Json& value) {
  return value.is_array() && !value.empty() && std::ranges::all_of(value, IsMessage);
}

// A request that failed has no answer: the model said nothing right or wrong.
void RefuseFailure(const Json& object, const std::string& where) {
  const Json* error = Member(object, "error");
  if (!error || error->is_null() || *error == "") return;
  const Json* message = Member(*error, "message");
  Fail(where, ": the request failed (", Excerpt(TextOf(message ? *message : *error), 300),
       "), so there is no answer to judge; ask again or leave the row out.");
}

struct ResponseReader {
  const std::string& column;
  const std::string& where;
  std::vector<std::string> texts = {};

  [[noreturn]] void FailResponse(const Json& value) const {
    FailType(where, column, value,
             "text, a number, a conversation, an OpenAI completion, or a list of them");
  }

  // The content of a message: a text, or parts of which those with a text count.
  std::string Content(const Json& content) const {
    if (content.is_null()) return "";
    if (content.is_string() || IsScalar(content)) return TextOf(content);
    if (!content.is_array()) FailResponse(content);
    std::string text;
    for (const Json& part : content) {
      const Json* piece = part.is_string() ? &part : Member(part, "text");
      if (piece && piece->is_string()) text += piece->get_ref<const std::string&>();
    }
    return text;
  }

  void AddConversation(const Json& messages) {
    const auto turn = std::find_if(messages.rbegin(), messages.rend(),
                                   [](const Json& m) { return m["role"] == "assistant"; });
    RETORT_CHECK(turn != messages.rend(), where, ": column '", column,
                 "' is a conversation without a turn of the role 'assistant'.");
    texts.push_back(Content((*turn)["content"]));
  }

  // One completion, or the envelope around it.
  void AddObject(const Json& object) {
    if (const Json* choices = Member(object, "choices"); choices && choices->is_array()) {
      for (const Json& choice : *choices) AddObject(choice);
    } else if (const Json* message = Member(object, "message"); message && message->is_object()) {
      texts.push_back(Content(message->value("content", Json())));
    } else if (IsMessage(object)) {
      texts.push_back(Content(object["content"]));
    } else if (const Json* text = Member(object, "text"); text && !text->is_object()) {
      texts.push_back(Content(*text));
    } else {
      RefuseFailure(object, where);
      for (const char* envelope : {"body", "response"}) {
        const Json* inner = Member(object, envelope);
        if (inner && inner->is_object()) return AddObject(*inner);
        if (inner && inner->is_null()) return texts.emplace_back(), void();
      }
      FailResponse(object);
    }
  }

  void Add(const Json& value) {
    if (value.is_null()) {
      texts.emplace_back();
    } else if (value.is_string() || IsScalar(value)) {
      texts.push_back(ScalarText(value, column, where));
    } else if (IsConversation(value)) {
      AddConversation(value);
    } else if (value.is_object()) {
      AddObject(value);
    } else {
      FailResponse(value);
    }
  }
};

std::optional<bool> Label(const Json& value, const std::string& column, const std::string& where) {
  if (value.is_null()) return std::nullopt;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) {
    if (value == 0 || value == 1) return value == 1;
  } else if (value.is_string()) {
    std::string text(Trim(value.get_ref<const std::string&>()));
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (text.empty()) return std::nullopt;
    if (text == "true" || text == "1" || text == "yes") return true;
    if (text == "false" || text == "0" || text == "no") return false;
    Fail(where, ": column '", column, "' is '", Excerpt(text),
         "', expected true or false, 1 or 0, yes or ", "no.");
  }
  FailType(where, column, value, "true or false (or 1 or 0), or a list of them");
}

}  // namespace

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : ToJsonLine(value);
}

const Json* FindColumn(const Json& row, const std::string& name) {
  return row.is_object() ? Follow(row, name) : nullptr;
}

const Json& Column(const Json& row, const std::string& names, const std::string& where) {
  RETORT_CHECK(row.is_object(), where, ": got a JSON ", row.type_name(),
               ", expected an object with one member per column.");
  const std::vector<std::string> choices = Split(names, '|');
  for (const std::string& name : choices) {
    if (const Json* found = FindColumn(row, name)) return *found;
  }
  if (choices.size() == 1) FailMissing(row, names, where);
  std::vector<std::string> keys;
  for (const auto& item : row.items()) keys.push_back(item.key());
  Fail(where, ": none of the columns '", Join(choices, "', '"), "' is there.",
       DidYouMean(choices.front(), keys), " Present: ", ListNames(keys), ".");
}

std::vector<std::string> ResponseTexts(const Json& row, const std::string& column,
                                       const std::string& where) {
  const Json& value = Column(row, column, where);
  if (value.is_null()) RefuseFailure(row, where);
  ResponseReader reader{column, where};
  if (value.is_array() && !IsConversation(value)) {
    for (const Json& element : value) reader.Add(element);
  } else {
    reader.Add(value);
  }
  return std::move(reader.texts);
}

std::vector<std::string> AnswerTexts(const Json& value, const std::string& column,
                                     const std::string& where) {
  constexpr const char* kExpected = "text or a number, a boolean, or a list of them";
  std::vector<std::string> texts;
  const auto add = [&](const Json& answer) {
    if (!answer.is_string() && !IsScalar(answer)) FailType(where, column, answer, kExpected);
    texts.push_back(ScalarText(answer, column, where));
  };
  if (value.is_array()) {
    RETORT_CHECK(!value.empty(), where, ": column '", column, "' is an empty list, expected ",
                 kExpected, ".");
    for (const Json& answer : value) add(answer);
  } else {
    add(value);
  }
  return texts;
}

std::vector<std::optional<bool>> Labels(const Json& value, const std::string& column,
                                        const std::string& where) {
  std::vector<std::optional<bool>> labels;
  if (!value.is_array()) return {Label(value, column, where)};
  for (const Json& label : value) labels.push_back(Label(label, column, where));
  return labels;
}

}  // namespace retort::verifiers
