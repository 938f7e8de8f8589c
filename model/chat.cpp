#include "model/chat.h"

#include "base/error.h"
#include "base/excerpt.h"
#include "base/file.h"
#include "base/strings.h"
#include "model/internal/utf8.h"

namespace retort::model {
namespace {

// Stands within what would be an added token. A character that is none, in Unicode.
constexpr std::string_view kBreak = "\uFDD0";

// As templates of the field "chat_template" are kept: one, or several with names.
std::optional<std::string> SourceOf(const Json& value, const std::string& name,
                                    const std::string& where) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) {
    RETORT_CHECK(name.empty(), where, ": one template without a name, expected '", name, "'");
    return value.get<std::string>();
  }
  RETORT_CHECK(value.is_array(), where, ": got ", Excerpt(ToJsonLine(value)),
               ", expected a text or a list of named ones");
  std::vector<std::string> names;
  for (const Json& one : value) {
    const bool named = one.is_object() && one.contains("name") && one["name"].is_string() &&
                       one.contains("template") && one["template"].is_string();
    RETORT_CHECK(named, where, ": got ", Excerpt(ToJsonLine(one)),
                 ", expected {\"name\", \"template\"}");
    names.push_back(one["name"].get<std::string>());
    if (names.back() == (name.empty() ? "default" : name))
      return one["template"].get<std::string>();
  }
  Fail(where, ": no template '", name.empty() ? "default" : name, "', expected one of ",
       ListNames(names));
}

// A message of somebody else's.
bool IsFromOutside(const Json& message) {
  const Json role = message.is_object() ? message.value("role", Json()) : Json();
  return role == "user" || role == "tool";
}

void BreakTexts(const Tokenizer& tokenizer, Json& content) {
  if (content.is_string()) {
    content = tokenizer.BreakAddedTokens(content.get_ref<const std::string&>(), kBreak);
  } else if (content.is_array()) {  // {"type": "text", "text": …}
    for (Json& part : content) {
      if (part.is_object() && part.contains("text")) BreakTexts(tokenizer, part["text"]);
    }
  }
}

Json VariablesOf(const Tokenizer& tokenizer, const Json& conversation) {
  Json variables = conversation.is_array() ? Json{{"messages", conversation}} : conversation;
  RETORT_CHECK(
      variables.is_object() && variables.contains("messages") && variables["messages"].is_array(),
      "conversation: got ", Excerpt(ToJsonLine(conversation)), ", expected a list of messages");
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id && !variables.contains(key)) variables[key] = tokenizer.ContentOf(*id);
  };
  name("bos_token", tokenizer.bos_id());
  name("eos_token", tokenizer.eos_id());
  name("pad_token", tokenizer.pad_id());
  return ChatVariables(std::move(variables));
}

}  // namespace

std::optional<JinjaTemplate> LoadChatTemplate(const std::filesystem::path& folder,
                                              const std::string& name) {
  const auto file = folder / "chat_template.jinja";
  if (name.empty() && std::filesystem::exists(file)) return JinjaTemplate(ReadFile(file), file);
  const auto config = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(config)) return std::nullopt;
  const std::string where = config.string() + ": chat_template";
  const Json json = ParseJson(ReadFile(config), config.string());
  const auto source = SourceOf(json.value("chat_template", Json()), name, where);
  return source ? std::optional<JinjaTemplate>(std::in_place, *source, where) : std::nullopt;
}

std::tm FixedDay() {
  std::tm day{};
  day.tm_year = 124;
  day.tm_mon = 6;
  day.tm_mday = 26;
  day.tm_wday = 5;
  day.tm_yday = 207;
  return day;
}

std::string RenderConversation(const Tokenizer& tokenizer, const JinjaTemplate& chat_template,
                               const Json& conversation, const std::tm& now) {
  return chat_template.Render(VariablesOf(tokenizer, conversation), now).text;
}

JinjaTemplate::Rendered RenderMarked(const Tokenizer& tokenizer, const JinjaTemplate& chat_template,
                                     const Json& conversation, const std::tm& now) {
  Json variables = VariablesOf(tokenizer, conversation);
  for (Json& message : variables["messages"]) {
    if (IsFromOutside(message) && message.contains("content")) {
      BreakTexts(tokenizer, message["content"]);
    }
  }
  return chat_template.Render(variables, now);
}

std::vector<int32_t> EncodeMarked(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  while (true) {
    const size_t end = text.find(kBreak);
    const auto part = tokenizer.Encode(text.substr(0, end), AddedTokens::kMatch);
    ids.insert(ids.end(), part.begin(), part.end());
    if (end == std::string_view::npos) return ids;
    text.remove_prefix(end + kBreak.size());
  }
}

std::vector<int32_t> EncodeConversation(const Tokenizer& tokenizer,
                                        const JinjaTemplate& chat_template,
                                        const Json& conversation, const std::tm& now) {
  return EncodeMarked(tokenizer, RenderMarked(tokenizer, chat_template, conversation, now).text);
}

Json PlainAnswers(const Tokenizer& tokenizer, Json messages) {
  for (Json& message : messages) {
    if (!message.is_object() || message.value("role", Json()) != "assistant") continue;
    if (!message.contains("content") || !message["content"].is_string()) continue;
    auto content = message["content"].get<std::string>();
    for (const AddedToken& token : tokenizer.added_tokens()) {
      const size_t first = FirstCharacter(token.content).bytes.size();
      if (!token.special || first >= token.content.size()) continue;
      std::string broken = token.content;
      broken.insert(first, kBreak);
      content = ReplaceAll(std::move(content), token.content, broken);
    }
    message["content"] = std::move(content);
  }
  return messages;
}

}  // namespace retort::model
