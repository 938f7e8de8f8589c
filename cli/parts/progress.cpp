#include "cli/parts/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/error.h"
#include "cli/parts/table.h"

namespace retort::cli {
namespace {

constexpr int kBarWidth = 24;

void WriteError(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Progress::Progress(std::string label)
    : label_(std::move(label)),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { Clear(); }

void Progress::Update(double done, double total, std::string_view detail) {
  done_ = done;
  total_ = total;
  const auto now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (now - last_ < pause) return;
  last_ = now;
  detail_ = detail;
  Draw();
}

void Progress::Draw() {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double share = total_ > 0 ? std::clamp(done_ / total_, 0.0, 1.0) : 0;
  std::string line = label_;
  if (total_ > 0) {
    if (terminal_) {
      const int filled = static_cast<int>(share * kBarWidth);
      line += " [" + std::string(filled, '=') + std::string(kBarWidth - filled, ' ') + "]";
    }
    line += " " + Fixed(100 * share, 0) + " %";
  }
  if (!detail_.empty()) line += "  " + detail_;
  line += "  " + Duration(seconds);
  if (share > 0.02 && share < 1) line += ", " + Duration(seconds / share - seconds) + " left";
  if (!terminal_) {
    WriteError(line + "\n");
    return;
  }
  const size_t known = TerminalWidth(STDERR_FILENO), width = known == 0 ? 80 : known;
  WriteError("\r\x1b[K" + Shorten(line, width - 1));
  drawn_ = true;
}

void Progress::Note(std::string_view line) {
  const bool redraw = drawn_;
  Clear();
  WriteError((terminal_ ? Spelled(line) : std::string(line)) + "\n");
  if (redraw) Draw();
}

void Progress::Clear() {
  if (drawn_) WriteError("\r\x1b[K");
  drawn_ = false;
}

}  // namespace retort::cli
