#include "datasets/learn_rows.h"

#include <algorithm>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/strings.h"

namespace retort::datasets {
namespace {

// What an assistant adds is found by rendering the conversation up to each of its turns.
constexpr size_t kMaxMessages = 1000;

bool IsRowsName(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.erase(name.size() - packed.size());
  }
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  return ends(".jsonl") || ends(".ndjson") || ends(".json") || ends(".csv");
}

// A null is as good as an absent column.
bool HasColumn(const Json& row, const std::string& column) {
  const auto it = row.find(column);
  return it != row.end() && !it->is_null();
}

const std::string& TextOf(const Json& row, const std::string& column, const std::string& where) {
  const Json& value = row[column];
  RETORT_CHECK(value.is_string(), where, ": column '", column, "' is of type ", value.type_name(),
               ", expected a text");
  return value.get_ref<const std::string&>();
}

void CheckMessages(const Json& messages, const std::string& column, const std::string& where) {
  RETORT_CHECK(messages.is_array() && !messages.empty(), where, ": column '", column,
               "': expected a list of messages {\"role\": …, \"content\": …}, got ",
               messages.is_array() ? "an empty one" : messages.type_name());
  RETORT_CHECK(messages.size() <= kMaxMessages, where, ": column '", column, "' holds ",
               messages.size(), " messages, expected at most ", kMaxMessages, "; split the row");
  for (size_t i = 0; i < messages.size(); ++i) {
    const Json& message = messages[i];
    const std::string place = StrCat(where, ": ", column, "[", i, "]");
    RETORT_CHECK(message.is_object() && message.contains("role") && message["role"].is_string(),
                 place, ": expected a message {\"role\": …, \"content\": …}");
    const Json content = message.value("content", Json());
    RETORT_CHECK(content.is_null() || content.is_string() || content.is_array(), place,
                 ".content: is of type ", content.type_name(), ", expected a text");
    RETORT_CHECK(!content.is_null() || message["role"] == "assistant", place,
                 ": has no content, which only an assistant's message may lack");
  }
}

// The list of messages with the row's other columns that a template is told.
Json Conversation(const Json& row, Json messages, const std::string& where) {
  Json conversation = Json::object();
  if (HasColumn(row, "chat_template_kwargs")) {
    conversation = row["chat_template_kwargs"];
    RETORT_CHECK(conversation.is_object(), where, ": column 'chat_template_kwargs' is of type ",
                 conversation.type_name(), ", expected an object");
  }
  if (HasColumn(row, "tools")) {
    Json tools = row["tools"];
    if (tools.is_string()) {
      tools = ParseJson(tools.get_ref<const std::string&>(), where + ": column 'tools'");
    }
    RETORT_CHECK(tools.is_array(), where, ": column 'tools' is of type ", tools.type_name(),
                 ", expected a list of functions");
    if (!tools.empty()) conversation["tools"] = std::move(tools);
  }
  conversation["messages"] = std::move(messages);
  return conversation;
}

LearnRow Document(std::string text, const std::string& where) {
  RETORT_CHECK(text.size() <= kMaxRowBytes, where, ": a document of more than 256 MiB; split it");
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  RETORT_CHECK(IsUtf8(text), where, ": is not UTF-8; convert the file");
  const std::string_view first = Trim(std::string_view(text).substr(0, text.find('\n')));
  RETORT_CHECK(!first.starts_with("{") || !TryParseJson(first), where,
               ": looks like JSON Lines, and would be read as one document; give it a name that "
               "ends in .jsonl");
  return {.text = std::move(text)};
}

}  // namespace

LearnRow LearnRowFrom(const Json& row, const std::string& text_column, const std::string& where) {
  LearnRow learn;
  if (HasColumn(row, "messages")) {
    learn.form = LearnRow::Form::kMessages;
    CheckMessages(row["messages"], "messages", where);
    learn.conversation = Conversation(row, row["messages"], where);
  } else if (HasColumn(row, "prompt") && HasColumn(row, "completion")) {
    const Json &prompt = row["prompt"], &completion = row["completion"];
    RETORT_CHECK(prompt.is_array() == completion.is_array(), where,
                 ": prompt and completion: expected two texts or two lists of messages, got ",
                 prompt.type_name(), " and ", completion.type_name());
    if (!prompt.is_array()) {
      learn.form = LearnRow::Form::kCompletion;
      learn.prompt = TextOf(row, "prompt", where);
      learn.text = TextOf(row, "completion", where);
      return learn;
    }
    learn.form = LearnRow::Form::kMessages;
    CheckMessages(prompt, "prompt", where);
    CheckMessages(completion, "completion", where);
    learn.given = prompt.size();
    Json messages = prompt;
    messages.insert(messages.end(), completion.begin(), completion.end());
    CheckMessages(messages, "prompt and completion", where);  // that they are few together
    learn.conversation = Conversation(row, std::move(messages), where);
  } else if (HasColumn(row, text_column)) {
    learn.text = TextOf(row, text_column, where);
  } else {
    std::vector<std::string> names;
    for (const auto& [name, value] : row.items()) names.push_back(name);
    Fail(where, ": nothing to learn: expected the column messages, the columns prompt and ",
         "completion, or '", text_column, "'; found ", names.empty() ? "none" : ListNames(names),
         ". Name the column of a document with dataset_text_field");
  }
  return learn;
}

LearnRowReader::LearnRowReader(const std::string& path, std::string text_column)
    : text_column_(std::move(text_column)) {
  if (IsRowsName(path)) {
    name_ = rows_.emplace(path).name();
  } else {
    name_ = document_.emplace(path).name();
  }
}

std::string LearnRowReader::Where(const LearnLine& line) const {
  return rows_ ? rows_->Where(line.number) : name_;
}

bool LearnRowReader::Next(LearnLine& line) {
  line = {};
  JsonlLine json;
  std::string text;
  if (rows_) {
    if (!rows_->Next(json)) return false;
    line.number = json.number;
  } else {
    if (!document_) return false;
    text = ReadDocument();
    line.number = 1;
  }
  try {
    RETORT_CHECK(json.error.empty(), json.error);
    line.row = rows_ ? LearnRowFrom(*json.row, text_column_, Where(line))
                     : Document(std::move(text), name_);
  } catch (const Error& error) {
    line.error = error.what();
  }
  return true;
}

// Reads no further than a document may be long.
std::string LearnRowReader::ReadDocument() {
  std::string text;
  for (std::string_view piece; !(piece = document_->Next()).empty();) {
    text += piece;
    if (text.size() > kMaxRowBytes) break;
  }
  document_.reset();
  return text;
}

}  // namespace retort::datasets
