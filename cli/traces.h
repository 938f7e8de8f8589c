#pragma once
// What the subcommands of `retort traces` share.

#include <memory>
#include <string>

#include "cli/commands.h"
#include "datasets/trace_filter.h"
#include "datasets/trace_store.h"

namespace retort::cli {

/// What every one of them takes.
struct TracesOptions {
  std::string path;
  datasets::TraceFilter filter;
  bool json = false;
};
/// For reading; Ctrl-C and SIGTERM end what is asked of it.
datasets::TraceStore OpenTraces(const TracesOptions& options);
void AddDatabaseArgument(CLI::App& app, TracesOptions& options);
void AddFilterFlags(CLI::App& app, TracesOptions& options);

void AddTracesRescore(CLI::App& traces, Action& action);
void AddTracesShow(CLI::App& traces, Action& action);    ///< list, show and export
void AddTracesSelect(CLI::App& traces, Action& action);  ///< select and sql

}  // namespace retort::cli
