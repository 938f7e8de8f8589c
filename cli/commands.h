#pragma once
// The subcommands of `retort`, one file each. Each Add… puts its flags on the program and, when the
// user chose it, leaves what to do in `action`: nothing runs while flags are still being read.

#include <functional>

#include "base/error.h"

namespace CLI {
class App;
}

namespace retort::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;

/// A command line that makes no sense. Thrown while flags are read; its exit code is kUsage.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Returns the exit code; throws Error.
using Action = std::function<int()>;

void AddRun(CLI::App& program, Action& action);
void AddRecipe(CLI::App& program, Action& action);
void AddDistill(CLI::App& program, Action& action);
void AddScore(CLI::App& program, Action& action);
void AddEval(CLI::App& program, Action& action);
void AddGenerate(CLI::App& program, Action& action);
void AddTraces(CLI::App& program, Action& action);
void AddInspect(CLI::App& program, Action& action);
void AddSandbox(CLI::App& program, Action& action);
void AddBench(CLI::App& program, Action& action);
void AddMeta(CLI::App& program, Action& action);  ///< help, version, completion, man

}  // namespace retort::cli
