#pragma once
// Ctrl-C, SIGTERM and SIGHUP (unless ignored at the start, as under nohup): the first says so on
// standard error and asks a command to stop at its next safe place, the second kills.

namespace retort::cli {

/// Called by a command that polls Interrupted(), before it has other threads. A thread of its
/// own takes the signals; no call of another one is interrupted by them.
void CatchInterrupts();
bool Interrupted();
/// Also by a signal that is on its way: when input ends, the same Ctrl-C may have ended its writer.
bool InterruptedByNow();

/// The same for a command that goes on after Ctrl-C: nothing is said, and it is only a second one
/// before ForgetInterrupt() that kills. SIGTERM and SIGHUP ask to end.
void CatchEachInterrupt();
void ForgetInterrupt();
/// Whether it was SIGTERM or SIGHUP.
bool AskedToEnd();
/// Can be read while Interrupted(), for poll(2); after CatchEachInterrupt().
int InterruptDescriptor();

}  // namespace retort::cli
