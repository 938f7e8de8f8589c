#include "cli/parts/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/output_file.h"
#include "base/strings.h"

namespace retort::cli {
namespace {

constexpr size_t kNarrowest = 60;
constexpr size_t kWidestHelp = 100;

// Bytes of the character at the front, 0 when they are not UTF-8.
size_t CharacterLength(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
    if (IsUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

// Of a character of two or three bytes; 0 of others.
unsigned CodePoint(std::string_view character) {
  const auto rest = [&](size_t i) { return static_cast<uint8_t>(character[i]) & 0x3Fu; };
  const auto first = static_cast<uint8_t>(character.empty() ? 0 : character[0]);
  if (character.size() == 2) return (first & 0x1Fu) << 6 | rest(1);
  if (character.size() == 3) return (first & 0x0Fu) << 12 | rest(1) << 6 | rest(2);
  return 0;
}

// Controls of writing direction, by which a text can look like another one.
bool TurnsText(unsigned code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string Hex(const char* format, unsigned value) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

class SpellingBuffer : public std::streambuf {
 public:
  explicit SpellingBuffer(std::streambuf* target) : target_(target) {}

 protected:
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char c = traits_type::to_char_type(byte);
    return Put({&c, 1}) ? byte : traits_type::eof();
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    return Put({bytes, static_cast<size_t>(count)}) ? count : 0;
  }
  int sync() override {
    const bool written = Write(pending_.size());
    return written && target_->pubsync() == 0 ? 0 : -1;
  }

 private:
  bool Put(std::string_view bytes) {
    pending_ += bytes;
    return Write(pending_.size() - UnfinishedUtf8(pending_));
  }
  bool Write(size_t size) {
    const std::string text = Spelled(std::string_view(pending_).substr(0, size));
    pending_.erase(0, size);
    const auto count = static_cast<std::streamsize>(text.size());
    return target_->sputn(text.data(), count) == count;
  }

  std::streambuf* target_;
  std::string pending_;
};

}  // namespace

std::string Spelled(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const auto byte = static_cast<uint8_t>(text[0]);
    if (length == 0 || (length == 1 && byte < 0x20 && byte != '\n' && byte != '\t') ||
        byte == 0x7F) {
      out += Hex("\\x%02x", byte);
    } else if (length == 2 && byte == 0xC2 && static_cast<uint8_t>(text[1]) < 0xA0) {
      out += Hex("\\u00%02x", static_cast<uint8_t>(text[1]));
    } else if (const unsigned code = CodePoint(text.substr(0, length)); TurnsText(code)) {
      out += Hex("\\u%04x", code);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

TerminalGuard::TerminalGuard() {
  if (isatty(STDOUT_FILENO) == 1) {
    out_ = std::make_unique<SpellingBuffer>(std::cout.rdbuf());
    plain_out_ = std::cout.rdbuf(out_.get());
  }
  if (isatty(STDERR_FILENO) == 1) {
    err_ = std::make_unique<SpellingBuffer>(std::cerr.rdbuf());
    plain_err_ = std::cerr.rdbuf(err_.get());
  }
}

TerminalGuard::~TerminalGuard() {
  if (out_) std::cout.flush().rdbuf(plain_out_);
  if (err_) std::cerr.flush().rdbuf(plain_err_);
}

void FlushOutput() {
  if (std::cout.flush()) return;
  pollfd state{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&state, 1, 0) == 1 && (state.revents & POLLERR) != 0) {
    throw BrokenPipe("standard output: nobody reads any more");
  }
  Fail("standard output: cannot write the results");
}

size_t TerminalWidth(int descriptor) {
  if (const char* columns = std::getenv("COLUMNS")) {
    const std::string_view text = columns;
    size_t width = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
    if (error == std::errc() && end == text.data() + text.size() && width > 0) return width;
  }
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t TableWidth() {
  if (isatty(STDOUT_FILENO) != 1) return 0;
  const size_t width = TerminalWidth(STDOUT_FILENO);
  return width == 0 ? 0 : std::max(width, kNarrowest);
}

size_t HelpWidth() {
  const size_t width = TerminalWidth(STDOUT_FILENO);
  return width == 0 ? 80 : std::clamp(width, kNarrowest, kWidestHelp);
}

}  // namespace retort::cli
