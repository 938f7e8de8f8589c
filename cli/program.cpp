#include "cli/program.h"

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/executor.h"
#include "base/output_file.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "nn/compute.h"

namespace retort::cli {
namespace {

std::string VersionText() {
  const Executor executor(1);
  const nn::Compute compute(executor);  // chooses the instruction set
  return StrCat("retort ", kVersion, "\ninstruction set ", nn::IsaName(), "\ncompiler ",
                nn::CompilerName());
}

// Flags are spelled with '-'; "--max_length=5" is taken as well. Values are left alone.
std::vector<std::string> ArgumentsOf(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos) {
      argument.replace(0, name.size(), ReplaceAll(name, "_", "-"));
    }
  }
  return arguments;
}

// Where the user is: `retort traces list …` is at `list`.
const CLI::App& Innermost(const CLI::App& program) {
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

// What CLI11 found wrong; for a word that nothing takes, the nearest one that is known.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining();
  if (unknown.empty()) return error.what();
  const std::string& word = unknown.front();
  std::vector<std::string> known;
  if (word.starts_with("-")) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    const std::string name = word.substr(0, word.find('='));
    return "unknown flag '" + name + "'." + DidYouMean(name, known);
  }
  for (const CLI::App* command : app.get_subcommands(nullptr)) known.push_back(command->get_name());
  if (known.empty()) return "unexpected argument '" + word + "'.";
  return "unknown command '" + word + "'." + DidYouMean(word, known);
}

std::string FullName(const CLI::App& app) {
  const std::string name = app.get_name();
  return app.get_parent() ? FullName(*app.get_parent()) + " " + name : name;
}

bool ReaderHasGone(int descriptor) {
  pollfd state{descriptor, POLLOUT, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0;
}

int Run(int argc, char** argv) {
  CLI::App program(
      "Runs reinforcement-learning recipes, scores answers, distils students and\n"
      "inspects traces, on CPUs.",
      "retort");
  program.set_version_flag("--version", VersionText, "Print version and libraries, and exit.");
  program.require_subcommand(1);
  program.footer("Run 'retort COMMAND --help' for the flags of a command.");
  Action action;
  AddRun(program, action);
  AddRecipe(program, action);
  AddScore(program, action);
  AddEval(program, action);
  AddGenerate(program, action);
  AddDistill(program, action);
  AddTraces(program, action);
  AddInspect(program, action);
  AddSandbox(program, action);
  AddBench(program, action);

  std::vector<std::string> arguments = ArgumentsOf(argc, argv);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    program.parse(std::move(arguments));
  } catch (const CLI::Success& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& error) {
    const CLI::App& app = Innermost(program);
    std::cerr << "retort: error: " << UsageMessage(app, error) << "\n"
              << "Run '" << FullName(app) << " --help' for what it takes.\n";
    return kUsage;
  }
  const int code = action();
  if (!std::cout.flush()) {
    if (ReaderHasGone(STDOUT_FILENO)) throw BrokenPipe("standard output: nobody reads any more");
    Fail("standard output: cannot write the results");
  }
  return code;
}

}  // namespace

int RunProgram(int argc, char** argv) {
  try {
    return Run(argc, argv);
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
    std::cerr << "retort: error: " << error.what() << "\n";
    return kFailure;
  }
}

}  // namespace retort::cli
