#include "base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/error.h"

namespace retort::executor_test {
namespace {

class ExecutorThreads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(, ExecutorThreads, testing::Values(1, 2, 3, 8),
                         testing::PrintToStringParamName());

TEST_P(ExecutorThreads, EveryTileRunsExactlyOnce) {
  const Executor executor(GetParam());
  EXPECT_EQ(executor.threads(), GetParam());
  for (const int64_t tiles : {0, 1, 2, 7, 64, 1000}) {
    std::vector<int> runs(static_cast<size_t>(tiles), 0);  // plain ints: TSan would see a sharing
    executor.ParallelFor(tiles, [&](int64_t tile, int) { ++runs[static_cast<size_t>(tile)]; });
    EXPECT_EQ(std::count(runs.begin(), runs.end(), 1), tiles);
  }
}

TEST_P(ExecutorThreads, AWorkerIndexIsNeverInUseTwice) {
  const Executor executor(GetParam());
  std::vector<std::atomic<int>> in_use(static_cast<size_t>(GetParam()));
  std::atomic<int> clashes{0}, out_of_range{0};
  executor.ParallelFor(400, [&](int64_t, int worker) {
    if (worker < 0 || worker >= GetParam()) {
      ++out_of_range;
      return;
    }
    std::atomic<int>& mine = in_use[static_cast<size_t>(worker)];
    if (++mine != 1) ++clashes;
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    --mine;
  });
  EXPECT_EQ(clashes, 0);
  EXPECT_EQ(out_of_range, 0);
}

TEST_P(ExecutorThreads, SeveralCallersTakeTurns) {
  const Executor executor(GetParam());
  std::vector<int> scratch(static_cast<size_t>(GetParam()));  // plain: TSan would see a sharing
  std::vector<std::atomic<int>> runs(3 * 50);
  std::vector<std::thread> callers;
  for (int64_t caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&, caller] {
      for (const int64_t tiles : {1, 50, 0, 50}) {
        executor.ParallelFor(tiles, [&](int64_t tile, int worker) {
          ++scratch[static_cast<size_t>(worker)];
          ++runs[static_cast<size_t>(50 * caller + tile)];
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i], i % 50 == 0 ? 3 : 2) << i;
  EXPECT_EQ(std::accumulate(scratch.begin(), scratch.end(), 0), 3 * 101);
}

// Scratch per worker and results handed from one loop to the next, all in plain memory: what
// kernels do. Under ThreadSanitizer this shows that the executor's ordering is visible to it.
TEST_P(ExecutorThreads, PlainMemoryIsOrderedBetweenLoopsAndWorkers) {
  const Executor executor(GetParam());
  constexpr int64_t kTiles = 64;
  std::vector<int64_t> values(kTiles, 1), scratch(static_cast<size_t>(GetParam()), 0);
  for (int round = 0; round < 50; ++round) {
    executor.ParallelFor(kTiles, [&](int64_t tile, int worker) {
      int64_t& mine = scratch[static_cast<size_t>(worker)];
      mine = values[static_cast<size_t>(tile)];
      values[static_cast<size_t>(tile)] = mine + 1;
    });
    std::rotate(values.begin(), values.begin() + 1, values.end());  // other tiles touch them next
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), kTiles * 51);
}

TEST_P(ExecutorThreads, LoopsAreWholeWhateverTheGapsBetweenThem) {
  const Executor executor(GetParam());
  std::vector<int> runs(7, 0);
  for (int round = 0; round < 3000; ++round) {
    executor.ParallelFor(7, [&](int64_t tile, int) { ++runs[static_cast<size_t>(tile)]; });
    if (round % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // they sleep
  }
  EXPECT_EQ(std::count(runs.begin(), runs.end(), 3000), 7);
}

TEST(Executor, TwoDoNotTakeEachOthersThreads) {
  const Executor narrow(2), wide(4);
  for (const Executor* executor : {&wide, &narrow}) {
    std::atomic<int> arrived{0};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    executor->ParallelFor(executor->threads(), [&](int64_t, int) {
      for (++arrived; arrived < executor->threads();) {  // needs all of them at one time
        if (std::chrono::steady_clock::now() > deadline) break;
        std::this_thread::yield();
      }
    });
    EXPECT_EQ(arrived, executor->threads());
    EXPECT_LT(std::chrono::steady_clock::now(), deadline);
  }
}

TEST_P(ExecutorThreads, ExceptionsReachTheCallerAndTheExecutorLivesOn) {
  const Executor executor(GetParam());
  for (int round = 0; round < 5; ++round) {
    try {
      executor.ParallelFor(100, [](int64_t tile, int) {
        if (tile == 37) throw Error("tile 37 failed");
      });
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "tile 37 failed");
    }
    std::atomic<int> runs{0};
    executor.ParallelFor(100, [&](int64_t, int) { ++runs; });
    EXPECT_EQ(runs, 100);
  }
}

TEST(Executor, MoreThreadsThanOneReallyWork) {
  const Executor executor(2);
  std::atomic<int> arrived{0};
  std::atomic<bool> met{false};
  executor.ParallelFor(2, [&](int64_t, int) {
    ++arrived;
    for (int i = 0; i < 5000 && !met; ++i) {
      if (arrived == 2) met = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_TRUE(met);
}

TEST(Executor, ZeroMeansAllCoresAndNonsenseIsRefused) {
  EXPECT_GE(Executor(0).threads(), 1);
  EXPECT_THROW(Executor(-1), Error);
  EXPECT_THROW(Executor(100000), Error);
}

TEST(TaskGroup, WaitReturnsAfterEveryTaskAndTheGroupIsReusable) {
  TaskGroup group(3);
  std::vector<int> done(40, 0);
  for (int round = 0; round < 3; ++round) {
    for (int& value : done) group.Run([&value] { ++value; });
    group.Wait();
    EXPECT_EQ(done, std::vector<int>(40, round + 1));
  }
}

TEST(TaskGroup, TasksRunBesideTheCaller) {
  TaskGroup group(1);
  std::atomic<bool> go{false};
  group.Run([&] {
    while (!go) std::this_thread::yield();
  });
  go = true;  // would never be reached if Run() ran the task itself
  group.Wait();
}

TEST(TaskGroup, WaitRethrowsTheFirstExceptionOnce) {
  TaskGroup group(2);
  std::atomic<int> ran{0};
  group.Run([] { throw Error("judge failed"); });
  for (int i = 0; i < 10; ++i) group.Run([&] { ++ran; });
  EXPECT_THROW(group.Wait(), Error);
  EXPECT_EQ(ran, 10);
  EXPECT_NO_THROW(group.Wait());
}

TEST(TaskGroup, TheDestructorFinishesWhatWasQueued) {
  std::atomic<int> ran{0};
  {
    TaskGroup group(1);
    for (int i = 0; i < 20; ++i) group.Run([&] { ++ran; });
  }
  EXPECT_EQ(ran, 20);
}

TEST(TaskGroup, WhatATaskCapturedIsGoneAfterWait) {
  TaskGroup group(2);
  const auto held = std::make_shared<int>(1);
  for (int i = 0; i < 50; ++i) {
    group.Run([held] {});
    group.Wait();
    ASSERT_EQ(held.use_count(), 1);
  }
}

TEST(TaskGroup, RunsAsManyAtATimeAsItMay) {
  TaskGroup group(5);
  std::atomic<int> inside{0};
  for (int i = 0; i < 5; ++i) {
    group.Run([&] {
      ++inside;
      while (inside < 5) std::this_thread::yield();
    });
  }
  group.Wait();
  EXPECT_EQ(inside, 5);
}

TEST(TaskGroup, NeedsAThread) { EXPECT_THROW(TaskGroup(0), Error); }

}  // namespace
}  // namespace retort::executor_test
