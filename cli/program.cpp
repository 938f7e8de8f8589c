#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/output_file.h"
#include "base/strings.h"
#include "bench/bench.h"
#include "cli/arguments.h"
#include "cli/command_info.h"
#include "cli/commands.h"
#include "cli/parts/interrupt.h"
#include "cli/parts/terminal.h"

namespace retort::cli {
namespace {

// Where the user is: `retort traces list …` is at `list`.
const CLI::App& Innermost(const CLI::App& program) {
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

// For a word that nothing takes, the nearest one that is known.
std::string UnknownWord(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  if (word.starts_with("-")) {
    for (const ArgumentInfo& flag : DescribeCommand(app).flags) known.push_back(flag.name);
    const std::string name = word.substr(0, word.find('='));
    return "unknown flag '" + name + "'." + DidYouMean(name, known);
  }
  for (const CLI::App* command : app.get_subcommands(nullptr)) known.push_back(command->get_name());
  if (known.empty()) return "unexpected argument '" + word + "'.";
  return "unknown command '" + word + "'." + DidYouMean(word, known);
}

// What the parser found wrong, in our words where its own are not plain.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  if (const auto unknown = app.remaining(); !unknown.empty()) {
    return UnknownWord(app, unknown.front());
  }
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    const std::string flag = text.substr(0, text.find(':'));
    return text.find("required") != std::string::npos ? flag + ": needs a value"
                                                      : flag + ": got too many values";
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error)) {
    const size_t equals = text.find(" = ");  // "Could not convert: --json = maybe"
    const size_t name = text.rfind(' ', equals - 1) + 1;
    if (equals != std::string::npos && text.substr(name, 2) == "--") {
      // Only switches are left to the parser.
      return text.substr(name, equals - name) + ": got '" + text.substr(equals + 3) +
             "', expected true or false";
    }
  }
  return ReplaceAll(ReplaceAll(text, ": Value ", ": got "), " not in range ",
                    ", expected a number from ");
}

// What libraries throw, in words that say what to do. `doing` is the command.
std::string PlainMessage(const std::exception& error, const std::string& doing) {
  if (dynamic_cast<const Error*>(&error)) return error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) ||
      dynamic_cast<const std::length_error*>(&error)) {
    return "out of memory while running '" + doing +
           "': try smaller sizes (a shorter max_completion_length, fewer samples, sequences or "
           "tokens at a time, a smaller model), or a machine with more memory";
  }
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    const std::string name = file->path1().empty() ? "file system" : file->path1().string();
    return name + ": " + file->code().message() + "; check the path and its permissions";
  }
  if (const auto* json = dynamic_cast<const Json::exception*>(&error)) {
    const std::string text = json->what();  // "[json.exception.type_error.302] type must be …"
    return "a JSON document does not hold what was expected: " + text.substr(text.find(']') + 2) +
           ". Is it damaged, or of another version of retort?";
  }
  return StrCat("this is a fault of retort, please report it (", error.what(), ")");
}

int SayUsage(const CLI::App& program, const std::string& message) {
  std::cerr << "retort: error: " << Spelled(message) << "\n"
            << "Run '" << DescribeCommand(Innermost(program)).path
            << " --help' for what it takes.\n";
  return kUsage;
}

// 'retort' and 'retort traces' alone.
int ShowHelp(const CLI::App& app) {
  std::cout << HelpText(DescribeCommand(app), HelpWidth());
  return kSuccess;
}

// Leaves in `doing` which command runs.
int Run(int argc, char** argv, std::string& doing) {
  CLI::App program(
      "Runs reinforcement-learning recipes, scores answers, distils students and\n"
      "inspects traces, on CPUs.",
      "retort");
  program.formatter_fn([](const CLI::App* app, std::string, CLI::AppFormatMode) {
    return HelpText(DescribeCommand(*app), HelpWidth());
  });
  program.set_help_flag("-h,--help", "Print this, and exit.");
  Action action;
  AddRun(program, action);
  AddRecipe(program, action);
  AddScore(program, action);
  AddEval(program, action);
  AddGenerate(program, action);
  AddChat(program, action);
  AddDistill(program, action);
  AddTraces(program, action);
  AddInspect(program, action);
  AddTokenizer(program, action);
  AddSandbox(program, action);
  bench::AddBench(program, action);
  AddMeta(program, action);

  std::vector<std::string> arguments =
      RegularArguments({argv + 1, argv + argc}, DescribeCommand(program));
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    program.parse(std::move(arguments));
  } catch (const CLI::Success& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& error) {
    return SayUsage(program, UsageMessage(Innermost(program), error));
  } catch (const UsageError& error) {
    return SayUsage(program, error.what());
  }
  doing = DescribeCommand(Innermost(program)).path;
  const int code = action ? action() : ShowHelp(Innermost(program));
  FlushOutput();
  return code;
}

}  // namespace

int RunProgram(int argc, char** argv) {
  const TerminalGuard guard;
  std::string doing = "retort";
  try {
    return Run(argc, argv, doing);
  } catch (const BrokenPipe&) {
    // As SIGPIPE ends other filters; it was ignored, or the write would have ended this one.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
    return kFailure;
  } catch (const std::exception& error) {
    if (Interrupted()) {
      std::cerr << "retort: interrupted\n";
      return kInterrupted;
    }
    std::cerr << "retort: error: " << Spelled(PlainMessage(error, doing)) << "\n";
    return kFailure;
  }
}

}  // namespace retort::cli
