// retort traces select and sql: a named set of traces, and free questions.

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/lock.h"
#include "cli/option_flags.h"
#include "cli/table.h"
#include "cli/traces.h"
#include "datasets/trace_store.h"
#include "train/run_places.h"

namespace retort::cli {
namespace {

using datasets::TraceStore;

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
};

int Sql(const SqlOptions& options) {
  const TraceStore store(train::FindTraces(options.path), TraceStore::Mode::kRead);
  const datasets::SqlTable result = store.Sql(options.query);
  Table table{result.columns, {}};
  Json rows = Json::array();
  for (const auto& row : result.rows) {
    auto& line = table.rows.emplace_back();
    rows.push_back(row);
    for (const Json& cell : row) line.push_back(datasets::CellText(cell));
  }
  std::cout << (options.json ? ToJsonLine({{"columns", result.columns}, {"rows", rows}}) + "\n"
                             : FormatTable(table));
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
    AddJsonFlag(*app, options->json);
    app->callback([options, &action] { action = [options] { return Sql(*options); }; });
  }
}

}  // namespace retort::cli
