#pragma once
// JSON of machine-written files with up to a hundred thousand keys in one object (vocabularies,
// tensor lists): objects are sorted maps, where `Json` would look each key up in a list.

#include <string>
#include <string_view>

#include "base/json.h"

namespace retort::model {

using MapJson = nlohmann::json;

/// Throws Error, starting with `where`, on malformed text, on a key that occurs twice in one object
/// and on nesting deeper than 32.
MapJson ParseMapJson(std::string_view text, const std::string& where);

}  // namespace retort::model
