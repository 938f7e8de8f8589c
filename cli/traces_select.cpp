// retort traces select and sql: a named set of traces, and free questions.

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/lock.h"
#include "cli/parts/option_flags.h"
#include "cli/parts/table.h"
#include "cli/traces.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

constexpr int64_t kLongest = 1'000'000'000;  // seconds

int Select(const TracesOptions& options) {
  const auto path = train::FindTraces(options.path);
  // Opening for writing would make a file where there is none.
  TraceStore(path, TraceStore::Mode::kRead).CheckFilter(options.filter);
  const WriterLock lock(LockFileOf(path), path.string(), "retort traces select");
  TraceStore store(path, TraceStore::Mode::kWrite);
  const datasets::Selection selection = store.SaveSelection(options.filter);
  if (options.json) {
    std::cout << ToJsonLine({{"id", selection.id},
                             {"filter", selection.filter},
                             {"traces", selection.ids.size()},
                             {"hash", selection.hash},
                             {"ids", selection.ids}})
              << "\n";
  } else {
    std::cout << FormatTable(
        {{"selection", "traces", "hash"},
         {{std::to_string(selection.id), Thousands(static_cast<int64_t>(selection.ids.size())),
           selection.hash}}});
  }
  return kSuccess;
}

struct SqlOptions : TracesOptions {
  std::string query;
  int64_t seconds = 300;
};

int Sql(const SqlOptions& options) {
  const TraceStore store = OpenTraces(options);
  const std::chrono::seconds time(options.seconds == 0 ? kLongest : options.seconds);
  datasets::SqlTable result = store.Sql(options.query, time);
  if (options.json) {
    Json rows = Json::array();
    for (auto& row : result.rows) rows.push_back(std::move(row));
    std::cout << ToJsonLine({{"columns", result.columns}, {"rows", std::move(rows)}}) << "\n";
    return kSuccess;
  }
  Table table{result.columns, {}};
  for (const auto& row : result.rows) {
    auto& line = table.rows.emplace_back();
    for (const Json& cell : row) line.push_back(datasets::CellText(cell));
  }
  std::cout << FormatTable(table);
  return kSuccess;
}

}  // namespace

void AddTracesSelect(CLI::App& traces, Action& action) {
  {
    auto options = std::make_shared<TracesOptions>();
    CLI::App* app =
        traces.add_subcommand("select", "Save a selection: the traces of a distillation set.");
    AddDatabaseArgument(*app, *options);
    AddFilterFlags(*app, *options);
    AddJsonFlag(*app, options->json);
    app->callback([options, &action] { action = [options] { return Select(*options); }; });
  }
  {
    auto options = std::make_shared<SqlOptions>();
    CLI::App* app = traces.add_subcommand("sql", "One SQL statement that only reads.");
    AddDatabaseArgument(*app, *options);
    app->add_option("QUERY", options->query,
                    "For example: \"SELECT step, avg(reward) FROM traces GROUP BY step\".")
        ->required()
        ->type_name("");
    AddInteger(*app, "--seconds", options->seconds, {0, static_cast<double>(kLongest)},
               "Give up after so long; 0 never does. [default 300]");
    AddJsonFlag(*app, options->json);
    app->callback([options, &action] { action = [options] { return Sql(*options); }; });
  }
}

}  // namespace retort::cli
