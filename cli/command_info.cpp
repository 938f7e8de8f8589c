#include "cli/command_info.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/strings.h"
#include "recipes/recipe.h"

namespace retort::cli {
namespace {

constexpr size_t kNameColumn = 26;
constexpr size_t kLongChoices = 24;

std::string PathOf(const CLI::App& app) {
  return app.get_parent() ? PathOf(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

// "NAME:{auto,short}" or "{bash,zsh}": what the value is called, and what it may be.
void ReadTypeName(const std::string& type, ArgumentInfo& argument) {
  const size_t open = type.find('{'), close = type.rfind('}');
  argument.value = type.substr(0, std::min(open, type.find(':')));
  if (open == std::string::npos || close == std::string::npos || close < open) return;
  argument.choices = Split(type.substr(open + 1, close - open - 1), ',');
  const std::string all = Join(argument.choices, "|");
  if (argument.value.empty()) argument.value = all.size() <= kLongChoices ? all : "NAME";
}

ArgumentInfo Describe(const CLI::Option& option) {
  ArgumentInfo argument;
  if (!option.get_lnames().empty()) argument.name = "--" + option.get_lnames().front();
  for (size_t i = 1; i < option.get_lnames().size(); ++i) {
    argument.aliases.push_back("--" + option.get_lnames()[i]);
  }
  if (!option.get_snames().empty()) argument.short_name = "-" + option.get_snames().front();
  if (argument.name.empty()) argument.name = option.get_name(true);
  ReadTypeName(option.get_type_name(), argument);
  const bool once = argument.name == "--help" || argument.name == "--version";
  if (option.get_expected_max() == 0 || once) argument.value.clear();
  if (argument.value.empty() && !option.get_positional() && !once) {
    argument.negation = "--no-" + argument.name.substr(2);
  }
  argument.required = option.get_required();
  argument.list = option.get_expected_max() > 1 && option.get_delimiter() == '\0';
  argument.help = option.get_description();
  if (argument.name == "RECIPE") {
    for (const auto& [name, text] : recipes::ShippedRecipes()) argument.choices.push_back(name);
  }
  return argument;
}

// Lines of at most `width` characters; a longer word stands alone.
std::vector<std::string> Wrap(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  for (const std::string& paragraph : Split(text, '\n')) {
    std::string line;
    for (const std::string& word : Split(paragraph, ' ')) {
      if (!line.empty() && line.size() + 1 + word.size() > width) {
        lines.push_back(line);
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    lines.push_back(line);
  }
  return lines;
}

void AddEntry(std::string& out, const std::string& name, const std::string& help, size_t width) {
  std::string line = "  " + name;
  const std::string margin(kNameColumn + 2, ' ');
  if (name.size() + 2 > kNameColumn) {
    out += line + "\n";
    line.clear();
  }
  for (const std::string& part : Wrap(help, width - margin.size())) {
    line.resize(margin.size(), ' ');
    out += line + part + "\n";
    line.clear();
  }
}

std::string Section(const std::string& title) { return "\n" + title + ":\n"; }

}  // namespace

CommandInfo DescribeCommand(const CLI::App& app) {
  CommandInfo command{PathOf(app), app.get_name(), app.get_description(), {}, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? command.positionals : command.flags).push_back(Describe(*option));
  }
  // --help is the first that CLI11 knows and the last that one reads.
  if (!command.flags.empty()) std::ranges::rotate(command.flags, command.flags.begin() + 1);
  for (const CLI::App* sub : app.get_subcommands({})) {
    command.commands.push_back(DescribeCommand(*sub));
  }
  return command;
}

std::string UsageLine(const CommandInfo& command) {
  std::string usage = command.path + (command.commands.empty() ? " [FLAGS]" : " COMMAND");
  for (const ArgumentInfo& argument : command.positionals) {
    const std::string name = argument.name + (argument.list ? "..." : "");
    usage += argument.required ? " " + name : " [" + name + "]";
  }
  return usage;
}

std::string FlagText(const ArgumentInfo& flag) {
  std::string text = flag.short_name.empty() ? "" : flag.short_name + ", ";
  text += flag.negation.empty() ? flag.name : "--[no-]" + flag.name.substr(2);
  return flag.value.empty() ? text : text + " " + flag.value + (flag.list ? "..." : "");
}

std::string HelpOf(const ArgumentInfo& flag) {
  std::string help = flag.help;
  if (!flag.aliases.empty()) help += " Also " + Join(flag.aliases, ", ") + ".";
  return help + (flag.required ? " [needed]" : "");
}

std::string HelpText(const CommandInfo& command, size_t width) {
  std::string out;
  for (const std::string& line : Wrap(command.help, width)) out += line + "\n";
  out += "Usage: " + UsageLine(command) + "\n";
  if (!command.positionals.empty()) out += Section("Arguments");
  for (const ArgumentInfo& argument : command.positionals) {
    AddEntry(out, argument.name, argument.help, width);
  }
  if (!command.commands.empty()) out += Section("Commands");
  for (const CommandInfo& sub : command.commands) AddEntry(out, sub.name, sub.help, width);
  out += Section("Flags");
  for (const ArgumentInfo& flag : command.flags) {
    AddEntry(out, FlagText(flag), HelpOf(flag), width);
  }
  if (!command.commands.empty()) {
    const std::string footer =
        "Run '" + command.path + " COMMAND --help' for the flags of a command.";
    out += "\n" + Join(Wrap(footer, width), "\n") + "\n";
  }
  return out;
}

std::vector<const CommandInfo*> AllCommands(const CommandInfo& program) {
  std::vector<const CommandInfo*> all{&program};
  for (const CommandInfo& sub : program.commands) {
    const std::vector<const CommandInfo*> inner = AllCommands(sub);
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

}  // namespace retort::cli
