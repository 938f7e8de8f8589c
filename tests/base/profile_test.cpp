#include "base/profile.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"

namespace retort::profile_test {
namespace {

Profile::Clock::time_point At(int milliseconds) {
  return Profile::Clock::time_point(std::chrono::milliseconds(milliseconds));
}

TEST(Profile, PartsAreWhatNothingInsideTook) {
  Profile profile(2);
  profile.Add(0, "gemm", At(10), At(14));  // inside the stage, which is recorded when it ends
  profile.Add(0, "norm", At(14), At(15));
  profile.Add(0, "stage", At(0), At(20));
  profile.Add(1, "gemm", At(3), At(9));
  const auto parts = profile.Parts();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].first, "stage");
  EXPECT_NEAR(parts[0].second, 0.015, 1e-12);
  EXPECT_EQ(parts[1].first, "gemm");
  EXPECT_NEAR(parts[1].second, 0.010, 1e-12);
  EXPECT_EQ(parts[2].first, "norm");
  EXPECT_NEAR(parts[2].second, 0.001, 1e-12);
}

TEST(Profile, WritesTheTraceEventFormat) {
  const TemporaryFolder folder;
  Profile profile(2);
  profile.Add(1, profile.Intern("a \"stage\""), At(1000), At(1002));
  profile.Add(0, "gemm", At(1001), At(1005));
  profile.WriteChromeTrace(folder.path() / "trace.json");
  const Json trace = ParseJson(ReadFile(folder.path() / "trace.json"), "trace");
  std::vector<Json> events;
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] == "X") events.push_back(event);
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["name"], "gemm");
  EXPECT_EQ(events[0]["tid"], 0);
  EXPECT_EQ(events[0]["ts"], 1000.0);
  EXPECT_EQ(events[0]["dur"], 4000.0);
  EXPECT_EQ(events[1]["name"], "a \"stage\"");
  EXPECT_EQ(events[1]["ts"], 0.0);
  EXPECT_EQ(trace["otherData"]["dropped_events"], 0);
}

TEST(Profile, KeepsNoMoreThanItsLimitAndSaysSo) {
  const TemporaryFolder folder;
  Profile profile(1, 3);
  for (int i = 0; i < 5; ++i) profile.Add(0, "op", At(i), At(i + 1));
  EXPECT_NEAR(profile.Parts()[0].second, 0.003, 1e-12);
  profile.WriteChromeTrace(folder.path() / "trace.json");
  const Json trace = ParseJson(ReadFile(folder.path() / "trace.json"), "trace");
  EXPECT_EQ(trace["otherData"]["dropped_events"], 2);
  profile.Clear();
  EXPECT_TRUE(profile.Parts().empty());
}

}  // namespace
}  // namespace retort::profile_test
