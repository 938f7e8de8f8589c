#include "model/map_json.h"

#include <set>
#include <vector>

#include "base/error.h"

namespace retort::model {

MapJson ParseMapJson(std::string_view text, const std::string& where) {
  std::vector<std::set<std::string>> keys;  // of the objects we are inside of
  const auto watch = [&](int depth, MapJson::parse_event_t event, MapJson& parsed) {
    RETORT_CHECK(depth <= 32, where, ": not valid: nested deeper than 32 levels");
    if (event == MapJson::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == MapJson::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == MapJson::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      RETORT_CHECK(keys.back().insert(key).second, where, ": not valid: the key \"", key,
                   "\" occurs twice");
    }
    return true;
  };
  try {
    return MapJson::parse(text, watch);
  } catch (const MapJson::exception& error) {
    const std::string_view what = error.what();
    const size_t detail = what.find("] ");
    Fail(where,
         ": not valid JSON: ", detail == std::string_view::npos ? what : what.substr(detail + 2));
  }
}

}  // namespace retort::model
