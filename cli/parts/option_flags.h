#pragma once
// Flags from an options struct: what its Visit lists becomes `--name`, with help, bounds and
// default. Also the flags that several subcommands share.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "nn/dtype.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace retort::cli {

/// Further names of a field's flag, "--temp,-T".
using FlagNames = std::map<std::string, std::string>;

/// One flag per field; `max_length` is `--max-length` (main() takes the underscore too). A boolean
/// is `--name`, `--no-name` or `--name=false`; a list takes several values and may be repeated; the
/// fields of a nested struct are `--outer.inner`. A bad value is a UsageError. The
/// struct behind the fields must stay where it is until the flags are read.
void AddOptionFlags(CLI::App& app, const std::vector<Field>& fields, const FlagNames& names = {});

/// A whole number within the bounds. `flag` may have other names, "--threads,-t".
CLI::Option* AddInteger(CLI::App& app, const std::string& flag, int64_t& value, Bounds bounds,
                        const std::string& help);
CLI::Option* AddInteger(CLI::App& app, const std::string& flag, int& value, Bounds bounds,
                        const std::string& help);
/// Several of them, after one flag or repeated ones.
CLI::Option* AddIntegers(CLI::App& app, const std::string& flag, std::vector<int64_t>& values,
                         Bounds bounds, const std::string& help);
/// One of the names.
CLI::Option* AddChoice(CLI::App& app, const std::string& flag, std::string& value,
                       const std::vector<std::string>& names, const std::string& help);

/// A repeated flag whose values must look like KEY=VALUE.
CLI::Option* AddKeyValueFlag(CLI::App& app, const std::string& flag,
                             std::vector<std::string>& settings, const std::string& help);
/// `--set KEY=VALUE…`, repeated: changes to a recipe.
void AddSetFlag(CLI::App& app, std::vector<std::string>& settings);

/// `--seed N`, which names the random numbers.
void AddSeedFlag(CLI::App& app, int64_t& seed);
void AddJsonFlag(CLI::App& app, bool& json);
/// 0 means one per core.
void AddThreadsFlag(CLI::App& app, int& threads);
/// A flag that takes the name of a dtype.
void AddDtypeFlag(CLI::App& app, const std::string& flag, const std::string& help,
                  const std::function<void(nn::Dtype)>& set);
/// `--dtype` and `--cache-dtype`, which is nn::CacheFor the former unless given.
void AddPrecisionFlags(CLI::App& app, nn::Precision& precision);

}  // namespace retort::cli
