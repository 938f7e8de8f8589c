#pragma once
// Conversations as a published model wants them: its folder's chat template, and the ids of what it
// renders.

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/chat_template.h"
#include "model/tokenizer.h"

namespace retort::model {

/// chat_template.jinja, or tokenizer_config.json's chat_template: a text, or a list of {"name",
/// "template"} of which `name` is taken ("default"; with tools and a "tool_use" one, callers ask
/// for that). Nothing where the folder has none. Throws Error on a name that is not there, and on
/// what is no template.
std::optional<JinjaTemplate> LoadChatTemplate(const std::filesystem::path& folder,
                                              const std::string& name = "");

/// What templates that date their system message are told in training, where the same recipe has to
/// give the same ids on any day: the day that Llama 3's own falls back on.
std::tm FixedDay();

/// The text, as transformers' apply_chat_template gives it. `conversation` is a list of messages,
/// or an object with "messages" and whatever else the template knows (tools, add_generation_prompt,
/// enable_thinking …). The begin, end, … tokens are the tokenizer's, `now` what strftime_now tells.
std::string RenderConversation(const Tokenizer& tokenizer, const JinjaTemplate& chat_template,
                               const Json& conversation, const std::tm& now = FixedDay());

/// The same with marks within what users and tools say, wherever it could pass for an added token,
/// and the bytes of {% generation %} blocks counted with them.
JinjaTemplate::Rendered RenderMarked(const Tokenizer& tokenizer, const JinjaTemplate& chat_template,
                                     const Json& conversation, const std::tm& now = FixedDay());
/// The ids of such a text, or of the beginning of one.
std::vector<int32_t> EncodeMarked(const Tokenizer& tokenizer, std::string_view text);

/// Its ids. Those of transformers, but for what users and tools say: that never becomes an added
/// token.
std::vector<int32_t> EncodeConversation(const Tokenizer& tokenizer,
                                        const JinjaTemplate& chat_template,
                                        const Json& conversation, const std::tm& now = FixedDay());

/// The messages, where what assistants said is text that a model made: what is spelled like a
/// special token in it becomes none either, when they are encoded. Tags that are not special
/// (<think>) stay.
Json PlainAnswers(const Tokenizer& tokenizer, Json messages);

}  // namespace retort::model
