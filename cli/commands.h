#pragma once
// The subcommands of `retort`, one file each. Each Add… puts its flags on the program and, when the
// user chose it, leaves what to do in `action`: nothing runs while flags are still being read.

#include "cli/parts/command.h"

namespace CLI {
class App;
}

namespace retort::cli {

void AddRun(CLI::App& program, Action& action);
void AddRecipe(CLI::App& program, Action& action);
void AddDistill(CLI::App& program, Action& action);
void AddScore(CLI::App& program, Action& action);
void AddEval(CLI::App& program, Action& action);
void AddGenerate(CLI::App& program, Action& action);
void AddChat(CLI::App& program, Action& action);
void AddTraces(CLI::App& program, Action& action);
void AddInspect(CLI::App& program, Action& action);
void AddTokenizer(CLI::App& program, Action& action);
void AddSandbox(CLI::App& program, Action& action);
void AddMeta(CLI::App& program, Action& action);  ///< help, version, completion, man

}  // namespace retort::cli
