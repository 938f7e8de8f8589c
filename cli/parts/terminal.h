#pragma once
// What a terminal may be sent, and how wide it is.

#include <cstddef>
#include <memory>
#include <streambuf>
#include <string>
#include <string_view>

namespace retort::cli {

/// Text from outside, fit for a terminal: control characters (C0 and C1, but for newline and tab),
/// DEL, controls of writing direction and bytes that are not UTF-8 are spelled: \x1b, \u009b, \x7f,
/// \u202e, \xff.
std::string Spelled(std::string_view text);

/// As long as it lives, what std::cout and std::cerr write to a terminal passes through Spelled.
/// Pipes and files get every byte as it is.
class TerminalGuard {
 public:
  TerminalGuard();
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

 private:
  std::streambuf* plain_out_ = nullptr;
  std::streambuf* plain_err_ = nullptr;
  std::unique_ptr<std::streambuf> out_, err_;  ///< empty where no terminal is
};

/// Flushes std::cout. Throws BrokenPipe when nobody reads it any more, Error when it cannot be
/// written.
void FlushOutput();

/// Columns of the terminal behind the descriptor, or what COLUMNS says; 0 when neither tells.
size_t TerminalWidth(int descriptor);
/// For tables on standard output: 60 or more on a terminal, 0 (any width) elsewhere.
size_t TableWidth();
/// For help: COLUMNS or the terminal's width, from 60 to 100; else 80.
size_t HelpWidth();

}  // namespace retort::cli
