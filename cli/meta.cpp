// retort help, version, completion and man: the program about itself.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/executor.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/command_info.h"
#include "cli/commands.h"
#include "cli/parts/option_flags.h"
#include "nn/compute.h"

namespace retort::cli {
namespace {

std::string VersionText() {
  const Executor executor(1);
  const nn::Compute compute(executor);  // chooses the instruction set
  return StrCat("retort ", kVersion, "\ninstruction set ", nn::IsaName(), "\ncompiler ",
                nn::CompilerName());
}

void AddPrinter(CLI::App& program, Action& action, const char* name, const char* help,
                std::string (*text)(const CommandInfo&)) {
  program.add_subcommand(name, help)->callback([&program, &action, text] {
    action = [&program, text] {
      std::cout << text(DescribeCommand(program));
      return kSuccess;
    };
  });
}

void AddCompletion(CLI::App& program, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* app = program.add_subcommand(
      "completion",
      "Write a shell's completion script. For one session: source <(retort completion bash)");
  AddChoice(*app, "SHELL", *shell, {"bash", "zsh", "fish"}, "Which shell.")->required();
  app->callback([&program, &action, shell] {
    action = [&program, shell] {
      const CommandInfo info = DescribeCommand(program);
      std::cout << (*shell == "bash"  ? BashCompletion(info)
                    : *shell == "zsh" ? ZshCompletion(info)
                                      : FishCompletion(info));
      return kSuccess;
    };
  });
}

}  // namespace

void AddMeta(CLI::App& program, Action& action) {
  program.set_version_flag("-V,--version", VersionText, "Print version and libraries, and exit.");
  // To be listed: program.cpp reads "help traces list" as "traces list --help".
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  program.add_subcommand("help", "Show what a command does and takes, as in 'help traces list'.")
      ->add_option("COMMAND")
      ->description("Which command; all without.")
      ->type_name("{" + Join(names, ",") + "}");
  AddPrinter(program, action, "version", "Print version and libraries.",
             [](const CommandInfo&) { return VersionText() + "\n"; });
  AddCompletion(program, action);
  AddPrinter(program, action, "man", "Write the manual page: retort man | man -l -", ManualPage);
}

}  // namespace retort::cli
