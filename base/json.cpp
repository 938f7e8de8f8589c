#include "base/json.h"

#include "base/error.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace retort {

Json ParseJson(std::string_view text, const std::string& where, bool comments) {
  try {
    return Json::parse(text, nullptr, true, comments);
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();
    const size_t detail = what.find("] ");
    Fail(where,
         ": not valid JSON: ", detail == std::string_view::npos ? what : what.substr(detail + 2));
  }
}

std::string ToJsonLine(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace retort
