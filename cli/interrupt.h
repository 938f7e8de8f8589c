#pragma once
// Ctrl-C and SIGTERM: the first says so on standard error and asks a command to stop at its next
// safe place, the second kills.

namespace retort::cli {

/// Called once by a command that polls Interrupted().
void CatchInterrupts();
bool Interrupted();

}  // namespace retort::cli
