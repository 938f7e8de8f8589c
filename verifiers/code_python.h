#pragma once
// Python programs and test scripts in the sandbox, by way of the drivers code_candidate.py and
// code_script.py.

#include <string>

#include "exec/python_host.h"
#include "verifiers/code_run.h"

namespace retort::verifiers {

/// Immutable and thread-safe; the sandbox must outlive it, and it what it prepares.
class PythonPrograms {
 public:
  explicit PythonPrograms(const exec::Sandbox& sandbox);

  /// Why no Python runs here, "" when one does.
  const std::string& refusal() const { return programs_.refusal(); }
  /// `source` and `task` must outlive the result; scripts go on after a failed test with `go_on`.
  Runnable Prepare(const std::string& source, const CodeTask& task, bool go_on) const;

 private:
  exec::PythonHost programs_, scripts_;
};

}  // namespace retort::verifiers
