#include "model/text_stream.h"

#include <utility>

#include "base/strings.h"

namespace retort::model {

TextStream::TextStream(Tokenizer tokenizer, SpecialTokens special)
    : tokenizer_(std::move(tokenizer)) {
  if (special == SpecialTokens::kKeep) return;
  for (const AddedToken& token : tokenizer_.added_tokens()) {
    if (token.special) skipped_.insert(token.id);
  }
}

std::string TextStream::Add(int32_t id) {
  if (skipped_.contains(id)) return "";
  if (started_) {
    bytes_ += tokenizer_.TokenBytes(id);
  } else {  // some decoders take spaces off the beginning
    start_.push_back(id);
    bytes_ = tokenizer_.Decode(start_);
    started_ = !bytes_.empty();
  }
  const size_t certain = bytes_.size() - UnfinishedUtf8(bytes_);
  std::string text = ToValidUtf8(std::string_view(bytes_).substr(0, certain));
  bytes_.erase(0, certain);
  return text;
}

std::string TextStream::Finish() {
  start_.clear();
  started_ = false;
  return ToValidUtf8(std::exchange(bytes_, ""));
}

}  // namespace retort::model
