#pragma once
// Opening files that are Retort's own at names that others may have prepared: in a folder that
// others can write, a link or pipe may stand there already. None is ever followed or written to.

#include <sys/types.h>

#include <filesystem>
#include <utility>

namespace retort {

/// Creates a file to write, beside `path`: `.NAME.tmp-PID`, or with a further number where
/// something has that name already. Throws Error. The descriptor and the name.
std::pair<int, std::filesystem::path> CreateTemporary(const std::filesystem::path& path,
                                                      mode_t mode);

/// Opens a file to go on with; O_CREAT in `flags` makes one where there is none. Throws Error on
/// all but a regular file without a second name.
int OpenOwnFile(const std::filesystem::path& path, int flags, mode_t mode = 0644);
/// Throws the same of what is at `path`, if anything is.
void RequireOwnFile(const std::filesystem::path& path);

}  // namespace retort
