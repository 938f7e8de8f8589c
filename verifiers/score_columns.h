#pragma once
// What the columns of a row mean to `retort score`, in the layouts that other tools write.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace retort::verifiers {

/// The value of a column: a key of the row, or a path with dots into nested objects and lists
/// ("choices.0.message.content", "samples.-1" counts from the end; a key that has dots itself goes
/// before). nullptr when it is not there.
const Json* FindColumn(const Json& row, const std::string& name);

/// Of several names with '|' between them the first that is there. Throws Error, starting with
/// `where` and naming the nearest key, when none is.
const Json& Column(const Json& row, const std::string& names, const std::string& where);

/// One or several responses of a column: a text; a number or boolean, by its JSON text; null, an
/// empty text: a model that said nothing; a conversation [{"role", "content"}, …], by its last
/// assistant turn; an OpenAI completion ({"choices": […]}, also inside "body" or "response"), by
/// its choices; a list of these. Throws Error naming `where` and `column`; also where an "error"
/// beside says that the request failed.
std::vector<std::string> ResponseTexts(const Json& row, const std::string& column,
                                       const std::string& where);

/// The gold answers, of which any will do: a text, number or boolean, or a list of them.
std::vector<std::string> AnswerTexts(const Json& value, const std::string& column,
                                     const std::string& where);

/// One label or a list of them: true, 1, "true", "yes", "1" and their opposites, in any case; null
/// and "" say nothing.
std::vector<std::optional<bool>> Labels(const Json& value, const std::string& column,
                                        const std::string& where);

/// A text as it stands, anything else as JSON.
std::string TextOf(const Json& value);

}  // namespace retort::verifiers
