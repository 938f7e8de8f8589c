#pragma once
// The program on a terminal of its own, typed to by a test.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace retort::cli {

class Pty {
 public:
  explicit Pty(std::vector<std::string> words, unsigned short columns = 80) {
    master_ = posix_openpt(O_RDWR | O_NOCTTY);
    EXPECT_GE(master_, 0);
    EXPECT_EQ(grantpt(master_), 0);
    EXPECT_EQ(unlockpt(master_), 0);
    const std::string name = ptsname(master_);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    setsid();
    const int slave = open(name.c_str(), O_RDWR);  // becomes the controlling one
    winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(slave, TIOCSWINSZ, &size);
    for (const int fd : {0, 1, 2}) dup2(slave, fd);
    unsetenv("COLUMNS");
    setenv("TERM", "xterm", 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Pty() {
    close(master_);
    if (code_ < 0) waitpid(pid_, nullptr, 0);
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  void Type(const std::string& keys) const {
    EXPECT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// Reads up to the end of `text`; all of it, or what there was before the program ended.
  std::string Until(const std::string& text) {
    size_t at = std::string::npos;
    while ((at = unread_.find(text)) == std::string::npos && Read()) {
    }
    const size_t end = at == std::string::npos ? unread_.size() : at + text.size();
    std::string seen = unread_.substr(0, end);
    unread_.erase(0, end);
    return seen;
  }
  std::string UntilEnd() {
    while (Read()) {
    }
    return std::exchange(unread_, "");
  }
  void Kill(int signal) const { kill(pid_, signal); }
  /// The exit code, or 128 + the signal.
  int Wait() {
    UntilEnd();
    int status = 0;
    if (code_ < 0) {
      EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return code_;
  }

 private:
  bool Read() {
    char buffer[4096];
    const ssize_t count = read(master_, buffer, sizeof buffer);  // EIO once nobody is there
    if (count > 0) unread_.append(buffer, static_cast<size_t>(count));
    return count > 0;
  }

  int master_ = -1;
  pid_t pid_ = -1;
  int code_ = -1;
  std::string unread_;
};

}  // namespace retort::cli
