#pragma once
// The command line as data, read off its definition: help, shell completions and the manual page
// are made of it.

#include <cstddef>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace retort::cli {

struct ArgumentInfo {
  std::string name;                  ///< "--json", or "MODEL" of a positional
  std::string short_name;            ///< "-V", or empty
  std::vector<std::string> aliases;  ///< other long names
  std::string negation;              ///< "--no-json" of a boolean, or empty
  std::string value;                 ///< "FILE"; empty where none is taken
  std::vector<std::string> choices;
  bool required = false;
  bool list = false;  ///< takes several
  std::string help;
};

struct CommandInfo {
  std::string path;  ///< "retort traces list"
  std::string name;  ///< "list"
  std::string help;
  std::vector<ArgumentInfo> positionals, flags;
  std::vector<CommandInfo> commands;
};
CommandInfo DescribeCommand(const CLI::App& app);

/// "retort run [FLAGS] RECIPE".
std::string UsageLine(const CommandInfo& command);
/// "--out FILE", "--[no-]json", "-V, --version".
std::string FlagText(const ArgumentInfo& flag);

/// What it is for, its other names, and whether it is needed.
std::string HelpOf(const ArgumentInfo& flag);

/// What --help prints, in lines of at most `width` characters.
std::string HelpText(const CommandInfo& command, size_t width);

/// Every command with its subcommands, outermost first.
std::vector<const CommandInfo*> AllCommands(const CommandInfo& program);

/// Scripts for the shells, and roff for man(1).
std::string BashCompletion(const CommandInfo& program);
std::string ZshCompletion(const CommandInfo& program);
std::string FishCompletion(const CommandInfo& program);
std::string ManualPage(const CommandInfo& program);

}  // namespace retort::cli
