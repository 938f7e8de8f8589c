#pragma once
// Bytes as a file with a path, in memory.

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "fuzz/fuzz.h"

namespace retort {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(bytes.size());
    Require(file_ >= 0 && ::write(file_, bytes.data(), bytes.size()) == size, "no memory file");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return StrCat("/proc/self/fd/", file_); }

 private:
  int file_;
};

}  // namespace retort
