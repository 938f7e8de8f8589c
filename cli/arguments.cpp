#include "cli/arguments.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "base/strings.h"

namespace retort::cli {
namespace {

bool IsFlag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !std::isdigit(static_cast<unsigned char>(word[1]));
}

std::string NameOf(const std::string& word) { return word.substr(0, word.find('=')); }

const ArgumentInfo* FindFlag(const CommandInfo& command, const std::string& word) {
  const std::string name = NameOf(word);
  const auto flag = std::ranges::find_if(command.flags, [&](const ArgumentInfo& info) {
    return info.name == name || info.short_name == name || std::ranges::count(info.aliases, name);
  });
  return flag == command.flags.end() ? nullptr : &*flag;
}

const CommandInfo* FindCommand(const CommandInfo& command, const std::string& word) {
  const auto found = std::ranges::find(command.commands, word, &CommandInfo::name);
  return found == command.commands.end() ? nullptr : &*found;
}

// Flags that take no value, wherever they stand.
std::set<std::string> Switches(const CommandInfo& program) {
  std::set<std::string> switches, others;
  for (const CommandInfo* command : AllCommands(program)) {
    for (const ArgumentInfo& flag : command->flags) {
      (flag.negation.empty() ? others : switches).insert(flag.name);
    }
  }
  for (const std::string& name : others) switches.erase(name);
  return switches;
}

void SpellFlags(std::vector<std::string>& words, const std::set<std::string>& switches) {
  for (std::string& word : words) {
    if (word == "--") return;
    if (!word.starts_with("--")) continue;
    const std::string name = NameOf(word);
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") != std::string::npos) {
      continue;
    }
    word.replace(0, name.size(), ReplaceAll(name, "_", "-"));
    if (!word.starts_with("--no-")) continue;
    const std::string positive = "--" + word.substr(5);
    if (switches.contains(positive)) word = positive + "=false";
  }
}

std::vector<std::string> RepeatFlags(std::vector<std::string> words, const CommandInfo& program) {
  const CommandInfo* command = &program;
  std::map<size_t, std::string> more;  // words that are further values, and of which flag
  size_t positionals = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      positionals += words.size() - i - 1;
      break;
    }
    if (!IsFlag(words[i])) {
      const CommandInfo* sub = FindCommand(*command, words[i]);
      if (sub) {
        command = sub;
      } else {
        ++positionals;
      }
      continue;
    }
    const ArgumentInfo* flag = FindFlag(*command, words[i]);
    if (!flag && words[i].size() > 2 && words[i][1] != '-') {
      flag = FindFlag(*command, "-" + words[i]);
      if (flag) words[i].insert(0, 1, '-');
    }
    if (!flag || flag->value.empty()) continue;
    if (words[i].find('=') == std::string::npos) ++i;  // its first value
    const bool pairs = flag->value == "KEY=VALUE";
    while (flag->list && i + 1 < words.size() && !IsFlag(words[i + 1]) &&
           (!pairs || words[i + 1].find('=') != std::string::npos)) {
      more[++i] = flag->name;
    }
  }
  const auto needed =
      static_cast<size_t>(std::ranges::count_if(command->positionals, &ArgumentInfo::required));
  for (; positionals < needed && !more.empty(); ++positionals) more.erase(std::prev(more.end()));
  std::vector<std::string> out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (const auto flag = more.find(i); flag != more.end()) out.push_back(flag->second);
    out.push_back(words[i]);
  }
  return out;
}

bool NamesCommand(const std::vector<std::string>& words, const CommandInfo& program) {
  const CommandInfo* command = &program;
  for (const std::string& word : words) {
    if (command->commands.empty() || IsFlag(word)) break;
    command = FindCommand(*command, word);
    if (!command) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> RegularArguments(std::vector<std::string> words,
                                          const CommandInfo& program) {
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    if (NamesCommand(words, program)) words.push_back("--help");  // else the parser complains
  }
  SpellFlags(words, Switches(program));
  return RepeatFlags(std::move(words), program);
}

}  // namespace retort::cli
