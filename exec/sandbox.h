#pragma once
// Runs a program that is not trusted, with every limit bounded and nothing of it left behind.
//
// A run has an empty environment, no network, its own work directory (its current one, removed
// afterwards), a read-only view of the system's programs and libraries, and nothing else. The
// layers that hold it are probed once and named in every result:
//
//   limits      closed descriptors, own session, no new privileges, resource limits; always there
//   seccomp     no sockets, no tracing, no mounts …; no new process unless the profile has some
//   landlock    files: what is listed, nothing else; no privilege needed
//   namespaces  users, processes, mounts, network, IPC of its own; a root of its own in memory
//   cgroup      memory and processes over the sum of all children, where cgroups are writable; of
//   runs
//               with more than one process
//
// Namespaces with seccomp, or landlock with seccomp (the fallback), hold a candidate; with less,
// Start refuses unless the options say `unsafe`. As root the program gets a user id of its own
// first, so that there is one code path. Linux only; elsewhere every run ends as kInternalError.
//
// A supervisor process (exec/launcher) stands between Retort and the program: it waits for it,
// keeps the clock and kills what is left, also when Retort itself dies. docs/sandbox.md
// says how, `retort bench sandbox` what a run costs.
//
// Thread-safe: any number of threads may start and wait at once.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"

namespace retort::exec {

/// What holds a run. The fallback is what remains without namespaces.
struct Layers {
  bool seccomp = false;
  bool landlock = false;
  bool namespaces = false;
  bool cgroup = false;
  /// "limits, seccomp, landlock", in the order of the list above.
  std::string Names() const;
  /// Enough to hold a program that is not trusted.
  bool Hold() const { return seccomp && (landlock || namespaces); }
};

struct Limits {
  double time_s = 5;
  int64_t memory_mib = 512;
  int64_t processes = 1;
  int64_t output_kib = 1024;
  int64_t file_size_mib = 16;

