#pragma once
// A timeline of what ran when on which worker, and what it adds up to.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace retort {

/// Events may lie inside each other on one worker (tiles of an op inside a stage). Add may be
/// called by all workers at once, each with its own number; everything else by one thread alone.
class Profile {
 public:
  using Clock = std::chrono::steady_clock;
  /// Keeps at most `limit` events per worker; later ones are counted as dropped.
  explicit Profile(int workers, size_t limit = size_t{1} << 21);

  /// `name` must outlive the profile (a literal, or Intern).
  void Add(int worker, const char* name, Clock::time_point begin, Clock::time_point end) {
    Lane& lane = lanes_[static_cast<size_t>(worker)];
    if (lane.events.size() == limit_) {
      ++lane.dropped;
      return;
    }
    lane.events.push_back({name, begin, end});
  }
  const char* Intern(const std::string& name);
  void Clear();

  /// Seconds of all workers by name, without what lies inside, longest first.
  std::vector<std::pair<std::string, double>> Parts() const;
  /// The trace event format that chrome://tracing and Perfetto open; microseconds since the first
  /// event. Throws Error when the file cannot be written.
  void WriteChromeTrace(const std::filesystem::path& file) const;

 private:
  struct Event {
    const char* name;
    Clock::time_point begin, end;
  };
  struct alignas(64) Lane {  // workers write beside each other
    std::vector<Event> events;
    int64_t dropped = 0;
  };
  size_t limit_;
  std::vector<Lane> lanes_;
  std::vector<std::unique_ptr<std::string>> names_;
};

/// Adds its own lifetime; does nothing without a profile.
class ProfileScope {
 public:
  ProfileScope(Profile* profile, int worker, const char* name)
      : profile_(profile), worker_(worker), name_(name) {
    if (profile_) begin_ = Profile::Clock::now();
  }
  ~ProfileScope() {
    if (profile_) profile_->Add(worker_, name_, begin_, Profile::Clock::now());
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  Profile* profile_;
  int worker_;
  const char* name_;
  Profile::Clock::time_point begin_;
};

}  // namespace retort
