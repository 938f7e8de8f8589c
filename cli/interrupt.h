#pragma once
// Ctrl-C, SIGTERM and SIGHUP (unless ignored at the start, as under nohup): the first says so on
// standard error and asks a command to stop at its next safe place, the second kills.

namespace retort::cli {

/// Called once by a command that polls Interrupted().
void CatchInterrupts();
bool Interrupted();

}  // namespace retort::cli
