#pragma once
// Python programs and test scripts in the sandbox, by way of the drivers candidate.py and
// script.py.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/python_host.h"
#include "verifiers/code/internal/checker.h"
#include "verifiers/code/internal/run.h"

namespace retort::verifiers {

/// Thread-safe; the sandbox must outlive it, and it what it prepares.
///
/// Programs and scripts have a process each. That of a script which leaves nothing behind runs the
/// next one: it is the data set's code, and half of a short program's time is the start of a
/// process.
class PythonPrograms {
 public:
  explicit PythonPrograms(const exec::Sandbox& sandbox);

  /// Why no Python runs here, "" when one does.
  const std::string& refusal() const { return programs_.refusal(); }
  /// `source` and `task` must outlive the result; scripts go on after a failed test with `go_on`.
  /// `alone`: in processes that have nothing in common with those of other programs.
  Runnable Prepare(const std::string& source, const CodeTask& task, bool go_on,
                   bool alone = false) const;
  /// The task's checker; `task` must outlive the result.
  RunChecker PrepareChecker(const CodeTask& task, bool alone) const;

 private:
  std::unique_ptr<Speaker> IdleScript(const exec::Limits& limits) const;

  exec::PythonHost programs_, scripts_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Speaker>> idle_;  ///< scripts, the latest last
};

}  // namespace retort::verifiers
