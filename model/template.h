#pragma once
// Prompt templates: the texts that go around what is said, and the shape of a worked example.
//
// The texts around are encoded with added tokens matched, so "User: " and "\nAssistant: " cost one
// id each where the vocabulary has them and their bytes where it has not; the question itself is
// always plain text, so nothing in it can pass for a tag.
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

/// Data: a prompt is `preamble` once, then `user`, what the user says, and `assistant`. A value
/// that refers to its texts. Or `chat`: the chat template that the tokenizer came with, which makes
/// the ids that transformers makes (chat.h).
struct PromptTemplate {
  std::string_view preamble, user, assistant;
  bool chat = false;

  bool operator==(const PromptTemplate&) const = default;
  /// "User: …\nAssistant: ", for small models and short recipes.
  static const PromptTemplate kShort;
  /// The same after a preamble that asks for <think> and <answer>, as R1-Zero's does.
  static const PromptTemplate kR1Zero;
  /// A published model's own.
  static const PromptTemplate kChat;
};
inline constexpr PromptTemplate PromptTemplate::kShort = {"", kUserMarker, kAssistantMarker};
inline constexpr PromptTemplate PromptTemplate::kR1Zero = {
    "This is a dialogue in which a User poses a problem and an Assistant solves it. The "
    "Assistant first works the problem out in its head and only then tells the User the "
    "answer. Its reasoning stands between <think> and </think>, and the answer that "
    "follows between <answer> and </answer>, like this: <think> the reasoning </think>"
    "<answer> the answer </answer>\n",
    kUserMarker, kAssistantMarker};
inline constexpr PromptTemplate PromptTemplate::kChat = {"", "", "", true};

/// Those that have a name in recipes and flags.
constexpr auto EnumNames(const PromptTemplate&) {
  return std::array{std::pair{PromptTemplate::kShort, "short"},
                    std::pair{PromptTemplate::kR1Zero, "r1_zero"},
                    std::pair{PromptTemplate::kChat, "chat"}};
}

/// A question and its answer that stand in a chat before what is really asked.
struct ExampleTurn {
  std::string question, answer;

  bool operator==(const ExampleTurn&) const = default;
  template <class V>
  void Visit(V& v) {
    v("question", question, "What the user says.");
    v("answer", answer, "What the assistant answers.");
  }
};

/// What goes around a question: a template; of a chat, what its system message says, "" for none,
/// and turns before the question.
struct PromptFormat {
  PromptFormat(PromptTemplate frame = PromptTemplate::kShort, std::string system = "",
               std::vector<ExampleTurn> examples = {})
      : frame(frame), system(std::move(system)), examples(std::move(examples)) {}

  PromptTemplate frame;
  std::string system;
  std::vector<ExampleTurn> examples;
};
/// Throws Error, which begins with `where`, on a system message or examples without a place for
/// them.
void CheckSystem(const PromptFormat& format, std::string_view where);

/// The same as a Jinja chat template over `messages`, for tokenizer_config.json.
std::string ChatTemplate(const Tokenizer& tokenizer, const PromptTemplate& prompt_template);

/// The ids of a prompt: the begin token if the vocabulary names one, then the filled-in template.
/// Of a chat, the conversation up to where the model answers.
std::vector<int32_t> RenderPrompt(const Tokenizer& tokenizer, const PromptFormat& format,
                                  std::string_view question);

/// The ids that follow a completion when the user answers: the end token unless the completion ends
/// with it, then the message in the template's frame, up to where the next completion begins. The
/// same text as ChatTemplate's. Throws Error where a chat template does not write one turn behind
/// the other.
std::vector<int32_t> RenderNextTurn(const Tokenizer& tokenizer, const PromptFormat& format,
                                    const std::vector<int32_t>& completion,
                                    std::string_view message);

struct WorkedExample {
  std::string think;  ///< the steps; "" for a direct answer
  std::string answer;
};

/// The ids of `<think>{think}</think><answer>{answer}</answer>`; the last one is a stop id.
std::vector<int32_t> RenderCompletion(const Tokenizer& tokenizer, const WorkedExample& example);

/// Ids of a vocabulary that end a completion and stay its last token: `</answer>` (when it is one
/// token) and the end token. Never empty: throws Error when it has neither. A model's folder may
/// know better: StopIds in generation_config.h.
std::vector<int32_t> StopIds(const Tokenizer& tokenizer);

}  // namespace retort::model
