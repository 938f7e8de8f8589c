#pragma once
// Reading what another command writes: `<(command)` in a shell.

#include <filesystem>
#include <string>

namespace retort {

/// All that comes through a pipe until its writer ends. Throws Error on anything but a pipe, on one
/// that nobody writes to (it would never end), and on more than `limit` bytes.
std::string ReadPipe(const std::filesystem::path& path, size_t limit);

}  // namespace retort
