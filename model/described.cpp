#include "model/internal/described.h"

#include "base/error.h"
#include "base/excerpt.h"

namespace retort::model {

std::string TypeOf(const Json& described) {
  const bool has_type = described.is_object() && described.contains("type");
  return has_type && described["type"].is_string() ? described["type"].get<std::string>()
                                                   : "nothing";
}

bool IsNothing(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ||
         ((found->is_string() || found->is_array()) && found->empty()) || *found == "";
}

bool FlagOf(const Json& json, const char* key, bool otherwise, const std::string& where) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return otherwise;
  RETORT_CHECK(found->is_boolean(), where, ": ", TypeOf(json), ": ", key, ": got ",
               Excerpt(ToJsonLine(*found)), ", expected true or false");
  return found->get<bool>();
}

const std::string& TextOf(const Json& json, const char* key, const std::string& where) {
  const auto found = json.find(key);
  RETORT_CHECK(found != json.end() && found->is_string(), where, ": ", TypeOf(json), ": ", key,
               " is missing or no text");
  return found->get_ref<const std::string&>();
}

namespace {

void AddMembers(const Json& described, const char* list, const std::string& where, int depth,
                std::vector<Json>& members) {
  constexpr int kDeepest = 16;
  RETORT_CHECK(depth < kDeepest, where, ": ", list, ": Sequences within Sequences, too deep");
  if (described.is_null() || described == "") return;
  if (TypeOf(described) != "Sequence") return members.push_back(described);
  const auto found = described.find(list);
  RETORT_CHECK(found != described.end() && found->is_array(), where, ": Sequence: ", list,
               " is missing or no list");
  for (const Json& member : *found) AddMembers(member, list, where, depth + 1, members);
}

}  // namespace

std::vector<Json> Members(const Json& described, const char* list, const std::string& where) {
  std::vector<Json> members;
  AddMembers(described, list, where, 0, members);
  return members;
}

std::string Quoted(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x80 || (c >= '0' && c <= '9') ||
                       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string PatternOf(const Json& described, const std::string& where) {
  const Json pattern = described.value("pattern", Json());
  const std::string place = where + ": " + TypeOf(described) + ": pattern";
  RETORT_CHECK(pattern.is_object() && pattern.size() == 1 && pattern.front().is_string(), place,
               ": got ", Excerpt(ToJsonLine(pattern)),
               R"(, expected {"Regex": "…"} or {"String": "…"})");
  if (pattern.contains("Regex")) return pattern["Regex"].get<std::string>();
  RETORT_CHECK(pattern.contains("String"), place, ": expected 'Regex' or 'String'");
  return Quoted(pattern["String"].get<std::string>());
}

void FailUnsupported(const char* what, const Json& described, const char* expected,
                     const std::string& where) {
  Fail(where, ": ", what, " ", Excerpt(TypeOf(described)), " is unsupported, expected ", expected);
}

}  // namespace retort::model
