#pragma once
// What the subcommands of `retort traces` share.

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

/// Traces one at a time, read so many together. Used by one thread at a time.
class TraceSequence {
 public:
  /// The traces with these ids, with the verdicts of `layer` (as in TraceStore::ForEach).
  TraceSequence(const datasets::TraceStore& store, std::vector<int64_t> ids, std::string layer)
      : store_(store), ids_(std::move(ids)), layer_(std::move(layer)) {}

  /// False after the last.
  bool Next(Trace& trace);
  size_t size() const { return ids_.size(); }

 private:
  const datasets::TraceStore& store_;
  const std::vector<int64_t> ids_;
  const std::string layer_;
  size_t next_id_ = 0;
  std::vector<Trace> read_;  // the next is the last
};

}  // namespace retort::cli
