#pragma once
// Where a command writes what `--out NAME` asks for. A name means here what it means to other Unix
// programs, and nothing that the command reads or that Retort keeps is ever replaced.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace retort {

/// The reader of a pipe has gone. A program ends quietly, as SIGPIPE would have ended it.
class BrokenPipe : public Error {
 public:
  using Error::Error;
};

/// What a name leads to.
///   "-"                                   standard output
///   /dev/stdout, /dev/fd/N, …             that descriptor of this process
///   a pipe or device                      itself, written through
///   a regular file, or nothing yet        a file to be replaced whole or not at all; a symbolic
///                                         link stays one, and what it leads to is replaced
class OutputTarget {
 public:
  /// `inputs` are the files and folders that the command reads, "-" for standard input. Throws
  /// Error on a folder, on a file that cannot be written, and on what must not be replaced: an
  /// input (by device and inode, with the side files of a database and the files of a folder), a
  /// file of a run directory, any trace database. Creates nothing.
  OutputTarget(const std::filesystem::path& name, const std::vector<std::filesystem::path>& inputs);

  bool is_stream() const { return stream_; }
  /// Shares standard output with what else is printed there.
  bool is_standard_output() const;
  /// As the user gave it; for messages.
  const std::filesystem::path& name() const { return name_; }
  /// Of a regular file: where it really is, links followed.
  const std::filesystem::path& path() const { return path_; }
  /// Of a stream: the descriptor of this process that the name means, if it means one.
  std::optional<int> descriptor() const { return descriptor_; }

 private:
  std::filesystem::path name_, path_;
  bool stream_ = false;
  std::optional<int> descriptor_;
};

/// Writes to a target. A regular file grows beside its place and appears there, with the mode of
/// the file it replaces, when Commit() has written, synced and renamed it; a stream gets every
/// Write at once.
class OutputFile {
 public:
  /// Where a regular file grows: in a hidden file that goes with this object; or in the open, as
  /// `NAME.partial`, which stays until Commit() or Discard().
  enum class Growth { kHidden, kPartial };

  explicit OutputFile(OutputTarget target, Growth growth = Growth::kHidden);
  /// Goes on with the first `bytes` of a `NAME.partial` that an earlier process left.
  OutputFile(OutputTarget target, int64_t bytes);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// `NAME.partial` of a target.
  static std::filesystem::path PartialOf(const OutputTarget& target);
  /// The file of a WriterLock for whoever writes `NAME.partial`.
  static std::filesystem::path LockOf(const OutputTarget& target);

  const OutputTarget& target() const { return target_; }
  /// Throws BrokenPipe when nobody reads any more, else Error (disk full, file-size limit, …).
  void Write(std::string_view bytes);
  void Commit();
  /// Removes what has grown.
  void Discard();

 private:
  void Create();
  void Lock();

  OutputTarget target_;
  Growth growth_;
  std::filesystem::path growing_;  // "" of a stream
  int fd_ = -1;
};

}  // namespace retort
