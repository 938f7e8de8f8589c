#pragma once
// Reasoning and answer, told apart in a text that comes in pieces.

#include <functional>
#include <string>
#include <string_view>

namespace retort::cli {

/// What stands from <think> to </think>, tags included, is reasoning.
class ThinkingSplitter {
 public:
  /// `open`: the text goes on behind a <think>.
  explicit ThinkingSplitter(bool open) : thinking_(open) {}

  /// Called with parts that, joined, are the text.
  using Take = std::function<void(std::string_view part, bool thinking)>;
  /// What may be the beginning of a tag waits for the next piece.
  void Add(std::string_view piece, const Take& take);
  void Finish(const Take& take);

 private:
  bool thinking_;
  std::string waiting_;
};

}  // namespace retort::cli
