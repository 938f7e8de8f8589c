#pragma once
// What has been said in a chat, and the ids of it that the model is given.

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/chat_template.h"
#include "model/tokenizer.h"

namespace retort::cli {

class Conversation {
 public:
  /// `now`: for templates that ask what day it is.
  Conversation(model::Tokenizer tokenizer, model::JinjaTemplate chat_template, const std::tm& now)
      : tokenizer_(std::move(tokenizer)), template_(std::move(chat_template)), now_(now) {}

  /// [{"role", "content"}, …], as transformers and others take them.
  const Json& messages() const { return messages_; }
  /// Takes over such a list, or an object with one under "messages". Throws Error, starting with
  /// `where`, on anything else.
  void Load(const Json& json, const std::string& where);

  /// The system message; "" is none. Throws what the template throws when it has no place for one.
  std::string system() const;
  void SetSystem(const std::string& text);
  void Add(const std::string& role, const std::string& text);
  /// Forgets all but the system message.
  void Clear();
  /// Forgets the last question and what came behind it. False when there is none.
  bool Undo();
  /// Forgets what came behind the last question. False when there is nothing.
  bool TakeBackAnswer();
  int64_t questions() const;
  /// The last message is a question.
  bool IsAsked() const;

  struct Prompt {
    std::vector<int32_t> ids;  ///< up to where the model answers
    int64_t dropped = 0;       ///< questions at the beginning that are not in it
  };
  /// Of as many of the last turns as fit into `most` tokens; the system message is always there.
  /// Throws Error when the last one does not fit, and what the template throws.
  Prompt Render(int64_t most) const;

 private:
  std::vector<int32_t> Encode(const Json& messages) const;
  bool HasSystem() const;
  size_t LastQuestion() const;  // its index, or how many messages there are

  model::Tokenizer tokenizer_;
  model::JinjaTemplate template_;
  std::tm now_;
  Json messages_ = Json::array();
};

}  // namespace retort::cli
