#pragma once
// What Sandbox and PythonHost share: how a request is written and a launcher started. Private to
// this room.

#include <atomic>
#include <memory>
#include <string_view>

#include "exec/internal/cgroup.h"
#include "exec/internal/process.h"
#include "exec/sandbox.h"

namespace retort::exec {

/// The launcher's program, and the library through which a warm interpreter does the same.
std::string_view LauncherProgram();
std::string_view LauncherLibrary();

/// Retort's and the launcher's ends of one run.
struct RunEnds {
  std::unique_ptr<Process::Impl> own;
  Fd in, out, err, request, control;
  uint32_t user = 0;  // that the launcher becomes
};

struct Sandbox::Impl {
  SandboxOptions options;
  Layers layers;
  Fd launcher;
  std::unique_ptr<Cgroups> cgroups;
  std::shared_ptr<Leaving> leaving = std::make_shared<Leaving>();
  mutable std::atomic<uint32_t> count{0};

  /// A user id like no other process's; 0 when this one is not root and cannot give any.
  uint32_t FreshUser() const;
  /// Makes pipes, work folder, cgroup and request; `flags` beyond those of the layers. `owner` of
  /// the folder: the user that a host's children already are, who become nobody else.
  RunEnds Prepare(const Job& job, const Layers& with, uint32_t flags,
                  std::optional<uint32_t> owner = {}) const;
  /// Starts a launcher that has these descriptors as 0, 1, 2, and its process id.
  int Spawn(const RunEnds& ends, const Job& job) const;
  std::unique_ptr<Process> Start(const Job& job, const Layers& with, uint32_t flags) const;
  std::string Refusal(const Job& job) const;
};

}  // namespace retort::exec
