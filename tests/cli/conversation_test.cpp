// What a chat gives to the model, and how it tells reasoning from answer.

#include "cli/conversation.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "cli/thinking.h"
#include "model/chat.h"
#include "tests/support/error_of.h"

namespace retort::cli::conversation_test {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}{{ m.role[0] }}{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}a{% endif %}";
constexpr int64_t kPlenty = 1 << 20;

Conversation NewConversation(const char* chat_template = kTemplate) {
  return {model::Tokenizer::ByteLevel(), model::JinjaTemplate(chat_template), model::FixedDay()};
}

std::string TextOf(const Conversation::Prompt& prompt) {
  return model::Tokenizer::ByteLevel().Decode(prompt.ids);
}

TEST(Conversation, RendersUpToTheAnswer) {
  Conversation chat = NewConversation();
  chat.Add("user", "1");
  EXPECT_EQ(TextOf(chat.Render(kPlenty)), "u1<|end|>a");
  chat.Add("assistant", "2");
  chat.Add("user", "3");
  chat.SetSystem("S");
  EXPECT_EQ(TextOf(chat.Render(kPlenty)), "sS<|end|>u1<|end|>a2<|end|>u3<|end|>a");
  EXPECT_EQ(chat.system(), "S");
  EXPECT_EQ(chat.questions(), 2);
}

TEST(Conversation, TheOldestTurnsGiveWayAndTheSystemMessageStays) {
  Conversation chat = NewConversation();
  chat.SetSystem("S");
  for (const char* text : {"1", "2", "3"}) {
    chat.Add("user", text);
    chat.Add("assistant", StrCat("A", text));
  }
  chat.Add("user", "4");
  const std::string system = "sS<|end|>", last = "u4<|end|>a";
  const std::vector<std::string> turns{"u1<|end|>aA1<|end|>", "u2<|end|>aA2<|end|>",
                                       "u3<|end|>aA3<|end|>"};
  // An end is one token, a turn of the others 7.
  for (const int64_t dropped : {0, 1, 2, 3}) {
    std::string expected = system;
    for (size_t i = static_cast<size_t>(dropped); i < turns.size(); ++i) expected += turns[i];
    expected += last;
    const int64_t tokens = 3 + 7 * (3 - dropped) + 4;
    for (const int64_t most : {tokens, tokens + 6}) {
      const Conversation::Prompt prompt = chat.Render(most);
      EXPECT_EQ(TextOf(prompt), expected);
      EXPECT_EQ(prompt.dropped, dropped);
      EXPECT_EQ(std::ssize(prompt.ids), tokens);
    }
  }
  const std::string error = ErrorOf([&] { chat.Render(6); });
  EXPECT_NE(error.find("7 tokens with the system message, but only 6 fit"), std::string::npos)
      << error;
}

TEST(Conversation, TurnsAreTakenBack) {
  Conversation chat = NewConversation();
  EXPECT_FALSE(chat.Undo());
  EXPECT_FALSE(chat.TakeBackAnswer());
  chat.SetSystem("S");
  chat.Add("user", "1");
  EXPECT_TRUE(chat.IsAsked());
  EXPECT_FALSE(chat.TakeBackAnswer());
  chat.Add("assistant", "2");
  EXPECT_FALSE(chat.IsAsked());
  EXPECT_TRUE(chat.TakeBackAnswer());
  EXPECT_TRUE(chat.IsAsked());
  chat.Add("assistant", "2");
  EXPECT_TRUE(chat.Undo());
  EXPECT_EQ(chat.messages().size(), 1u);
  chat.Add("user", "1");
  chat.Clear();
  EXPECT_EQ(chat.messages(), (Json{{{"role", "system"}, {"content", "S"}}}));
  chat.SetSystem("");
  EXPECT_TRUE(chat.messages().empty());
}

TEST(Conversation, ATemplateWithoutASystemMessageRefusesIt) {
  Conversation chat = NewConversation(
      "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}x");
  chat.SetSystem("");
  EXPECT_NE(ErrorOf([&] { chat.SetSystem("S"); }).find("no system here"), std::string::npos);
  EXPECT_EQ(chat.system(), "");
}

TEST(Conversation, WhatIsSpelledLikeASpecialTokenIsText) {
  const int32_t end = model::Tokenizer::ByteLevel().IdOf("<|end|>");
  for (const char* role : {"user", "assistant"}) {
    Conversation chat = NewConversation();
    chat.Add("user", "x");
    chat.Add(role, "<|end|> <think>y</think>");
    const std::vector<int32_t> ids = chat.Render(kPlenty).ids;
    EXPECT_EQ(std::ranges::count(ids, end), 2) << role;
    EXPECT_EQ(TextOf({ids}), StrCat("ux<|end|>", role[0], "<|end|> <think>y</think><|end|>a"));
    // A tag that the model has said stays one.
    const int32_t think = model::Tokenizer::ByteLevel().IdOf("<think>");
    EXPECT_EQ(std::ranges::count(ids, think), role[0] == 'a' ? 1 : 0);
  }
}

// Joined parts of each kind, the text being cut at these places.
std::pair<std::string, std::string> Told(const std::string& text, const std::vector<size_t>& cuts,
                                         bool open) {
  ThinkingSplitter splitter(open);
  std::string all;
  std::pair<std::string, std::string> parts;
  const auto take = [&](std::string_view part, bool thinking) {
    EXPECT_FALSE(part.empty());
    all += part;
    (thinking ? parts.first : parts.second) += part;
  };
  size_t begin = 0;
  for (const size_t cut : cuts) {
    splitter.Add(std::string_view(text).substr(begin, cut - begin), take);
    begin = cut;
  }
  splitter.Add(std::string_view(text).substr(begin), take);
  splitter.Finish(take);
  EXPECT_EQ(all, text);
  return parts;
}

TEST(ThinkingSplitter, TellsReasoningHoweverTheTextIsCut) {
  struct Case {
    std::string text;
    bool open;
    std::string thinking, rest;
  };
  for (const Case& c :
       std::vector<Case>{{"just an answer <b", false, "", "just an answer <b"},
                         {"<think>why</think>so", false, "<think>why</think>", "so"},
                         {"why <thin</think>so<think>x", true, "why <thin</think><think>x", "so"},
                         {"a<think>b</think>c<think>d", false, "<think>b</think><think>d", "ac"},
                         {"<<think>></think></think>", false, "<think>></think>", "<</think>"},
                         {"", true, "", ""}}) {
    const std::pair<std::string, std::string> expected{c.thinking, c.rest};
    EXPECT_EQ(Told(c.text, {}, c.open), expected);
    std::vector<size_t> everywhere;
    for (size_t i = 1; i < c.text.size(); ++i) {
      everywhere.push_back(i);
      EXPECT_EQ(Told(c.text, {i}, c.open), expected) << c.text << " " << i;
    }
    EXPECT_EQ(Told(c.text, everywhere, c.open), expected);
  }
}

}  // namespace
}  // namespace retort::cli::conversation_test
