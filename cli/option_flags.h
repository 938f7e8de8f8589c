#pragma once
// Flags from an options struct: what its Visit lists becomes `--name`, with help, bounds and
// default. Also the flags that several subcommands share.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// One flag per field; `max_length` is `--max-length` (main() takes the underscore too). A boolean
/// is `--name` or `--name=false`; a list is a repeated flag. A bad value is a usage error. The
/// struct behind the fields must stay where it is until the flags are read.
void AddOptionFlags(CLI::App& app, const std::vector<Field>& fields);

/// "5" is a number, "true" a boolean, "[1]" a list; what is not JSON is the text itself.
Json JsonOrText(const std::string& value);

/// `--verifier NAME` with `--option KEY=VALUE`.
struct VerifierChoice {
  std::string name = "math";
  std::vector<std::string> settings;
  Json Options() const;
};
void AddVerifierFlags(CLI::App& app, VerifierChoice& choice);

/// `--set KEY=VALUE`, repeated: changes to a recipe.
void AddSetFlag(CLI::App& app, std::vector<std::string>& settings);

void AddJsonFlag(CLI::App& app, bool& json);
/// 0 means one per core.
void AddThreadsFlag(CLI::App& app, int& threads);

}  // namespace retort::cli
