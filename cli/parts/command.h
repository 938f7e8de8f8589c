#pragma once
// What every subcommand of `retort` is to the program.

#include <functional>

#include "base/error.h"

namespace retort::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;

/// A command line that makes no sense. Thrown while flags are read; its exit code is kUsage.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Returns the exit code; throws Error.
using Action = std::function<int()>;

}  // namespace retort::cli
