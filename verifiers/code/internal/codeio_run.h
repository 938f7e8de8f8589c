#pragma once
// Runs the program of a CODEI/O task on arguments: Mini here, Python in the sandbox.

#include <memory>
#include <mutex>
#include <string>

#include "base/json.h"
#include "exec/sandbox.h"
#include "exec/vm.h"

namespace retort::verifiers {

/// How a program ended on some arguments.
struct ProgramRun {
  enum class Ending {
    kReturned,
    kException,  ///< it failed: `message` is what it said
    kLimit,      ///< it went beyond a limit, named by `message`
    kFault,      ///< it could not be run at all, for a reason that is ours
  };
  Ending ending = Ending::kFault;
  Json output;  ///< what it returned
  std::string message;
};

ProgramRun RunMini(const exec::VmProgram& program, const Json& arguments,
                   const exec::VmLimits& limits);

/// Python programs that define an entry function of keyword arguments. Thread-safe. The sandbox is
/// looked for when the first program runs.
class PythonFunctions {
 public:
  explicit PythonFunctions(const exec::Limits& limits);
  ~PythonFunctions();
  ProgramRun Run(const std::string& program, const std::string& entry, const Json& arguments) const;

 private:
  struct Host;
  exec::Limits limits_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const Host> host_;
};

}  // namespace retort::verifiers
