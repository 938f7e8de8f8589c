// Rows as tokens, and which of them are learned.

#include "distill/row_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/strings.h"
#include "tests/distill/tokenizers.h"
#include "tests/support/error_of.h"

namespace retort::distill::row_tokens_test {
namespace {

using datasets::LearnRowFrom;

constexpr const char* kChat =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if tools %}T{{ tools | length }}{% endif %}{% if loud %}!{% endif %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr const char* kBlocks =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content "
    "}}<|im_end|>"
    "{% endif %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% "
    "endif %}";

model::Tokenizer Chat(const std::string& chat_template) {
  return Edited({.merges = {{"\n", "\n"}, {" ", "4"}},
                 .added = {"<|im_start|>", "<|im_end|>"},
                 .chat_template = chat_template});
}
Json Talk() {
  return {{{"role", "user"}, {"content", "q"}},
          {{"role", "assistant"}, {"content", "a"}},
          {{"role", "user"}, {"content", "r"}},
          {{"role", "assistant"}, {"content", "b"}}};
}

RowTokens Tokens(const model::Tokenizer& tokenizer, const Json& row,
                 const RowTokenizerOptions& options = {}, const StreamKey& stream = {}) {
  return RowTokenizer(tokenizer, model::PromptTemplate::kShort, options)(
      LearnRowFrom(row, "text", "row"), stream);
}

/// What is learned in brackets.
std::string Text(const model::Tokenizer& tokenizer, const RowTokens& row) {
  std::string text;
  bool open = false;
  for (size_t i = 0; i < row.ids.size(); ++i) {
    if (row.learned[i] != open) text += (open = !open) ? "[" : "]";
    text += tokenizer.TokenBytes(row.ids[i]);
  }
  return text + (open ? "]" : "");
}
std::string Marked(const model::Tokenizer& tokenizer, const Json& row,
                   const RowTokenizerOptions& options = {}) {
  return Text(tokenizer, Tokens(tokenizer, row, options));
}

TEST(RowTokens, ADocumentEndsWithTheEndTokenAndIsLearnedWhole) {
  const model::Tokenizer plain = model::Tokenizer::ByteLevel();
  EXPECT_EQ(Marked(plain, {{"text", "ab"}}), "[ab<|end|>]");
  EXPECT_EQ(Tokens(plain, {{"text", "ab"}}).ids.size(), 3u);
  EXPECT_EQ(Marked(plain, {{"text", "ab<|end|>"}}), "[ab<|end|>]");  // it does already
  EXPECT_EQ(Tokens(plain, {{"text", "<think>"}}).ids,
            (std::vector<int32_t>{plain.IdOf("<think>"), plain.IdOf("<|end|>")}));
  const model::Tokenizer bos = Edited({.added = {"<s>"}, .bos = "<s>"});
  EXPECT_EQ(Marked(bos, {{"text", "ab"}}), "[<s>ab<|end|>]");
  EXPECT_EQ(Marked(bos, {{"prompt", "ab"}, {"completion", "c"}}), "<s>ab[c<|end|>]");
  const model::Tokenizer none = Edited({.without_eos = true});
  EXPECT_NE(ErrorOf([&] {
              Tokens(none, {{"text", "ab"}});
            }).find("name an eos_token"),
            std::string::npos);
}

TEST(RowTokens, OfACompletionThePromptIsLearnedOnRequest) {
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  const Json row = {{"prompt", "2+2="}, {"completion", "4"}};
  EXPECT_EQ(Marked(tokenizer, row), "2+2=[4<|end|>]");
  EXPECT_EQ(Marked(tokenizer, row, {.completion_only_loss = false}), "[2+2=4<|end|>]");
  EXPECT_EQ(Marked(tokenizer, {{"prompt", ""}, {"completion", "4"}}), "[4<|end|>]");
}

TEST(RowTokens, ATokenOfPromptAndCompletionIsLearned) {
  const model::Tokenizer tokenizer = Chat("");
  const RowTokens row = Tokens(tokenizer, {{"prompt", "2+2= "}, {"completion", "4"}});
  EXPECT_EQ(Text(tokenizer, row), "2+2=[ 4<|end|>]");
  EXPECT_TRUE(row.spanning);
  const RowTokens apart = Tokens(tokenizer, {{"prompt", "2+2="}, {"completion", " 4"}});
  EXPECT_EQ(apart.ids, row.ids);
  EXPECT_EQ(apart.learned, row.learned);
  EXPECT_FALSE(apart.spanning);
}

TEST(RowTokens, TheAssistantsTurnsAreLearned) {
  const model::Tokenizer prefixes = Chat(kChat), blocks = Chat(kBlocks);
  const std::string s = "<|im_start|>", e = "<|im_end|>";
  // Without blocks, what a turn adds behind the generation prompt, its line end too.
  EXPECT_EQ(Marked(prefixes, {{"messages", Talk()}}),
            s + "user\nq" + e + "\n" + s + "assistant\n[a" + e + "\n]" + s + "user\nr" + e + "\n" +
                s + "assistant\n[b" + e + "\n]");
  EXPECT_EQ(Marked(blocks, {{"messages", Talk()}}), s + "user\nq" + e + "\n" + s + "assistant\n[a" +
                                                        e + "]\n" + s + "user\nr" + e + "\n" + s +
                                                        "assistant\n[b" + e + "]\n");
  for (const model::Tokenizer& tokenizer : {prefixes, blocks}) {
    const RowTokens all = Tokens(tokenizer, {{"messages", Talk()}}, {.assistant_only_loss = false});
    EXPECT_EQ(std::ranges::count(all.learned, false), 0);
  }
}

TEST(RowTokens, ACompletionOfMessages) {
  const model::Tokenizer tokenizer = Chat(kChat);
  Json prompt = Talk(), completion = Talk();
  prompt.erase(prompt.begin() + 1, prompt.end());
  completion.erase(completion.begin());
  const Json row = {{"prompt", prompt}, {"completion", completion}};
  const auto learned = [&](bool completion_only, bool assistant_only) {
    return Marked(tokenizer, row,
                  {.completion_only_loss = completion_only, .assistant_only_loss = assistant_only});
  };
  const std::string s = "<|im_start|>", e = "<|im_end|>";
  const std::string given = s + "user\nq" + e + "\n" + s + "assistant\n";
  const std::string rest =
      "a" + e + "\n" + s + "user\nr" + e + "\n" + s + "assistant\nb" + e + "\n";
  EXPECT_EQ(learned(true, false), given + "[" + rest + "]");
  EXPECT_EQ(learned(false, false), "[" + given + rest + "]");
  EXPECT_EQ(learned(true, true), Marked(tokenizer, {{"messages", Talk()}}));
  // Of an assistant that speaks in the prompt, only the one in the completion.
  Json longer = Talk();
  longer.erase(longer.begin() + 3);
  EXPECT_EQ(Marked(tokenizer, {{"prompt", longer}, {"completion", {Talk()[3]}}}),
            given + "a" + e + "\n" + s + "user\nr" + e + "\n" + s + "assistant\n[b" + e + "\n]");
  EXPECT_EQ(Marked(tokenizer, {{"prompt", longer}, {"completion", {Talk()[3]}}},
                   {.completion_only_loss = false}),
            Marked(tokenizer, {{"messages", Talk()}}));
}

TEST(RowTokens, AMessageThatBeginsWithALineEndIsLearnedWithTheOneBefore) {
  const model::Tokenizer tokenizer = Chat(kChat);
  Json talk = Talk();
  talk[1]["content"] = "\na";
  const RowTokens row = Tokens(tokenizer, {{"messages", talk}});
  EXPECT_TRUE(row.spanning);
  EXPECT_NE(Text(tokenizer, row).find("assistant[\n\na<|im_end|>\n]"), std::string::npos)
      << Text(tokenizer, row);
}

TEST(RowTokens, ToolsAndVariablesReachTheTemplate) {
  const model::Tokenizer tokenizer = Chat(kChat);
  Json row = {{"messages", Talk()}};
  EXPECT_EQ(Marked(tokenizer, row, {.assistant_only_loss = false}).find("T1"), std::string::npos);
  row["tools"] = {{{"type", "function"}, {"function", {{"name", "f"}}}}};
  row["chat_template_kwargs"] = {{"loud", true}};
  EXPECT_NE(Marked(tokenizer, row, {.assistant_only_loss = false}).find("T1!"), std::string::npos);
}

TEST(RowTokens, WhatUsersSayNeverBecomesASpecialToken) {
  for (const char* text : {kChat, kBlocks}) {
    const model::Tokenizer tokenizer = Chat(text);
    Json talk = Talk();
    talk[0]["content"] = "<|im_end|>";
    const RowTokens row = Tokens(tokenizer, {{"messages", talk}});
    EXPECT_EQ(std::ranges::count(row.ids, tokenizer.IdOf("<|im_end|>")), 4);
    EXPECT_NE(Text(tokenizer, row).find("assistant\n[a<|im_end|>"), std::string::npos);
  }
}

TEST(RowTokens, ATemplateWhosePrefixesDoNotAgreeIsAnError) {
  // Qwen3's way: the thoughts of a turn are gone once another one follows.
  const model::Tokenizer tokenizer = Chat(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ '<think>' if loop.last and m.role == "
      "'assistant' }}{{ m.content }}<|im_end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  const std::string what = ErrorOf([&] { Tokens(tokenizer, {{"messages", Talk()}}); });
  for (const char* part : {"the first 2 messages", "{% generation %}", "assistant_only_loss"}) {
    EXPECT_NE(what.find(part), std::string::npos) << what;
  }
  Json first = Talk();
  first.erase(first.begin() + 2, first.end());
  EXPECT_NE(Marked(tokenizer, {{"messages", first}}).find("assistant\n[<think>a<|im_end|>\n]"),
            std::string::npos);
  EXPECT_EQ(
      std::ranges::count(
          Tokens(tokenizer, {{"messages", Talk()}}, {.assistant_only_loss = false}).learned, false),
      0);
}

TEST(RowTokens, ATokenizerWithoutATemplateTakesTheRecipes) {
  const model::Tokenizer tokenizer = model::Tokenizer::ByteLevel();
  EXPECT_EQ(Marked(tokenizer, {{"messages", Talk()}}),
            "User: q\nAssistant: [a<|end|>]User: r\nAssistant: [b<|end|>]");
  const RowTokenizer chat(tokenizer, model::PromptTemplate::kChat, {});
  EXPECT_NE(ErrorOf([&] {
              chat(LearnRowFrom({{"messages", Talk()}}, "text", "row"), {});
            }).find("without a chat template"),
            std::string::npos);
  EXPECT_EQ(chat(LearnRowFrom({{"text", "a"}}, "text", "row"), {}).ids.size(), 2u);
}

TEST(RowTokens, MiddlesMoveBehindTheSuffix) {
  const model::Tokenizer tokenizer = Edited({.added = {kFim[0], kFim[1], kFim[2]}});
  const int32_t marks[] = {tokenizer.IdOf(kFim[0]), tokenizer.IdOf(kFim[1]),
                           tokenizer.IdOf(kFim[2])};
  const std::string text = "a1é2ü3→4ß5";
  int moved = 0;
  std::set<std::string> middles;
  for (uint64_t n = 0; n < 400; ++n) {
    const StreamKey stream{1, "fim", 0, n};
    const RowTokens row = Tokens(tokenizer, {{"text", text}}, {.fim_rate = 0.5}, stream);
    EXPECT_EQ(row.ids, Tokens(tokenizer, {{"text", text}}, {.fim_rate = 0.5}, stream).ids);
    EXPECT_EQ(row.ids.back(), *tokenizer.eos_id());
    EXPECT_EQ(std::ranges::count(row.learned, false), 0);
    if (row.ids[0] != marks[0]) {
      EXPECT_EQ(tokenizer.Decode(row.ids, model::SpecialTokens::kSkip), text);
      continue;
    }
    ++moved;
    const auto suffix = std::ranges::find(row.ids, marks[1]),
               middle = std::ranges::find(row.ids, marks[2]);
    ASSERT_TRUE(suffix < middle && middle < row.ids.end());
    const auto part = [&](auto begin, auto end) { return tokenizer.Decode({begin + 1, end}); };
    const std::string between = part(middle, row.ids.end() - 1);
    EXPECT_EQ(part(row.ids.begin(), suffix) + between + part(suffix, middle), text);
    EXPECT_TRUE(IsUtf8(between)) << between;
    middles.insert(between);
  }
  EXPECT_NEAR(moved, 200, 40);
  EXPECT_GT(middles.size(), 30u);  // of 55 beginnings and ends
  const Json pair = {{"prompt", "a"}, {"completion", "b"}};
  EXPECT_EQ(Tokens(tokenizer, pair, {.fim_rate = 1}).ids, Tokens(tokenizer, pair).ids);
  const std::string what = ErrorOf([&] {
    Tokens(model::Tokenizer::ByteLevel(), {{"text", "a"}}, {.fim_rate = 0.1});
  });
  for (const char* part : {"fim_rate", "<|fim_prefix|>", "<｜fim▁hole｜>", "Set fim_rate to 0"}) {
    EXPECT_NE(what.find(part), std::string::npos) << what;
  }
}

TEST(RowTokens, AnEmptyDocumentTeachesNothing) {
  EXPECT_FALSE(TeachesAnything(Tokens(model::Tokenizer::ByteLevel(), {{"text", ""}}).learned));
  EXPECT_TRUE(TeachesAnything(Tokens(model::Tokenizer::ByteLevel(), {{"text", "a"}}).learned));
  EXPECT_FALSE(TeachesAnything({}));
}

}  // namespace
}  // namespace retort::distill::row_tokens_test
