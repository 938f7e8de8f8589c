#pragma once
// Runs a recipe for the user to watch: a progress bar per stage on stderr, the final table or JSON
// on stdout, and what to do after Ctrl-C. Shared by run and distill.

#include <string>

#include "recipes/run.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// --out, --resume and what goes with it, --profile and threads.
void AddRunFlags(CLI::App& app, recipes::RunOptions& options, std::string& out);

struct ShowOptions {
  bool json = false;
  std::string recipe_file = {};  ///< that --profile must not replace; "" when there is none
};

/// Returns the exit code.
int RunStages(const recipes::Recipe& recipe, const recipes::RunOptions& options,
              const ShowOptions& show);

}  // namespace retort::cli
