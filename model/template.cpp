#include "model/template.h"

#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"

namespace retort::model {
namespace {

constexpr std::string_view kQuestion = "{question}";

void Append(std::vector<int32_t>& ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

/// The text before and after the question.
std::pair<std::string_view, std::string_view> Frame(PromptTemplate prompt_template) {
  const std::string_view text = TemplateText(prompt_template);
  const size_t place = text.find(kQuestion);
  return {text.substr(0, place), text.substr(place + kQuestion.size())};
}

}  // namespace

std::string_view TemplateText(PromptTemplate prompt_template) {
  switch (prompt_template) {
    case PromptTemplate::kShort:
      return "User: {question}\nAssistant: ";
    case PromptTemplate::kR1Zero:
      return "This is a dialogue in which a User poses a problem and an Assistant solves it. The "
             "Assistant first works the problem out in its head and only then tells the User the "
             "answer. Its reasoning stands between <think> and </think>, and the answer that "
             "follows between <answer> and </answer>, like this: <think> the reasoning </think>"
             "<answer> the answer </answer>\nUser: {question}\nAssistant: ";
  }
  Fail("prompt template without a text");
}

std::string ChatTemplate(PromptTemplate prompt_template) {
  const auto [before, after] = Frame(prompt_template);
  const std::string preamble(before.substr(0, before.size() - std::string_view("User: ").size()));
  // A JSON string is a Jinja string literal.
  const auto literal = [](std::string_view text) { return ToJsonLine(std::string(text)); };
  return StrCat("{{ bos_token if bos_token else '' }}{{ ", literal(preamble),
                " }}{% for message in messages %}{% if message['role'] == 'user' %}{{ ",
                literal(kUserMarker),
                " + message['content'] }}{% elif message['role'] == "
                "'assistant' %}{{ ",
                literal(after),
                " + message['content'] + eos_token }}{% else %}{{ "
                "raise_exception('only user and assistant messages are known') }}{% endif %}"
                "{% endfor %}{% if add_generation_prompt %}{{ ",
                literal(after), " }}{% endif %}");
}

std::vector<int32_t> RenderPrompt(const Tokenizer& tokenizer, PromptTemplate prompt_template,
                                  std::string_view question) {
  const auto [before, after] = Frame(prompt_template);
  std::vector<int32_t> ids;
  if (tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  Append(ids, tokenizer.Encode(before, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(question, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(after, AddedTokens::kMatch));
  return ids;
}

std::vector<int32_t> RenderNextTurn(const Tokenizer& tokenizer, PromptTemplate prompt_template,
                                    const std::vector<int32_t>& completion,
                                    std::string_view message) {
  const std::optional<int32_t> end = tokenizer.eos_id();
  std::vector<int32_t> ids;
  if (end && (completion.empty() || completion.back() != *end)) ids.push_back(*end);
  Append(ids, tokenizer.Encode(kUserMarker, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(message, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(Frame(prompt_template).second, AddedTokens::kMatch));
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
