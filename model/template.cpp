#include "model/template.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"
#include "model/chat.h"

namespace retort::model {
namespace {

void Append(std::vector<int32_t>& ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

// Up to where the model answers what the user has said.
Json UserTurn(const PromptFormat& format, std::string_view said) {
  Json messages = Json::array();
  if (!format.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", format.system}});
  }
  for (const ExampleTurn& turn : format.examples) {
    messages.push_back({{"role", "user"}, {"content", turn.question}});
    messages.push_back({{"role", "assistant"}, {"content", turn.answer}});
  }
  messages.push_back({{"role", "user"}, {"content", std::string(said)}});
  return {{"messages", std::move(messages)}, {"add_generation_prompt", true}};
}

// What the chat template writes behind an answer, which nobody knows yet.
std::vector<int32_t> NextChatTurn(const Tokenizer& tokenizer, const PromptFormat& format,
                                  std::string_view message) {
  const std::string answer = "an answer of which nothing is known yet";
  Json turns = UserTurn(format, "a question");
  const std::string first = RenderConversation(tokenizer, tokenizer.chat_template(), turns);
  turns["messages"].push_back({{"role", "assistant"}, {"content", answer}});
  turns["messages"].push_back({{"role", "user"}, {"content", std::string(message)}});
  const std::string both = RenderConversation(tokenizer, tokenizer.chat_template(), turns);
  RETORT_CHECK(both.starts_with(first + answer),
               "the chat template does not write one turn behind the other, so a conversation "
               "cannot go on: choose another prompt_template, or leave revisions out");
  std::vector<int32_t> ids = EncodeConversation(tokenizer, tokenizer.chat_template(), turns);
  const std::vector<int32_t> before = tokenizer.Encode(first + answer, AddedTokens::kMatch);
  RETORT_CHECK(ids.size() >= before.size() && std::equal(before.begin(), before.end(), ids.begin()),
               "the chat template does not end an answer with a token of its own, so a "
               "conversation cannot go on: leave revisions out");
  ids.erase(ids.begin(), ids.begin() + std::ssize(before));
  return ids;
}

}  // namespace

std::string ChatTemplate(const Tokenizer& tokenizer, const PromptTemplate& prompt_template) {
  if (prompt_template.chat) return tokenizer.chat_template().source();
  // A JSON string is a Jinja string literal.
  const auto literal = [](std::string_view text) { return ToJsonLine(std::string(text)); };
  return StrCat("{{ bos_token if bos_token else '' }}{{ ", literal(prompt_template.preamble),
                " }}{% for message in messages %}{% if message['role'] == 'user' %}{{ ",
                literal(prompt_template.user),
                " + message['content'] }}{% elif message['role'] == "
                "'assistant' %}{{ ",
                literal(prompt_template.assistant),
                " + message['content'] + eos_token }}{% else %}{{ "
                "raise_exception('only user and assistant messages are known') }}{% endif %}"
                "{% endfor %}{% if add_generation_prompt %}{{ ",
                literal(prompt_template.assistant), " }}{% endif %}");
}

void CheckSystem(const PromptFormat& format, std::string_view where) {
  RETORT_CHECK(format.frame.chat || (format.system.empty() && format.examples.empty()), where,
               ": prompts have no place for a system message or examples here; leave them out, or "
               "choose the template chat");
}

std::vector<int32_t> RenderPrompt(const Tokenizer& tokenizer, const PromptFormat& format,
                                  std::string_view question) {
  const PromptTemplate& frame = format.frame;
  CheckSystem(format, "system message");
  if (frame.chat) {
    return EncodeConversation(tokenizer, tokenizer.chat_template(), UserTurn(format, question));
  }
  std::vector<int32_t> ids;
  if (tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  Append(ids, tokenizer.Encode(StrCat(frame.preamble, frame.user), AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(question, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(frame.assistant, AddedTokens::kMatch));
  return ids;
}

std::vector<int32_t> RenderNextTurn(const Tokenizer& tokenizer, const PromptFormat& format,
                                    const std::vector<int32_t>& completion,
                                    std::string_view message) {
  const std::optional<int32_t> end = tokenizer.eos_id();
  if (format.frame.chat) {
    std::vector<int32_t> ids = NextChatTurn(tokenizer, format, message);
    const bool ended = end && !completion.empty() && completion.back() == *end;
    if (ended && !ids.empty() && ids[0] == *end) ids.erase(ids.begin());
    return ids;
  }
  std::vector<int32_t> ids;
  if (end && (completion.empty() || completion.back() != *end)) ids.push_back(*end);
  Append(ids, tokenizer.Encode(format.frame.user, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(message, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(format.frame.assistant, AddedTokens::kMatch));
  return ids;
}

std::vector<int32_t> RenderCompletion(const Tokenizer& tokenizer, const WorkedExample& example) {
  std::vector<int32_t> ids;
  Append(ids, tokenizer.Encode(kThinkOpen, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(example.think, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(kThinkClose, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(kAnswerOpen, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(example.answer, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(kAnswerClose, AddedTokens::kMatch));
  if (!tokenizer.Find(kAnswerClose)) ids.push_back(StopIds(tokenizer).front());
  return ids;
}

std::vector<int32_t> StopIds(const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  if (const auto close = tokenizer.Find(kAnswerClose)) ids.push_back(*close);
  if (tokenizer.eos_id()) ids.push_back(*tokenizer.eos_id());
  RETORT_CHECK(!ids.empty(),
               "the vocabulary has no token that ends a completion: name an eos_token "
               "in tokenizer_config.json");
  return ids;
}

}  // namespace retort::model
