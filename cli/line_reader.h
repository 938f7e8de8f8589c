#pragma once
// What a user types, or a program sends, line by line.

#include <memory>
#include <string>

namespace retort::cli {

/// Of standard input. On a terminal a prompt is shown, on standard error, and a line can be edited:
/// with cursor keys and history where Retort was built with libedit, else as the terminal does it.
/// Wants CatchEachInterrupt().
class LineReader {
 public:
  LineReader();
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool is_terminal() const { return terminal_; }
  bool edits() const { return editor_ != nullptr; }

  enum class Got { kLine, kEnd, kInterrupted };
  /// Without the end of the line. kInterrupted: by a signal; what was typed is forgotten.
  Got Next(const std::string& prompt, std::string& line);

 private:
  class Editor;
  Got NextPlain(const std::string& prompt, std::string& line);

  bool terminal_ = false;
  bool at_end_ = false;
  std::string buffer_;
  std::unique_ptr<Editor> editor_;
};

/// A message: one line; several, each but the last with a backslash at its end; or all between """
/// and """.
LineReader::Got ReadMessage(LineReader& reader, std::string& message);

}  // namespace retort::cli
