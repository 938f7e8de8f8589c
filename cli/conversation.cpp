#include "cli/conversation.h"

#include <algorithm>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/plural.h"
#include "model/chat.h"

namespace retort::cli {
namespace {

bool Is(const Json& message, const char* role) { return message["role"] == role; }

bool IsMessage(const Json& message) {
  return message.is_object() && message.contains("role") && message["role"].is_string() &&
         message.contains("content");
}

}  // namespace

void Conversation::Load(const Json& json, const std::string& where) {
  const Json& messages = json.is_object() && json.contains("messages") ? json["messages"] : json;
  RETORT_CHECK(messages.is_array(), where, ": got ", Excerpt(ToJsonLine(json)),
               ", expected a list of messages {\"role\", \"content\"}");
  for (size_t i = 0; i < messages.size(); ++i) {
    RETORT_CHECK(IsMessage(messages[i]), where, ": message ", i + 1, ": got ",
                 Excerpt(ToJsonLine(messages[i])), ", expected {\"role\", \"content\"}");
  }
  messages_ = messages;
}

bool Conversation::HasSystem() const { return !messages_.empty() && Is(messages_[0], "system"); }

std::string Conversation::system() const {
  if (!HasSystem()) return "";
  const Json& content = messages_[0]["content"];
  return content.is_string() ? content.get<std::string>() : ToJsonLine(content);
}

void Conversation::SetSystem(const std::string& text) {
  const Json message = {{"role", "system"}, {"content", text}};
  if (!text.empty()) Encode({message, {{"role", "user"}, {"content", "?"}}});
  if (HasSystem()) messages_.erase(messages_.begin());
  if (!text.empty()) messages_.insert(messages_.begin(), message);
}

void Conversation::Add(const std::string& role, const std::string& text) {
  messages_.push_back({{"role", role}, {"content", text}});
}

void Conversation::Clear() {
  const std::string text = system();
  messages_ = Json::array();
  SetSystem(text);
}

size_t Conversation::LastQuestion() const {
  for (size_t i = messages_.size(); i-- > 0;) {
    if (Is(messages_[i], "user")) return i;
  }
  return messages_.size();
}

bool Conversation::Undo() {
  const size_t question = LastQuestion();
  if (question == messages_.size()) return false;
  messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(question), messages_.end());
  return true;
}

bool Conversation::TakeBackAnswer() {
  const size_t behind = LastQuestion() + 1;
  if (behind >= messages_.size()) return false;
  messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(behind), messages_.end());
  return true;
}

int64_t Conversation::questions() const {
  return std::ranges::count_if(messages_, [](const Json& m) { return Is(m, "user"); });
}

bool Conversation::IsAsked() const { return !messages_.empty() && Is(messages_.back(), "user"); }

std::vector<int32_t> Conversation::Encode(const Json& messages) const {
  return model::EncodeConversation(
      tokenizer_, template_,
      {{"messages", model::PlainAnswers(tokenizer_, messages)}, {"add_generation_prompt", true}},
      now_);
}

Conversation::Prompt Conversation::Render(int64_t most) const {
  Json seen = messages_;
  Prompt prompt{Encode(seen), 0};
  const size_t first = HasSystem() ? 1 : 0;
  const int64_t turns = questions();
  while (std::ssize(prompt.ids) > most) {
    RETORT_CHECK(prompt.dropped + 1 < turns, "the message has ",
                 Counted(prompt.ids.size(), "token"), first > 0 ? " with the system message" : "",
                 ", but only ", std::max<int64_t>(most, 0),
                 " fit into the context beside the answer. Say it in fewer words");
    do {  // a question and what came behind it
      seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(first));
    } while (!Is(seen[first], "user"));
    ++prompt.dropped;
    prompt.ids = Encode(seen);
  }
  return prompt;
}

}  // namespace retort::cli
