#pragma once
// Prompt templates: the text that goes around a question, and the shape of a worked example.
//
// A template is a plain text with `{question}` in it. What is around the question is encoded with
// added tokens matched, so "User: " and "\nAssistant: " cost one id each where the vocabulary has
// them and their bytes where it has not; the question itself is always plain text, so nothing in it
// can pass for a tag.
//
// A completion ends with `</answer>`: the tag doubles as the end of text, which saves one token of
// every sample. Which ids end a completion is an explicit list (StopIds), written to
// generation_config.json; the end token is on it too, for models that write free text.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/tokenizer.h"

namespace retort::model {

enum class PromptTemplate {
  kShort,   ///< "User: {question}\nAssistant: ", for small models and short recipes
  kR1Zero,  ///< the same after a preamble that asks for <think> and <answer>, as R1-Zero's does
};
constexpr auto EnumNames(PromptTemplate) {
  return std::array{std::pair{PromptTemplate::kShort, "short"},
                    std::pair{PromptTemplate::kR1Zero, "r1_zero"}};
}

/// The template's text, with `{question}` once.
std::string_view TemplateText(PromptTemplate prompt_template);

/// The same as a Jinja chat template over `messages`, for tokenizer_config.json.
std::string ChatTemplate(PromptTemplate prompt_template);

/// The ids of a prompt: the begin token if the vocabulary names one, then the filled-in template.
std::vector<int32_t> RenderPrompt(const Tokenizer& tokenizer, PromptTemplate prompt_template,
                                  std::string_view question);

/// The ids that follow a completion when the user answers: the end token unless the completion ends
/// with it, then the message in the template's frame, up to where the next completion begins. The
/// same text as ChatTemplate's.
std::vector<int32_t> RenderNextTurn(const Tokenizer& tokenizer, PromptTemplate prompt_template,
                                    const std::vector<int32_t>& completion,
                                    std::string_view message);

struct WorkedExample {
  std::string think;  ///< the steps; "" for a direct answer
  std::string answer;
};

/// The ids of `<think>{think}</think><answer>{answer}</answer>`; the last one is a stop id.
std::vector<int32_t> RenderCompletion(const Tokenizer& tokenizer, const WorkedExample& example);

/// Ids that end a completion and stay its last token: `</answer>` (when it is one token) and the
/// end token. Never empty: throws Error when the vocabulary has neither.
std::vector<int32_t> StopIds(const Tokenizer& tokenizer);

}  // namespace retort::model
