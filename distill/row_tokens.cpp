#include "distill/row_tokens.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "model/chat.h"

namespace retort::distill {
namespace {

using Form = datasets::LearnRow::Form;

// Of published vocabularies: Qwen and others, StarCoder, SantaCoder, DeepSeek.
constexpr std::array<const char*, 3> kFimTokens[] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
    {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"}};

std::array<int32_t, 3> FindFimTokens(const model::Tokenizer& tokenizer) {
  std::vector<std::string> names;
  for (const auto& marks : kFimTokens) {
    std::array<int32_t, 3> ids{};
    size_t found = 0;
    for (; found < marks.size(); ++found) {
      const auto id = tokenizer.Find(marks[found]);
      if (!id) break;
      ids[found] = *id;
    }
    if (found == marks.size()) return ids;
    names.push_back(Join({marks.begin(), marks.end()}, " "));
  }
  Fail(
      "fim_rate: the tokenizer has no tokens that mark prefix, suffix and middle: expected the "
      "added tokens ",
      Join(names, ", or "), ". Set fim_rate to 0, or give the tokenizer such tokens");
}

void Append(std::vector<int32_t>& ids, const std::vector<int32_t>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

// Where a place in a text lies in its tokens: `before` of them end there or earlier, and the next
// one holds the place when it is `inside`.
struct Place {
  size_t before = 0;
  bool inside = false;
};

// `beginning` is the text up to the place, encoded by itself. What it shares with `ids` is as far;
// behind that, bytes decide.
Place PlaceIn(const model::Tokenizer& tokenizer, std::span<const int32_t> ids,
              std::span<const int32_t> beginning) {
  const auto [own, other] = std::ranges::mismatch(ids, beginning);
  const auto bytes = [&](int32_t id) { return tokenizer.TokenBytes(id).size(); };
  size_t left = 0;
  for (auto it = other; it != beginning.end(); ++it) left += bytes(*it);
  auto before = static_cast<size_t>(own - ids.begin());
  while (left > 0 && before < ids.size() && bytes(ids[before]) <= left)
    left -= bytes(ids[before++]);
  return {before, left > 0};
}

size_t CharacterStart(std::string_view text, size_t place) {
  while (place > 0 && place < text.size() &&
         (static_cast<unsigned char>(text[place]) & 0xC0) == 0x80)
    --place;
  return place;
}

}  // namespace

bool TeachesAnything(const std::vector<bool>& learned) {
  return !learned.empty() && std::find(learned.begin() + 1, learned.end(), true) != learned.end();
}

train::LearnGroup GroupOf(std::span<const int32_t> ids, const std::vector<bool>& learned) {
  return {.prompt = {ids[0]},
          .completions = {{ids.begin() + 1, ids.end()}},
          .learned = {learned.begin() + 1, learned.end()}};
}

RowTokenizer::RowTokenizer(const model::Tokenizer& tokenizer, model::PromptTemplate prompt_template,
                           const RowTokenizerOptions& options)
    : tokenizer_(tokenizer), options_(options) {
  try {
    chat_ = tokenizer.has_chat_template() || prompt_template.chat
                ? tokenizer.chat_template()
                : model::JinjaTemplate(model::ChatTemplate(tokenizer, prompt_template));
    marks_turns_ = chat_->source().find("endgeneration") != std::string::npos;
  } catch (const Error& error) {  // documents need none
    no_chat_ = error.what();
  }
  constexpr int32_t kText = -1;
  const std::vector<int32_t> around = tokenizer.WithSpecialTokens({kText});
  before_.assign(around.begin(), std::ranges::find(around, kText));
  if (options.fim_rate > 0) fim_ = FindFimTokens(tokenizer);
}

RowTokens RowTokenizer::operator()(const datasets::LearnRow& row, const StreamKey& stream) const {
  RowTokens tokens = row.form == Form::kText         ? Document(row.text, stream)
                     : row.form == Form::kCompletion ? Completion(row)
                                                     : Conversation(row);
  tokens.form = row.form;
  return tokens;
}

std::vector<int32_t> RowTokenizer::Encode(std::string_view text) const {
  std::vector<int32_t> ids = before_;
  Append(ids, tokenizer_.Encode(text, model::AddedTokens::kMatch));
  return ids;
}

void RowTokenizer::End(std::vector<int32_t>& ids) const {
  const std::optional<int32_t> end = tokenizer_.eos_id();
  RETORT_CHECK(end,
               "the vocabulary has no token that ends a document: name an eos_token in "
               "tokenizer_config.json");
  if (ids.empty() || ids.back() != *end) ids.push_back(*end);
}

RowTokens RowTokenizer::Document(const std::string& text, const StreamKey& stream) const {
  RandomStream random(stream);
  const bool fim = fim_ && random.Uniform() < options_.fim_rate;
  RowTokens row{fim ? FillInTheMiddle(text, random) : Encode(text)};
  End(row.ids);
  row.learned.assign(row.ids.size(), true);
  return row;
}

// Prefix, suffix, middle (PSM of Bavarian et al. 2022), the two cuts drawn evenly over the bytes
// and moved to the character that they fall into.
std::vector<int32_t> RowTokenizer::FillInTheMiddle(std::string_view text,
                                                   RandomStream& random) const {
  std::array<size_t, 2> cuts{};
  for (size_t& cut : cuts) cut = CharacterStart(text, random.Below(text.size() + 1));
  std::ranges::sort(cuts);
  const std::string_view parts[] = {text.substr(0, cuts[0]), text.substr(cuts[1]),
                                    text.substr(cuts[0], cuts[1] - cuts[0])};
  std::vector<int32_t> ids = before_;
  for (size_t i = 0; i < fim_->size(); ++i) {
    ids.push_back((*fim_)[i]);
    Append(ids, tokenizer_.Encode(parts[i], model::AddedTokens::kMatch));
  }
  return ids;
}

RowTokens RowTokenizer::Completion(const datasets::LearnRow& row) const {
  RowTokens tokens{Encode(row.prompt + row.text)};
  End(tokens.ids);
  tokens.learned.assign(tokens.ids.size(), true);
  if (!options_.completion_only_loss) return tokens;
  const Place end = PlaceIn(tokenizer_, tokens.ids, Encode(row.prompt));
  tokens.spanning = end.inside;
  std::fill_n(tokens.learned.begin(), end.before, false);
  return tokens;
}

RowTokens RowTokenizer::Conversation(const datasets::LearnRow& row) const {
  RETORT_CHECK(chat_, no_chat_);
  Json conversation = row.conversation;
  conversation["add_generation_prompt"] = false;
  const auto rendered = model::RenderMarked(tokenizer_, *chat_, conversation);
  RowTokens tokens{model::EncodeMarked(tokenizer_, rendered.text)};
  tokens.learned.assign(tokens.ids.size(), true);
  const auto keep = [&](const std::vector<Range>& ranges) {
    std::vector<bool> inside(tokens.ids.size());
    for (const auto& [begin, end] : ranges) {
      const auto place = [&](size_t byte) {
        return PlaceIn(tokenizer_, tokens.ids,
                       model::EncodeMarked(tokenizer_, rendered.text.substr(0, byte)));
      };
      if (begin == end) continue;
      const Place first = place(begin);
      const Place last = end == rendered.text.size() ? Place{tokens.ids.size(), false} : place(end);
      tokens.spanning = tokens.spanning || first.inside;
      for (size_t i = first.before; i < last.before + (last.inside ? 1 : 0); ++i) inside[i] = true;
    }
    for (size_t i = 0; i < inside.size(); ++i) tokens.learned[i] = tokens.learned[i] && inside[i];
  };
  if (options_.completion_only_loss && row.given > 0) {
    keep({{RenderedPrefix(conversation, row.given, true, rendered.text), rendered.text.size()}});
  }
  if (options_.assistant_only_loss) {
    keep(marks_turns_ ? rendered.generations : AssistantRanges(conversation, rendered.text));
  }
  return tokens;
}

// What each turn of the assistant adds behind the prompt for it.
std::vector<RowTokenizer::Range> RowTokenizer::AssistantRanges(const Json& conversation,
                                                               std::string_view text) const {
  const Json& messages = conversation["messages"];
  std::vector<Range> ranges;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i]["role"] != "assistant") continue;
    const size_t begin = RenderedPrefix(conversation, i, true, text);
    const size_t end =
        i + 1 == messages.size() ? text.size() : RenderedPrefix(conversation, i + 1, false, text);
    ranges.emplace_back(begin, std::max(begin, end));
  }
  return ranges;
}

// The bytes of `text`, the whole conversation's, that its first messages make.
size_t RowTokenizer::RenderedPrefix(const Json& conversation, size_t messages,
                                    bool generation_prompt, std::string_view text) const {
  Json beginning = conversation;
  Json& list = beginning["messages"];
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(messages), list.end());
  beginning["add_generation_prompt"] = generation_prompt;
  const std::string prefix = model::RenderMarked(tokenizer_, *chat_, beginning).text;
  RETORT_CHECK(text.starts_with(prefix), "the chat template writes the first ", messages,
               " messages", generation_prompt ? " and its generation prompt" : "",
               " in another way when more messages follow, so what is given and what is learned "
               "cannot be told apart. Use a chat template that puts {% generation %} around what "
               "the assistant says, set assistant_only_loss and completion_only_loss to false, or "
               "give prompt and completion as texts");
  return prefix.size();
}

}  // namespace retort::distill
