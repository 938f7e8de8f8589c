#pragma once
// Files below /proc, whose process may go while they are read.

#include <cstdio>
#include <filesystem>
#include <string>

namespace retort::testing {

/// What could be read; "" of a process that has gone.
inline std::string ReadProcFile(const std::filesystem::path& path) {
  std::string text;
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return text;
  char bytes[4096];
  while (const size_t n = std::fread(bytes, 1, sizeof bytes, file)) text.append(bytes, n);
  std::fclose(file);
  return text;
}

}  // namespace retort::testing