  bool operator==(const Limits&) const = default;
  template <class V>
  void Visit(V& v) {
    v("time_s", time_s,
      "Seconds of processor time; twice as many and two more may pass by the clock.",
      Bounds{0.01, 3600});
    v("memory_mib", memory_mib, "Address space of a process, and memory of all together.",
      Bounds{16, 1 << 20});
    v("processes", processes,
      "Processes at a time; 1 denies new ones (threads are free up to 64). More need namespaces.",
      Bounds{1, 1024});
    v("output_kib", output_kib, "Standard output, and as much standard error.", Bounds{1, 1 << 20});
    v("file_size_mib", file_size_mib, "Size of a file and of the work directory.",
      Bounds{1, 1 << 16});
  }
};

/// How a run ended. What the program did comes first; kInternalError is never its fault.
enum class Ending {
  kExited,         ///< by itself, with `exit_code`
  kSignalled,      ///< by `signal`: crashed, aborted
  kTimeLimit,      ///< processor time or the clock
  kMemoryLimit,    ///< killed for it, or it failed right at the limit
  kOutputLimit,    ///< wrote more than it may
  kProcessLimit,   ///< was refused a process or thread, and failed
  kDenied,         ///< tried what is never allowed (traced, mounted, …) and was killed
  kStopped,        ///< Process::Stop
  kInternalError,  ///< the sandbox itself failed; `message` says how
};
constexpr auto EnumNames(Ending) {
  return std::array{std::pair{Ending::kExited, "exited"},
                    std::pair{Ending::kSignalled, "signalled"},
                    std::pair{Ending::kTimeLimit, "time-limit"},
                    std::pair{Ending::kMemoryLimit, "memory-limit"},
                    std::pair{Ending::kOutputLimit, "output-limit"},
                    std::pair{Ending::kProcessLimit, "process-limit"},
                    std::pair{Ending::kDenied, "denied"},
                    std::pair{Ending::kStopped, "stopped"},
                    std::pair{Ending::kInternalError, "internal-error"}};
}

/// Bytes of a file in memory that nobody can change any more: a program that was compiled once and
/// runs many times. Owns a descriptor; shared freely.
class Artifact {
 public:
  /// Throws Error when the system has no memory for it.
  explicit Artifact(std::string_view bytes);
  /// Takes the descriptor over.
  explicit Artifact(int fd) : fd_(fd) {}
  ~Artifact();
  Artifact(const Artifact&) = delete;
  Artifact& operator=(const Artifact&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

/// What to run.
struct Job {
  /// The program's absolute path and its arguments. With `program`, the first is only its name.
  std::vector<std::string> command;
  std::shared_ptr<const Artifact> program = {};
  /// Written into the work directory before the start. Plain names, no '/'.
  std::vector<std::pair<std::string, std::string>> files = {};
  /// A file of the work directory that Finish hands back when the program exited with 0.
  std::string keep = {};
  /// A compiler and what it starts: programs under /usr only, with a PATH, several processes also
  /// without namespaces (what they do is known, what they read is not).
  bool tools = false;
  Limits limits = {};
};

struct RunResult {
  Ending ending = Ending::kInternalError;
  int exit_code = 0;
  int signal = 0;
  std::string out, err;  ///< what Finish read; at most limits.output_kib each
  double cpu_s = 0;      ///< of the program and its children
  double wall_s = 0;
  int64_t peak_kib = 0;  ///< largest resident set of one process
  Layers layers;         ///< that held this run
  std::string message;   ///< what was denied or failed, "" otherwise
  bool lost = false;     ///< of kInternalError: the program was running, and may have done that
  std::shared_ptr<const Artifact> kept;

  bool Success() const { return ending == Ending::kExited && exit_code == 0; }
};

/// Processor time counts up to `time_s`; by the clock this much may pass.
inline double WallSeconds(const Limits& limits) { return 2 * limits.time_s + 2; }

/// One running program and its pipes. Owned by one thread at a time. Destruction kills it and all
/// it started without waiting for that: they are gone a moment later, at the latest when the
/// Sandbox is.
class Process {
 public:
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Sends to standard input while output is read into the buffers, so that neither side can wait
  /// for the other. False when the program has gone, closed its input or broke a limit.
  bool Write(std::string_view bytes);
  /// No more input.
  void CloseInput();
  /// Exactly `size` bytes of standard output; empty when it ends before, or a limit breaks.
  std::optional<std::string> Read(size_t size);
  /// The same up to and without the next '\n'; empty also when a line is longer than `limit`.
  std::optional<std::string> ReadLine(size_t limit);
  /// Kills it; Finish then says kStopped unless it had ended.
  void Stop();
  /// Closes the input, reads what is left of the output and waits for the end. To be called once,
  /// last.
  RunResult Finish();

  struct Impl;  // known inside this room only
  explicit Process(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

struct SandboxOptions {
  bool namespaces = true;
  bool cgroup = true;
  bool landlock = true;
  bool unsafe = false;

  template <class V>
  void Visit(V& v) {
    v("namespaces", namespaces, "Use namespaces where the machine offers them.");
    v("landlock", landlock, "Use Landlock where the machine offers it.");
    v("cgroup", cgroup, "Use cgroups where they are writable.");
    v("unsafe", unsafe, "Run even where nothing but resource limits holds a program.");
  }
};

class Sandbox {
 public:
  /// Finds out which layers this machine offers, by using them. Throws Error only when the system
  /// has no descriptors or memory left.
  explicit Sandbox(const SandboxOptions& options = {});
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  const Layers& layers() const;
  /// Why this job may not run here, "" when it may: nothing holds it, or nothing counts its
  /// processes. Start then ends as kInternalError with this message.
  std::string Refusal(const Job& job) const;

  /// Never throws on account of the program; a run that could not begin ends as kInternalError.
  std::unique_ptr<Process> Start(const Job& job) const;
  /// Start, the whole input, Finish.
  RunResult Run(const Job& job, std::string_view input = {}) const;

  struct Impl;  // known inside this room only

 private:
  friend class PythonHost;
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort::exec
