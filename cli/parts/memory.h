#pragma once
// How much memory the process needs for something.

#include <cstdint>

namespace retort::cli {

/// How far the process has grown at most since this object was made, in bytes; 0 where the system
/// does not tell (/proc/self/status).
class MemoryGrowth {
 public:
  MemoryGrowth();
  int64_t peak() const;

 private:
  int64_t before_;
};

}  // namespace retort::cli
