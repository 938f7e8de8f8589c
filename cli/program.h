#pragma once
// retort: one program for the whole recipe.

namespace retort::cli {

/// Reads the command line, runs the chosen subcommand and returns the exit code (cli/commands.h).
/// Throws nothing: an error is a message on standard error.
int RunProgram(int argc, char** argv);

}  // namespace retort::cli
