#pragma once
// Reading the parts of tokenizer.json that say what they are by a "type".

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace retort::model {

/// "BPE", the "type" of such a description, or "nothing".
std::string TypeOf(const Json& described);
/// null, absent, or an empty text or list.
bool IsNothing(const Json& json, const char* key);
/// A flag, `otherwise` where it is null or absent. Throws Error starting with `where`.
bool FlagOf(const Json& json, const char* key, bool otherwise, const std::string& where);
/// A text; throws where there is none.
const std::string& TextOf(const Json& json, const char* key, const std::string& where);
/// The members of a Sequence (in `list`), flattened; of anything else itself; of null nothing.
/// Throws Error where they nest deeply.
std::vector<Json> Members(const Json& described, const char* list, const std::string& where);
/// A "pattern", {"String": …} or {"Regex": …}, as the text of a regular expression.
std::string PatternOf(const Json& described, const std::string& where);
/// `text` as a regular expression that matches it and nothing else.
std::string Quoted(std::string_view text);
/// Throws Error "WHAT TYPE is unsupported, expected …".
[[noreturn]] void FailUnsupported(const char* what, const Json& described, const char* expected,
                                  const std::string& where);

}  // namespace retort::model
