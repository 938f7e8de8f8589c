// Completion scripts: each walks the words that are there to the command they name, and offers its
// subcommands, its flags or the values of the flag before the cursor.

#include "base/strings.h"
#include "cli/command_info.h"

namespace retort::cli {
namespace {

// A word of a shell.
std::string Quoted(const std::string& text) { return "'" + ReplaceAll(text, "'", "'\\''") + "'"; }

// What stands in fish's single quotes.
std::string FishQuoted(const std::string& text) {
  return "'" + ReplaceAll(ReplaceAll(text, "\\", "\\\\"), "'", "\\'") + "'";
}

// The first sentence on one line, which is what a menu has room for.
std::string Brief(const std::string& help) {
  const std::string line = ReplaceAll(help, "\n", " ");
  const size_t end = line.find_first_of(".:;[");
  return std::string(Trim(line.substr(0, end)));
}

std::vector<std::string> NamesOf(const ArgumentInfo& flag) {
  std::vector<std::string> names{flag.name};
  names.insert(names.end(), flag.aliases.begin(), flag.aliases.end());
  if (!flag.negation.empty()) names.push_back(flag.negation);
  if (!flag.short_name.empty()) names.push_back(flag.short_name);
  return names;
}

std::string WordsOf(const CommandInfo& command) {
  std::vector<std::string> words;
  for (const CommandInfo& sub : command.commands) words.push_back(sub.name);
  for (const ArgumentInfo& argument : command.positionals) {
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  }
  return Join(words, " ");
}

std::string FlagsOf(const CommandInfo& command) {
  std::vector<std::string> words;
  for (const ArgumentInfo& flag : command.flags) {
    for (const std::string& name : NamesOf(flag)) words.push_back(name);
  }
  return Join(words, " ");
}

// "'retort traces'|'retort traces list'|…": the words that lead to a subcommand.
std::string CommandPattern(const CommandInfo& program, const std::string& separator) {
  std::vector<std::string> paths;
  for (const CommandInfo* command : AllCommands(program)) {
    if (command != &program) paths.push_back(Quoted(command->path));
  }
  return Join(paths, separator);
}

// "'retort run --dtype') BEFORE float32 bfloat16 AFTER", a line for every flag with known values.
std::string ValueCases(const CommandInfo& program, const std::string& before,
                       const std::string& after) {
  std::string out;
  for (const CommandInfo* command : AllCommands(program)) {
    for (const ArgumentInfo& flag : command->flags) {
      if (flag.choices.empty()) continue;
      for (const std::string& name : NamesOf(flag)) {
        out += "    " + Quoted(command->path + " " + name) + ") " + before +
               Join(flag.choices, " ") + after + "\n";
      }
    }
  }
  return out;
}

// "'retort run --out'|…": flags whose value is anything, a file for example.
std::string OpenFlags(const CommandInfo& program) {
  std::vector<std::string> flags;
  for (const CommandInfo* command : AllCommands(program)) {
    for (const ArgumentInfo& flag : command->flags) {
      if (flag.value.empty() || !flag.choices.empty()) continue;
      for (const std::string& name : NamesOf(flag)) {
        flags.push_back(Quoted(command->path + " " + name));
      }
    }
  }
  return Join(flags, "|");
}

}  // namespace

std::string BashCompletion(const CommandInfo& program) {
  std::string out = R"(# bash completion of retort, made by: retort completion bash
_retort() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local command=retort words='' flags='' i
  if [[ $cur == = ]]; then  # --flag=|
    cur=''
  elif [[ $prev == = ]]; then  # --flag=val|
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${COMP_WORDS[i]}" in
      )" + CommandPattern(program, "|") +
                    R"()
        command+=" ${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$command $prev" in
)" + ValueCases(program, "COMPREPLY=($(compgen -W '", "' -- \"$cur\")); return ;;");
  out += "    " + OpenFlags(program) + ") return ;;  # a file, or anything\n  esac\n";
  out += "  case \"$command\" in\n";
  for (const CommandInfo* command : AllCommands(program)) {
    out += "    " + Quoted(command->path) + ")\n      words='" + WordsOf(*command) +
           "'\n      flags='" + FlagsOf(*command) + "' ;;\n";
  }
  return out + R"(  esac
  [[ $cur == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _retort retort  # files where nothing of ours fits
)";
}

std::string ZshCompletion(const CommandInfo& program) {
  const auto described = [](const std::string& name, const std::string& help) {
    return Quoted(ReplaceAll(name, ":", "\\:") + ":" + ReplaceAll(Brief(help), ":", "\\:"));
  };
  std::string out = R"(#compdef retort
# zsh completion of retort, made by: retort completion zsh
_retort() {
  local command=retort word
  local -a commands flags
  for word in "${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
      ()" + CommandPattern(program, "|") +
                    R"() command+=" $word" ;;
    esac
  done
  case "$command ${words[CURRENT-1]}" in
)" + ValueCases(program, "compadd -- ", "; return ;;");
  out += "    " + OpenFlags(program) + ") _files; return ;;\n  esac\n  case \"$command\" in\n";
  for (const CommandInfo* command : AllCommands(program)) {
    out += "    " + Quoted(command->path) + ")\n      commands=(";
    for (const CommandInfo& sub : command->commands) out += " " + described(sub.name, sub.help);
    for (const ArgumentInfo& argument : command->positionals) {
      for (const std::string& choice : argument.choices) out += " " + Quoted(choice);
    }
    out += " )\n      flags=(";
    for (const ArgumentInfo& flag : command->flags) {
      for (const std::string& name : NamesOf(flag)) out += " " + described(name, flag.help);
    }
    out += " ) ;;\n";
  }
  return out + R"(  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o flag flags
  else
    (( $#commands )) && _describe command commands
    [[ $command == retort ]] || _files
  fi
}
if [[ $funcstack[1] == _retort ]]; then
  _retort "$@"
else
  compdef _retort retort
fi
)";
}

std::string FishCompletion(const CommandInfo& program) {
  std::string out = R"(# fish completion of retort, made by: retort completion fish
function __retort_at
    set -l command retort
    for word in (commandline -opc)[2..-1]
        switch "$command $word"
            case )" +
                    CommandPattern(program, " ") +
                    R"(
                set command "$command $word"
        end
    end
    test "$command" = "$argv"
end
)";
  for (const CommandInfo* command : AllCommands(program)) {
    const std::string at = "complete -c retort -n " + FishQuoted("__retort_at " + command->path);
    if (!command->commands.empty()) out += at + " -f\n";
    for (const CommandInfo& sub : command->commands) {
      out += at + " -a " + sub.name + " -d " + FishQuoted(Brief(sub.help)) + "\n";
    }
    for (const ArgumentInfo& argument : command->positionals) {
      if (!argument.choices.empty()) {
        out += at + " -a " + FishQuoted(Join(argument.choices, " ")) + "\n";
      }
    }
    for (const ArgumentInfo& flag : command->flags) {
      const std::string help = " -d " + FishQuoted(Brief(flag.help)) + "\n";
      std::string line = at + " -l " + flag.name.substr(2);
      for (const std::string& alias : flag.aliases) line += " -l " + alias.substr(2);
      if (!flag.short_name.empty()) line += " -s " + flag.short_name.substr(1);
      if (!flag.choices.empty()) {
        line += " -x -a " + FishQuoted(Join(flag.choices, " "));
      } else if (!flag.value.empty()) {
        line += " -r";
      }
      out += line + help;
      if (!flag.negation.empty()) out += at + " -l " + flag.negation.substr(2) + help;
    }
  }
  return out;
}

}  // namespace retort::cli
