#include "cli/thinking.h"

#include <algorithm>
#include <utility>

#include "model/tokenizer.h"

namespace retort::cli {
namespace {

// Bytes at the end of the text that begin the tag.
size_t BegunTag(std::string_view text, std::string_view tag) {
  for (size_t k = std::min(text.size(), tag.size() - 1); k > 0; --k) {
    if (text.ends_with(tag.substr(0, k))) return k;
  }
  return 0;
}

}  // namespace

void ThinkingSplitter::Add(std::string_view piece, const Take& take) {
  waiting_ += piece;
  std::string_view text = waiting_;
  const auto hand_over = [&](size_t count) {
    if (count > 0) take(text.substr(0, count), thinking_);
    text.remove_prefix(count);
  };
  while (true) {
    const std::string_view tag = thinking_ ? model::kThinkClose : model::kThinkOpen;
    const size_t at = text.find(tag);
    if (at == std::string_view::npos) {
      hand_over(text.size() - BegunTag(text, tag));
      break;
    }
    if (thinking_) {
      hand_over(at + tag.size());
      thinking_ = false;
    } else {
      hand_over(at);
      thinking_ = true;
    }
  }
  waiting_ = std::string(text);
}

void ThinkingSplitter::Finish(const Take& take) {
  if (!waiting_.empty()) take(std::exchange(waiting_, ""), thinking_);
}

}  // namespace retort::cli
