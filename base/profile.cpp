#include "base/profile.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/output_file.h"

namespace retort {

Profile::Profile(int workers, size_t limit) : limit_(limit), lanes_(static_cast<size_t>(workers)) {}

const char* Profile::Intern(const std::string& name) {
  return names_.emplace_back(std::make_unique<std::string>(name))->c_str();
}

void Profile::Clear() {
  for (Lane& lane : lanes_) {
    lane.events.clear();
    lane.dropped = 0;
  }
}

std::vector<std::pair<std::string, double>> Profile::Parts() const {
  std::map<std::string, double> seconds;
  for (const Lane& lane : lanes_) {
    // Outer events first; what an event takes is taken from the one it lies in.
    std::vector<Event> events = lane.events;
    std::ranges::stable_sort(events, [](const Event& a, const Event& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
    });
    std::vector<const Event*> open;
    for (const Event& event : events) {
      while (!open.empty() && open.back()->end <= event.begin) open.pop_back();
      const double own = std::chrono::duration<double>(event.end - event.begin).count();
      seconds[event.name] += own;
      if (!open.empty()) seconds[open.back()->name] -= own;
      open.push_back(&event);
    }
  }
  std::vector<std::pair<std::string, double>> parts(seconds.begin(), seconds.end());
  std::ranges::stable_sort(parts, [](const auto& a, const auto& b) { return a.second > b.second; });
  return parts;
}

void Profile::WriteChromeTrace(const std::filesystem::path& file) const {
  Clock::time_point start = Clock::time_point::max();
  int64_t dropped = 0;
  for (const Lane& lane : lanes_) {
    for (const Event& event : lane.events) start = std::min(start, event.begin);
    dropped += lane.dropped;
  }
  const auto microseconds = [](Clock::duration d) {
    return std::chrono::duration<double, std::micro>(d).count();
  };
  std::string text =
      "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped_events\":" + std::to_string(dropped) +
      "},\"traceEvents\":[";
  const char* separator = "\n";
  for (size_t worker = 0; worker < lanes_.size(); ++worker) {
    text += separator;
    separator = ",\n";
    text += ToJsonLine({{"ph", "M"},
                        {"name", "thread_name"},
                        {"pid", 1},
                        {"tid", worker},
                        {"args", {{"name", "worker " + std::to_string(worker)}}}});
    for (const Event& event : lanes_[worker].events) {
      text += separator;
      text += ToJsonLine({{"ph", "X"},
                          {"name", event.name},
                          {"pid", 1},
                          {"tid", worker},
                          {"ts", microseconds(event.begin - start)},
                          {"dur", microseconds(event.end - event.begin)}});
    }
  }
  OutputFile out(OutputTarget(file, {}));
  out.Write(text + "\n]}\n");
  out.Commit();
}

}  // namespace retort
