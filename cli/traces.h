#pragma once
// What the subcommands of `retort traces` share.

#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "datasets/trace_filter.h"

namespace retort::cli {

/// The database of a run directory, or the file itself.
std::filesystem::path DatabasePath(const std::string& path);

/// What every one of them takes.
struct TracesOptions {
  std::string path;
  datasets::TraceFilter filter;
  bool json = false;
};
void AddDatabaseArgument(CLI::App& app, TracesOptions& options);
void AddFilterFlags(CLI::App& app, TracesOptions& options);

void AddTracesRescore(CLI::App& traces, Action& action);
void AddTracesShow(CLI::App& traces, Action& action);    ///< list, show and export
void AddTracesSelect(CLI::App& traces, Action& action);  ///< select and sql

}  // namespace retort::cli
