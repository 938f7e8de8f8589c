#pragma once
// Counted work instead of seconds: the same on any machine.

#include <cstdint>
#include <functional>

namespace retort::testing {

struct Counted {
  int64_t work = 0;  ///< basic blocks that ran, bytes allocated / 16, steps of SQLite's machine
  int64_t peak = 0;  ///< most bytes allocated at once
};

Counted Count(const std::function<void()>& body);

/// Also counted, by whoever can: steps of another machine.
void AddWork(int64_t steps);

}  // namespace retort::testing
