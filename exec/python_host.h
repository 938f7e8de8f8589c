#pragma once
// Sandboxed Python processes that all begin with the same driver.
//
// A warm host keeps one Python in a sandbox of its own that has read the driver and forks for every
// Start; the child enters its own namespaces or Landlock, its own work directory and seccomp before
// it runs anything else, and sees neither its parent nor its siblings. A host whose Python has died
// starts another. A cold host starts a Python for every Start. The two differ in speed only.

#include <memory>
#include <string>

#include "exec/sandbox.h"

namespace retort::exec {

struct PythonHostOptions {
  /// Python source that defines `main()`, which every process calls. Standard input, output and
  /// error are the pipes of its Process; only the standard library is there.
  std::string driver;
  bool warm = true;
  /// With every process a warm host starts another, for whoever comes next within a quarter of a
  /// second and with the same limits. For a driver that waits for its input.
  bool ahead = false;
};

/// Thread-safe. The sandbox must outlive it.
class PythonHost {
 public:
  PythonHost(const Sandbox& sandbox, PythonHostOptions options);
  ~PythonHost();
  PythonHost(const PythonHost&) = delete;
  PythonHost& operator=(const PythonHost&) = delete;

  /// Why no Python may run here (none found, nothing holds it), "" when it may.
  const std::string& refusal() const;
  /// Starts the warm Python, which otherwise the first Start does. Does not wait for it.
  void Warm() const;
  /// Never throws on account of the program; see Sandbox::Start. `cold`: has nothing to do with the
  /// warm Python.
  std::unique_ptr<Process> Start(const Limits& limits, bool cold = false) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort::exec
