#include "base/error.h"
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "fuzz/memory_bound.h"
#include "model/config.h"
#include "model/cost.h"

namespace retort {

// A config.json.
void FuzzConfig(std::string_view text) {
  const MemoryBound bound(text.size());
  std::optional<model::ModelConfig> config;
  try {
    config = model::ReadPublishedConfig(ParseJson(text, "where"), "where");
  } catch (const Error& error) {
    Require(std::string_view(error.what()).starts_with("where"), "no place is named");
    return;
  }
  // Written and read again it is the same.
  Require(model::ReadModelOptions(model::WriteModelOptions(*config), "again") == *config,
          "a recipe says something else");
  try {
    model::Validate(*config);
  } catch (const Error& error) {
    const std::string_view what = error.what();
    Require(what.starts_with("model config"), "no place is named");
    return;
  }
  // What was left out is said when it is written.
  const Json published = model::PublishedConfig(*config);
  Require(model::PublishedConfig(model::ReadPublishedConfig(published, "again")) == published,
          "a second reading differs");
  try {
    const model::ParameterCount count = model::CountParameters(*config);
    Require(count.active > 0 && count.active <= count.total, "weights are counted wrongly");
    model::CacheOf(*config);
  } catch (const Error&) {
    // More than 1e18.
  }
}

}  // namespace retort
