#pragma once
// Ids that stand around those of a text, as tokenizer.json's "post_processor" says: none, ByteLevel
// (which only moves offsets), TemplateProcessing of one sequence, and a Sequence of these.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace retort::model {

class PostProcessor {
 public:
  PostProcessor() = default;
  /// Throws Error "unsupported" on others.
  PostProcessor(Json described, const std::string& where);

  /// In front of a text and behind it.
  const std::vector<int32_t>& before() const { return before_; }
  const std::vector<int32_t>& behind() const { return behind_; }
  const Json& Describe() const { return described_; }
  bool operator==(const PostProcessor& other) const { return described_ == other.described_; }

 private:
  void ReadTemplate(const Json& described, const std::string& where);

  Json described_ = nullptr;
  std::vector<int32_t> before_, behind_;
};

}  // namespace retort::model
