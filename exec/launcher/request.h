#pragma once
// What Retort asks of the launcher and what it hears back. Both ends are built together, so the
// records travel as they lie in memory.
//
// The launcher finds: the program's pipes as 0, 1, 2; a Request, then its texts, in a file (3); a
// SEQPACKET socket (4) to which it writes Reports, and whose end tells it to kill everything; and,
// where there are any, the artifact to run (5), the work directory (6) and the cgroups' files
// of processes (7, 8).

#include <cstdint>

namespace retort::exec {

enum Descriptor : int {
  kRequestFd = 3,
  kControlFd = 4,
  kProgramFd = 5,
  kWorkFd = 6,
  kCgroupFd = 7,  ///< and 8: version 1 has a hierarchy for memory and one for processes
  kFirstFreeFd = 9
};

/// Bits of Request::flags.
enum Flag : uint32_t {
  kUseNamespaces = 1,
  kUseLandlock = 2,
  kUseSeccomp = 4,
  kUseCgroup = 8,
  kHasProgram = 16,  ///< kProgramFd is what runs
  kNested = 32,      ///< already inside namespaces and a root of its own: new work directories only
  kHost = 64,        ///< runs a warm interpreter of ours, which needs what candidates are denied
  kTools = 128,      ///< a tool chain: new processes in the fallback, too
};

/// By the clock a program that waited for a processor may take this many times its limit.
constexpr int kMostPatience = 8;

struct Request {
  uint32_t flags = 0;
  uint32_t uid = 0;                 ///< to become, when started as root; 0: stay
  int64_t cpu_ms = 0, wall_ms = 0;  ///< 0: no limit
  int64_t memory_bytes = 0;
  int64_t file_bytes = 0;  ///< of a file, and of the work directory
  int64_t processes = 1;
  // The texts that follow: `arguments` strings, each ended by NUL, the name of the file to keep
  // (may be empty), then for each of `files` its name, ended by NUL, its size as int64_t, its
  // bytes.
  int64_t arguments = 0, files = 0;
};

enum class ReportType : uint32_t {
  kStarted,  ///< `layers` hold; the program is about to run
  kKept,     ///< carries the descriptor of the kept file
  kEnded,    ///< the last
  kFailed,   ///< the sandbox could not be made; `text` says why
};

enum class Killed : uint32_t { kNot, kTime, kMemory, kFiles, kAsked };

struct Report {
  ReportType type = ReportType::kFailed;
  uint32_t layers = 0;           ///< flags kUse…
  int32_t status = 0;            ///< as of waitpid
  Killed killed = Killed::kNot;  ///< what the launcher killed it for
  int32_t refused_processes = 0, refused_calls = 0;
  int64_t cpu_us = 0, wall_us = 0, peak_kib = 0;
  char text[160] = {};
};

}  // namespace retort::exec
