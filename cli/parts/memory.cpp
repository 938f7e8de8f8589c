#include "cli/parts/memory.h"

#include <fstream>
#include <string>

namespace retort::cli {
namespace {

// "VmHWM: 1234 kB" of /proc/self/status; 0 where there is no such file.
int64_t StatusBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoll(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

}  // namespace

MemoryGrowth::MemoryGrowth() {
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts again from what is held now
  before_ = StatusBytes("VmRSS");
}

int64_t MemoryGrowth::peak() const { return StatusBytes("VmHWM") - before_; }

}  // namespace retort::cli
