#include "model/template.h"

#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"

namespace retort::model {
namespace {

void Append(std::vector<int32_t>& ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

}  // namespace

std::string ChatTemplate(const PromptTemplate& prompt_template) {
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

std::vector<int32_t> RenderPrompt(const Tokenizer& tokenizer, const PromptTemplate& prompt_template,
                                  std::string_view question) {
  std::vector<int32_t> ids;
  if (tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  Append(ids, tokenizer.Encode(StrCat(prompt_template.preamble, prompt_template.user),
                               AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(question, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(prompt_template.assistant, AddedTokens::kMatch));
  return ids;
}

std::vector<int32_t> RenderNextTurn(const Tokenizer& tokenizer,
                                    const PromptTemplate& prompt_template,
                                    const std::vector<int32_t>& completion,
                                    std::string_view message) {
  const std::optional<int32_t> end = tokenizer.eos_id();
  std::vector<int32_t> ids;
  if (end && (completion.empty() || completion.back() != *end)) ids.push_back(*end);
  Append(ids, tokenizer.Encode(prompt_template.user, AddedTokens::kMatch));
  Append(ids, tokenizer.Encode(message, AddedTokens::kAsText));
  Append(ids, tokenizer.Encode(prompt_template.assistant, AddedTokens::kMatch));
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
