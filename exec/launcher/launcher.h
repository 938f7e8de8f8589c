#pragma once
// The parts of the launcher. It is linked without the C++ library and runs one thread; what fails
// is reported to Retort and ends the process.

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "exec/launcher/request.h"

namespace retort::exec {

/// A request and its texts, which lie in memory behind it.
struct Reading {
  const Request* request = nullptr;
  const char* const* arguments = nullptr;  ///< ended by a null pointer
  const char* keep = nullptr;
  const char* files = nullptr;
  size_t size = 0;  ///< of the memory at `request`
};

/// Maps kRequestFd.
Reading ReadRequest();

/// Reports `what` and the error, then _exit(1).
[[noreturn]] void Die(const char* what, int error = errno);
/// To Retort, with a descriptor unless `fd` is negative. False when Retort has gone.
bool Send(const Report& report, int fd = -1);
/// A message of one descriptor, through any UNIX socket.
bool SendDescriptor(int socket, const void* data, size_t size, int fd);

/// Of clone(2): what each run has for itself, also inside a host.
inline constexpr unsigned long kNestedNamespaces =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;

/// Sees to everything and returns in a new process, the one that is to run what is not trusted,
/// held by every layer. It has 0, 1, 2 and descriptors that close when a program is executed. The
/// other processes that this leaves behind wait, limit, report and never return.
///
/// `alone`: in memory that the first process shares with an interpreter. It becomes 1, with a
/// futex's wake, when that process has no more use for what the two share of the C library.
void Enter(const Reading& reading, int* alone = nullptr);

/// Tries one thing of the self-test and writes "refused" or "DONE" to standard output.
void Attempt(const char* attempt, int retort);

// -- of Enter ------------------------------------------------------------------------------------

/// Into a root of its own in memory: /usr and what belongs to it, read-only; /work, /tmp. The
/// current directory is /work then.
void BuildRoot(const Request& request);
/// New /work, /tmp, /dev/shm and /proc inside such a root.
void CoverWork(const Request& request);
/// Nothing may be written to the root any more.
void FreezeRoot();
/// The Landlock version of this kernel, 0 for none.
int LandlockVersion();
/// Files by path, and where the kernel can, connections and signals. Work is the current directory.
void Restrict(const Request& request);
/// seccomp: refused calls answer EPERM and are told to the watcher, dangerous ones kill. False
/// where nobody can be told.
bool Filter(const Request& request);
/// Whether the program's user may have other runs, whose threads the system counts with its own.
bool SharesUser(const Request& request);
/// How many descriptors the program may have. The one with this number is where it tells who
/// watches it of refused calls, before it runs: none of its own can have it.
inline int Descriptors(const Request& request) { return request.flags & kTools ? 128 : 64; }
inline constexpr int kMaxThreads = 64;  ///< beside those that are its processes

// Which calls are counted, for the filter and for the watcher.
inline constexpr int kLocks[] = {F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW};
inline constexpr unsigned kNotStream = 0xe;  ///< bits of a socket's type
/// Waits for `child`, keeps its limits, kills what is left, reports, does not return. `refusals`:
/// the socket through which Filter sends its listener.
[[noreturn]] void Watch(const Reading& reading, int child, int refusals, int* alone);

}  // namespace retort::exec
