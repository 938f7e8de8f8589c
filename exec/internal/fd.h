#pragma once
// Descriptors and the few system calls around them. Private to this room.

#include <string_view>
#include <utility>

namespace retort::exec {

/// Owns a descriptor. All that this room opens close on exec and lie at 16 or above, so that moving
/// them to the launcher's places never meets one that is still to be moved.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { Reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Reset(int fd = -1);
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Takes `fd` over and moves it up. Throws Error naming `what` and errno when it is negative.
Fd Own(int fd, std::string_view what);
/// The reading and the writing end.
std::pair<Fd, Fd> MakePipe();
/// A SEQPACKET pair: messages keep their borders, and the end of one side is seen by the other.
std::pair<Fd, Fd> MakeSocketPair();
/// A file in memory that holds `bytes` and cannot be changed any more.
Fd MakeSealedFile(const char* name, std::string_view bytes);

}  // namespace retort::exec
