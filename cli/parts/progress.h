#pragma once
// Progress on stderr: a bar that redraws itself on a terminal, an occasional plain line elsewhere.

#include <chrono>
#include <string>
#include <string_view>

namespace retort::cli {

/// Used by one thread; only one at a time.
class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();  ///< wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total` in any unit (total <= 0: unknown), with a few words beside it. Cheap to call
  /// often: draws at most ten times a second, or writes a line every ten seconds.
  void Update(double done, double total, std::string_view detail = {});
  /// A line of its own, above the bar.
  void Note(std::string_view line);
  void Clear();

 private:
  void Draw();

  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_, last_;
  double done_ = 0, total_ = 0;
  std::string detail_;
};

}  // namespace retort::cli
