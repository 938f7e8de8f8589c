#pragma once
// Whether the sandbox holds on this machine: a program of ours tries inside it what must fail.

#include <string>
#include <vector>

#include "exec/sandbox.h"

namespace retort::exec {

struct SelfTestResult {
  std::string attempt;  ///< "start a process"
  bool held = false;
  std::string outcome;  ///< "refused", "killed: time-limit", "DONE", or why it could not be tried
};

/// Needs no compiler and no Python. Takes about three seconds: one attempt is to run for ever.
std::vector<SelfTestResult> RunSelfTest(const Sandbox& sandbox);

/// Seconds to start a program of no arguments without any sandbox and to wait for it: what the cost
/// of a sandbox is measured against. Throws Error when it cannot be started.
double TimeBareProcess(const std::string& path);

}  // namespace retort::exec
