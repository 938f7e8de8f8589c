#pragma once
// Chat templates: the Jinja that published models carry, rendered byte for byte as transformers'
// apply_chat_template(tokenize=False) does.
//
// The language is Jinja2 3.1 in its immutable sandbox, with trim_blocks, lstrip_blocks, loop
// controls and {% generation %}. What is implemented is what templates of published models use;
// anything else is an Error that says what it is, never another text. Left out are inheritance and
// inclusion (extends, block, include, import), recursive loops, formatting (% and str.format),
// integers beyond 64 bits, generation blocks inside of macros and captured text, and of Unicode the
// upper and lower case of scripts beyond Latin and Cyrillic that have any. repr() takes what it
// does not know to be unprintable for printable.
//
// A template is a program that nobody vouches for: its nesting, steps, texts and ranges are
// bounded, and beyond the bounds is an Error.

#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace retort::model {

namespace jinja {
struct Node;
}

/// A template, read and checked. Immutable; copies share it, and threads may.
class JinjaTemplate {
 public:
  /// `where` names it in messages: "WHERE: line N: …". Throws Error on what is no template or needs
  /// what is not implemented.
  explicit JinjaTemplate(const std::string& source, std::string where = "chat_template");

  const std::string& source() const { return *source_; }

  struct Rendered {
    std::string text;
    /// The bytes [first, second) of `text` that {% generation %} blocks wrote, in order.
    std::vector<std::pair<size_t, size_t>> generations;
  };
  /// `variables` is an object: messages, tools, add_generation_prompt, bos_token, … `now` is what
  /// strftime_now tells; without it, asking is an Error. Throws Error where Python would raise, and
  /// with the template's own message when it calls raise_exception.
  Rendered Render(const Json& variables, const std::optional<std::tm>& now = std::nullopt) const;

 private:
  std::shared_ptr<const std::string> source_;
  std::shared_ptr<const jinja::Node> root_;
  std::string where_;
};

/// The variables as apply_chat_template prepares them: messages without members that are null,
/// their reasoning under the names templates ask for, and tools, documents and
/// add_generation_prompt even when they are not given.
Json ChatVariables(Json variables);

}  // namespace retort::model
