#include "model/internal/text_stages.h"

#include "base/error.h"

namespace retort::model {

bool IsNothing(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() || (found->is_string() && *found == "");
}

bool IsFalse(const Json& json, const char* key) {
  return IsNothing(json, key) || json[key] == false;
}

std::string TypeOf(const Json& json) {
  return json.is_object() && json.contains("type") && json["type"].is_string()
             ? json["type"].get<std::string>()
             : "nothing";
}

Normalizer::Normalizer(const Json& described, const std::string& where) {
  const bool empty_sequence =
      TypeOf(described) == "Sequence" && described.value("normalizers", Json::array()).empty();
  RETORT_CHECK(described.is_null() || described == "" || empty_sequence, where, ": normalizer ",
               TypeOf(described), " is unsupported, expected null");
}

PreTokenizer::PreTokenizer(const Json& described, const std::string& where) {
  RETORT_CHECK(TypeOf(described) == "ByteLevel", where, ": pre_tokenizer ", TypeOf(described),
               " is unsupported, expected ByteLevel without a regular expression");
  RETORT_CHECK(described.contains("use_regex") && IsFalse(described, "use_regex"), where,
               ": pre_tokenizer ByteLevel with use_regex is unsupported, expected false");
  RETORT_CHECK(described.contains("add_prefix_space") && IsFalse(described, "add_prefix_space"),
               where,
               ": pre_tokenizer ByteLevel with add_prefix_space is unsupported, expected false");
}

Json PreTokenizer::Describe() const {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", false}};
}

PostProcessor::PostProcessor(const Json& described, const std::string& where) {
  RETORT_CHECK(described.is_null() || TypeOf(described) == "ByteLevel", where, ": post_processor ",
               TypeOf(described), " is unsupported, expected null or ByteLevel");
}

}  // namespace retort::model
