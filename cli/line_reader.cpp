#include "cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <iostream>

#include "base/error.h"
#include "cli/parts/interrupt.h"
#ifdef RETORT_LIBEDIT
#include <histedit.h>
#endif

namespace retort::cli {
namespace {

constexpr const char* kPrompt = ">>> ";
constexpr const char* kMore = "... ";
constexpr const char* kQuotes = "\"\"\"";

// Waits for input; false when a signal came first.
bool AwaitInput() {
  while (!Interrupted()) {
    pollfd sources[] = {{STDIN_FILENO, POLLIN, 0}, {InterruptDescriptor(), POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0 && errno != EINTR) Fail("standard input: cannot be waited for");
    if (!Interrupted() && sources[0].revents != 0) return true;
  }
  return false;
}

// -1 is an error, 0 the end.
ssize_t ReadInput(char* buffer, size_t size) {
  ssize_t count = 0;
  do {
    count = ::read(STDIN_FILENO, buffer, size);
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

#ifdef RETORT_LIBEDIT

class LineReader::Editor {
 public:
  Editor() : history_(history_init()), editor_(el_init("retort", stdin, stderr, stderr)) {
    if (!history_ || !editor_) Fail("terminal: the line editor cannot start; is TERM set?");
    HistEvent done;
    history(history_, &done, H_SETSIZE, 1000);
    history(history_, &done, H_SETUNIQUE, 1);
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &Editor::Prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_SIGNAL, 0);
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_GETCFN, &Editor::GetCharacter);
    el_source(editor_, nullptr);
  }
  ~Editor() {
    if (editor_) el_end(editor_);
    if (history_) history_end(history_);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  Got Next(const std::string& prompt, std::string& line) {
    prompt_ = prompt;
    int count = 0;
    const char* text = el_gets(editor_, &count);
    if (Interrupted()) return Got::kInterrupted;
    if (!text || count <= 0) return Got::kEnd;
    HistEvent done;
    history(history_, &done, H_ENTER, text);
    line.assign(text, static_cast<size_t>(count));
    if (line.ends_with('\n')) line.pop_back();
    return Got::kLine;
  }

 private:
  static Editor& Of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }
  static char* Prompt(EditLine* editor) { return Of(editor).prompt_.data(); }
  // As libedit's own, but for signals.
  static int GetCharacter(EditLine*, wchar_t* character) {
    std::mbstate_t state{};
    while (true) {
      char byte = 0;
      if (!AwaitInput()) return -1;
      const ssize_t count = ReadInput(&byte, 1);
      if (count <= 0) return static_cast<int>(count);
      const size_t used = std::mbrtowc(character, &byte, 1, &state);
      if (used == static_cast<size_t>(-2)) continue;  // more bytes are to come
      if (used == static_cast<size_t>(-1)) *character = L'?';
      return 1;
    }
  }

  std::string prompt_;
  History* history_;
  EditLine* editor_;
};

#else

class LineReader::Editor {
 public:
  Got Next(const std::string&, std::string&) { return Got::kEnd; }
};

#endif

LineReader::LineReader() : terminal_(isatty(STDIN_FILENO) == 1) {
#ifdef RETORT_LIBEDIT
  const char* kind = std::getenv("TERM");
  if (!terminal_ || isatty(STDERR_FILENO) != 1 || !kind || std::string(kind) == "dumb") return;
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  editor_ = std::make_unique<Editor>();
#endif
}

LineReader::~LineReader() = default;

LineReader::Got LineReader::Next(const std::string& prompt, std::string& line) {
  if (!editor_) return NextPlain(prompt, line);
  std::cerr.flush();
  return editor_->Next(prompt, line);
}

LineReader::Got LineReader::NextPlain(const std::string& prompt, std::string& line) {
  if (terminal_) std::cerr << prompt << std::flush;
  while (true) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos || (at_end_ && !buffer_.empty())) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end == std::string::npos ? end : end + 1);
      return Got::kLine;
    }
    if (at_end_) return Got::kEnd;
    if (!AwaitInput()) {
      buffer_.clear();
      return Got::kInterrupted;
    }
    char bytes[4096];
    const ssize_t count = ReadInput(bytes, sizeof bytes);
    RETORT_CHECK(count >= 0, "standard input: cannot be read");
    if (count == 0 && terminal_ && buffer_.empty()) return Got::kEnd;
    at_end_ = count == 0;
    buffer_.append(bytes, static_cast<size_t>(count));
  }
}

LineReader::Got ReadMessage(LineReader& reader, std::string& message) {
  using Got = LineReader::Got;
  const auto next = [&](const char* prompt, std::string& line) {
    const Got got = reader.Next(prompt, line);
    if (got == Got::kLine && line.ends_with('\r')) line.pop_back();
    return got;
  };
  if (const Got got = next(kPrompt, message); got != Got::kLine) return got;
  std::string line;
  if (message.starts_with(kQuotes)) {
    message.erase(0, 3);
    for (bool first = message.empty(); !message.ends_with(kQuotes); first = false) {
      const Got got = next(kMore, line);
      if (got == Got::kInterrupted) return got;
      if (got == Got::kEnd) return Got::kLine;  // as far as it came
      message += (first ? "" : "\n") + line;
    }
    message.resize(message.size() - 3);
    return Got::kLine;
  }
  while (message.ends_with('\\')) {
    message.back() = '\n';
    const Got got = next(kMore, line);
    if (got == Got::kInterrupted) return got;
    if (got == Got::kEnd) break;
    message += line;
  }
  return Got::kLine;
}

}  // namespace retort::cli
