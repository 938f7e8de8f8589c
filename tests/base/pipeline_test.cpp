#include "base/pipeline.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>

#include "base/error.h"

namespace retort::pipeline_test {
namespace {

struct Number {
  int64_t value = 0;
  std::string text;
};

class PipelineThreads : public testing::TestWithParam<int> {};

TEST_P(PipelineThreads, WritesInTheOrderOfReading) {
  int64_t next = 0;
  std::vector<std::string> written;
  std::atomic<int64_t> under_way{0}, most{0};
  RunPipeline<Number>(
      GetParam(), 16,
      [&](Number& item) {
        if (next == 1000) return false;
        item.value = next++;
        most = std::max<int64_t>(most, ++under_way);
        return true;
      },
      [&](Number& item) {
        // The earlier ones of each dozen take longest.
        std::this_thread::sleep_for(std::chrono::microseconds(10 * (12 - item.value % 12)));
        item.text = std::to_string(item.value);
      },
      [&](Number& item) {
        written.push_back(item.text);
        --under_way;
      });
  ASSERT_EQ(written.size(), 1000u);
  for (size_t i = 0; i < written.size(); ++i) EXPECT_EQ(written[i], std::to_string(i));
  EXPECT_LE(most, 16);
}

TEST_P(PipelineThreads, TheFirstExceptionComesBack) {
  int64_t next = 0;
  std::set<int64_t> written;
  const auto run = [&](int64_t read_fails, int64_t work_fails, int64_t write_fails) {
    next = 0;
    written.clear();
    RunPipeline<Number>(
        GetParam(), 8,
        [&](Number& item) {
          if (next == read_fails) Fail("read ", next);
          item.value = next++;
          return next < 100;
        },
        [&](Number& item) {
          if (item.value == work_fails) Fail("work ", item.value);
        },
        [&](Number& item) {
          if (item.value == write_fails) Fail("write ", item.value);
          written.insert(item.value);
        });
  };
  const auto message = [&](int64_t read_fails, int64_t work_fails, int64_t write_fails) {
    try {
      run(read_fails, work_fails, write_fails);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message(50, -1, -1), "read 50");
  EXPECT_EQ(message(-1, 50, -1), "work 50");
  EXPECT_FALSE(written.contains(50));
  EXPECT_EQ(message(-1, -1, 50), "write 50");
  EXPECT_EQ(written.size(), 50u);
  EXPECT_EQ(message(-1, -1, -1), "");
  EXPECT_EQ(written.size(), 99u);
}

INSTANTIATE_TEST_SUITE_P(Threads, PipelineThreads, testing::Values(1, 2, 5));

TEST(Pipeline, HasAsManyThreadsAsAskedFor) {
  const int threads = 4 * std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::mutex mutex;
  std::condition_variable all;
  int here = 0, next = 0;
  RunPipeline<Number>(
      threads, threads, [&](Number&) { return next++ < threads; },
      [&](Number&) {  // goes on when all are there
        std::unique_lock lock(mutex);
        ++here;
        all.notify_all();
        EXPECT_TRUE(all.wait_for(lock, std::chrono::seconds(60), [&] { return here == threads; }));
      },
      [](Number&) {});
}

// The first waits until all others that may be under way beside it are done.
TEST(Pipeline, OneThatTakesLongHoldsUpNobodyBeside) {
  constexpr int64_t kPlaces = 32;
  std::atomic<int64_t> done{0};
  int64_t next = 0, written = 0;
  RunPipeline<Number>(
      2, kPlaces,
      [&](Number& item) {
        item.value = next++;
        return item.value < 100;
      },
      [&](Number& item) {
        if (item.value > 0) {
          ++done;
          return;
        }
        while (done < kPlaces - 1) std::this_thread::yield();
      },
      [&](Number&) { ++written; });
  EXPECT_EQ(written, 100);
}

// Root is not held to the limit, so that is another user's process.
TEST(Pipeline, MakesDoWithTheThreadsThatTheSystemGives) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](rlim_t limit) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    const rlimit processes{limit, limit};
    if (setrlimit(RLIMIT_NPROC, &processes) != 0) _exit(3);
    int next = 0, written = 0;
    RunPipeline<Number>(
        16, 16, [&](Number&) { return next++ < 100; }, [](Number&) {}, [&](Number&) { ++written; });
    _exit(written == 100 ? 0 : 4);
  };
  for (const rlim_t limit : {0, 2, 5, 20}) {
    EXPECT_EXIT(run(limit), testing::ExitedWithCode(0), "") << limit;
  }
}

}  // namespace
}  // namespace retort::pipeline_test
