// The tables that retort score ends with.

#include <array>

#include "base/error.h"
#include "cli/parts/table.h"
#include "cli/score_modes.h"

namespace retort::cli {
namespace {

std::string ShareText(const Json& share) {
  return share.is_null() ? "-" : Fixed(100 * share.get<double>(), 2) + " %";
}

// What the table of all responses and those of groups have in common.
constexpr std::array kCountColumns{"responses", "right",    "wrong",
                                   "unjudged",  "accuracy", "agreement"};

void AppendCounts(const Json& counts, std::vector<std::string>& cells) {
  for (const char* key : {"responses", "right", "wrong"}) {
    cells.push_back(Thousands(counts[key].get<int64_t>()));
  }
  const auto unjudged = counts["unjudged"].get<int64_t>();
  cells.push_back(Thousands(unjudged) +
                  (unjudged > 0 ? " (" + ShareText(counts["unjudged_share"]) + ")" : ""));
  cells.push_back(ShareText(counts["accuracy"]));
  cells.push_back(ShareText(counts["agreement"]));
}

}  // namespace

std::string ScoreSummaryText(const Json& summary, double seconds) {
  Table table{{"rows"}, {{Thousands(summary["rows"].get<int64_t>())}}};
  table.columns.insert(table.columns.end(), kCountColumns.begin(), kCountColumns.end());
  AppendCounts(summary, table.rows[0]);
  for (const char* name : {"bad lines", "slowest", "time"}) table.columns.emplace_back(name);
  table.rows[0].push_back(Thousands(summary["bad_lines"].get<int64_t>()));
  const Json& slowest = summary["slowest"];
  table.rows[0].push_back(StrCat("row ", slowest["row"].get<int64_t>(), ", ",
                                 Fixed(1e3 * slowest["seconds"].get<double>(), 1), " ms"));
  table.rows[0].push_back(Duration(seconds));
  std::string text = FormatTable(table);
  const Json by = summary.value("by", Json::object());
  for (const auto& [column, values] : by.items()) {
    Table groups{{column}, {}};
    groups.columns.insert(groups.columns.end(), kCountColumns.begin(), kCountColumns.end());
    for (const auto& [value, counts] : values.items()) {
      AppendCounts(counts, groups.rows.emplace_back(std::vector<std::string>{Shorten(value, 40)}));
    }
    text += "\n" + FormatTable(groups);
  }
  return text;
}

}  // namespace retort::cli
