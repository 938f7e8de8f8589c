#include "train/recorder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/strings.h"
#include "tests/support/stage_run.h"
#include "tests/support/trace_step.h"
#include "train/internal/tensorboard.h"

namespace retort::train::recorder_test {
namespace {

namespace fs = std::filesystem;

/// The events of the only file in tb/, each without the wall time that it begins with.
std::vector<std::string> Events(const fs::path& folder) {
  std::vector<std::string> files, events;
  for (const auto& entry : fs::directory_iterator(folder / "tb")) {
    if (entry.path().filename() != "notes") files.push_back(entry.path());
  }
  EXPECT_EQ(files.size(), 1u);
  const std::string bytes = ReadFile(files.at(0));
  for (size_t at = 0; at < bytes.size();) {
    const auto size = static_cast<size_t>(static_cast<unsigned char>(bytes.at(at))) +
                      256 * static_cast<size_t>(static_cast<unsigned char>(bytes.at(at + 1)));
    events.push_back(bytes.substr(at + 12 + 9, size - 9));
    at += size + 16;
  }
  return events;
}

std::string Expected(int64_t step, const Metrics& metrics) {
  const std::string record = TensorBoardScalars(0, step, metrics);
  return record.substr(12 + 9, record.size() - 16 - 9);
}

class RecorderTest : public ::testing::Test {
 protected:
  TraceStep Record(int64_t stage_index, int64_t step, Metrics metrics) const {
    return {{run_, stage_index, step}, StrCat("stage", stage_index), std::move(metrics), {}};
  }

  TemporaryFolder folder_;
  datasets::TraceStore store_{folder_.path() / "traces.db", datasets::TraceStore::Mode::kWrite};
  int64_t run_ = store_.CreateRun("run", Json::object());
};

TEST_F(RecorderTest, AStepAppearsInAllThree) {
  Recorder recorder(folder_.path(), store_, run_);
  TraceStep record = Record(2, 7, {{"loss", 0.5}, {"accuracy", 0.25}});
  Trace trace;
  trace.problem.prompt = "1+1";
  trace.text = "two";
  record.traces = {trace, trace};
  const std::vector<int64_t> ids = recorder.Step(record);
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(store_.Read(ids[1]).text, "two");
  ASSERT_EQ(store_.Steps(run_).size(), 1u);
  EXPECT_EQ(store_.Steps(run_)[0].metrics, (Metrics{{"accuracy", 0.25}, {"loss", 0.5}}));
  EXPECT_EQ(ParseJson(ReadFile(folder_.path() / "metrics.jsonl"), "line"),
            (Json{{"stage_index", 2},
                  {"stage", "stage2"},
                  {"step", 7},
                  {"accuracy", 0.25},
                  {"loss", 0.5}}));
  const std::vector<std::string> events = Events(folder_.path());
  ASSERT_EQ(events.size(), 2u);  // the header first
  EXPECT_EQ(events[1], Expected(7, {{"stage2/accuracy", 0.25}, {"stage2/loss", 0.5}}));
  EXPECT_THROW(recorder.Step(record), Error);  // the same place twice
  EXPECT_EQ(Events(folder_.path()).size(), 2u);
}

TEST_F(RecorderTest, TheFilesAreMadeAgainFromTheDatabase) {
  std::string lines;
  std::vector<std::string> events;
  {
    Recorder recorder(folder_.path(), store_, run_);
    recorder.Step(Record(0, 1, {{"loss", 0.1}, {"a", -3}}));
    recorder.Step(Record(0, 2, {{"loss", std::numeric_limits<double>::quiet_NaN()}}));
    recorder.Step(Record(1, 1, {{"b", 1e-300}}));
    lines = ReadFile(folder_.path() / "metrics.jsonl");
    events = Events(folder_.path());
    EXPECT_NE(lines.find(R"("loss":null)"), std::string::npos) << lines;
    EXPECT_EQ(Split(Trim(lines), '\n').size(), 3u);
  }
  store_.AppendStep({{store_.CreateRun("other", Json::object()), 0, 1}, "x", {{"loss", 9}}, {}});
  // What a killed run may leave: half a line, and a second file of events.
  AppendFile(folder_.path() / "metrics.jsonl").Write("{\"stage_index\": 1, \"sta");
  WriteFileAtomic(folder_.path() / "tb" / "events.out.tfevents.1.retort.7.0", "junk");
  WriteFileAtomic(folder_.path() / "tb" / "notes", "somebody's");
  {
    Recorder recorder(folder_.path(), store_, run_);
    EXPECT_EQ(ReadFile(folder_.path() / "metrics.jsonl"), lines);
    EXPECT_EQ(Events(folder_.path()), events);
    recorder.Step(Record(1, 2, {{"b", 2}}));
  }
  EXPECT_EQ(ReadFile(folder_.path() / "tb" / "notes"), "somebody's");
  EXPECT_EQ(ReadFile(folder_.path() / "metrics.jsonl").substr(0, lines.size()), lines);
  EXPECT_EQ(Events(folder_.path()).back(), Expected(2, {{"stage1/b", 2}}));
  fs::remove_all(folder_.path() / "tb");
  fs::remove(folder_.path() / "metrics.jsonl");
  store_.CutBack({run_, 0, 2});
  const Recorder recorder(folder_.path(), store_, run_);
  EXPECT_EQ(Split(Trim(ReadFile(folder_.path() / "metrics.jsonl")), '\n').size(), 2u);
  events.pop_back();
  EXPECT_EQ(Events(folder_.path()), events);
}

TEST_F(RecorderTest, AFolderThatCannotBeWrittenIsNamed) {
  WriteFileAtomic(folder_.path() / "file", "x");
  try {
    const Recorder recorder(folder_.path() / "file", store_, run_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find((folder_.path() / "file").string()),
              std::string::npos);
  }
}

}  // namespace
}  // namespace retort::train::recorder_test
