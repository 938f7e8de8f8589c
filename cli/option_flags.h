#pragma once
// Flags from an options struct: what its Visit lists becomes `--name`, with help, bounds and
// default. Also the flags that several subcommands share.

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "nn/dtype.h"

namespace CLI {
class App;
}

namespace retort::cli {

/// One flag per field; `max_length` is `--max-length` (main() takes the underscore too). A boolean
/// is `--name` or `--name=false`; a list is a repeated flag; the fields of a nested struct are
/// `--outer.inner`. A bad value is a usage error. The
/// struct behind the fields must stay where it is until the flags are read.
void AddOptionFlags(CLI::App& app, const std::vector<Field>& fields);

/// A repeated flag whose values must look like KEY=VALUE.
void AddKeyValueFlag(CLI::App& app, const std::string& flag, std::vector<std::string>& settings,
                     const std::string& help);
/// `--set KEY=VALUE`, repeated: changes to a recipe.
void AddSetFlag(CLI::App& app, std::vector<std::string>& settings);

void AddJsonFlag(CLI::App& app, bool& json);
/// 0 means one per core.
void AddThreadsFlag(CLI::App& app, int& threads);
/// A flag that takes the name of a dtype.
void AddDtypeFlag(CLI::App& app, const std::string& flag, const std::string& help,
                  const std::function<void(nn::Dtype)>& set);
/// `--dtype` and `--cache-dtype`, which is nn::CacheFor the former unless given.
void AddPrecisionFlags(CLI::App& app, nn::Precision& precision);

}  // namespace retort::cli
