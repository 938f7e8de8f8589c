#pragma once
// C++ programs and test scripts: compiled in the sandbox, once per source, and run as they came
// out.
//
// A program that is called gets a main of ours behind it (relay.hpp); its own is renamed. A
// test script is the prompt with a stub for the function, and the tests; its main calls through the
// relay.

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "exec/sandbox.h"
#include "verifiers/code/internal/checker.h"
#include "verifiers/code/internal/run.h"

namespace retort::verifiers {

/// Thread-safe; the sandbox must outlive it, and it what it prepares.
class CppPrograms {
 public:
  explicit CppPrograms(const exec::Sandbox& sandbox);

  /// Compiles what the task's tests need. An outcome other than accepted says what failed, of the
  /// program ("compile-error", a limit) or of the tests ("bad-tests") or that there is no compiler
  /// ("no-compiler", "no-sandbox"). `task` must outlive `program`.
  Outcome Prepare(const std::string& source, const CodeTask& task, Runnable& program) const;
  /// The task's checker. An outcome other than accepted says why it does not run.
  Outcome PrepareChecker(const CodeTask& task, RunChecker& checker) const;

 private:
  struct Compiled {
    std::string source;
    Outcome outcome;
    std::shared_ptr<const exec::Artifact> artifact;
  };
  Compiled Compile(const std::string& source, const CodeLimits& limits) const;

  const exec::Sandbox& sandbox_;
  std::string compiler_;  ///< path, "" when there is none
  mutable std::mutex mutex_;
  mutable std::list<Compiled> recent_;  ///< the latest first
};

/// MultiPL-E's unions hold one of several types and do not know which. The same text with a struct
/// in place of each, of the same name, constructors and comparisons, that knows.
std::string WithTaggedUnions(const std::string& source);

}  // namespace retort::verifiers
