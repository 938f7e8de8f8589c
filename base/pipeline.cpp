#include "base/pipeline.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/executor.h"

// ThreadSanitizer does not see how oneTBB, which is not compiled for it, orders its tasks. This
// file is compiled without it (CMakeLists.txt), so that the headers' half is not seen either, and
// tells it what a pipeline promises: who begins comes after all that have ended.
#ifdef RETORT_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
// What oneTBB compares and frees of its own when its workers end.
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libtbb.so\n"; }
#endif

namespace retort::internal {
namespace {

class Ordered {
 public:
#ifdef RETORT_THREAD_SANITIZER
  explicit Ordered(void* address) : address_(address) { __tsan_acquire(address_); }
  ~Ordered() { __tsan_release(address_); }
#else
  explicit Ordered(void* address) : address_(address) {}
#endif
  Ordered(const Ordered&) = delete;
  Ordered& operator=(const Ordered&) = delete;

 private:
  [[maybe_unused]] void* address_;
};

// Where the system refuses oneTBB a thread, that ends the program. So it is asked first, once, for
// twice as many, since a thread that has ended counts a little longer.
int ThreadsToBeHad(int wanted) {
  static std::mutex mutex;
  static int asked = 1, most = 1;
  const std::lock_guard lock(mutex);
  if (wanted <= asked) return std::min(wanted, most);
  std::atomic<bool> enough = false;
  std::vector<std::thread> tried;
  const auto twice = static_cast<size_t>(2 * (wanted - 1));
  try {
    while (tried.size() < twice) tried.emplace_back([&] { enough.wait(false); });
  } catch (const std::system_error&) {  // so many and no more
  }
  enough = true;
  enough.notify_all();
  for (std::thread& thread : tried) thread.join();
  if (tried.size() < twice) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  asked = wanted;
  return most = std::max(most, std::min(wanted, 1 + static_cast<int>(tried.size())));
}

}  // namespace

void RunPipeline(int threads, int64_t places, const PipelineCalls& calls) {
  threads = ThreadsToBeHad(ThreadCount(threads));
  namespace tbb = oneapi::tbb;
  char order = 0;
  int64_t count = 0;
  const auto read = [&](tbb::flow_control& control) -> int64_t {
    const Ordered ordered(&order);
    const int64_t place = count % places;
    if (!calls.read(place)) control.stop();
    ++count;
    return place;
  };
  const auto work = [&](int64_t place) {
    const Ordered ordered(&order);
    calls.work(place);
    return place;
  };
  const auto write = [&](int64_t place) {
    const Ordered ordered(&order);
    calls.write(place);
  };
  // Without it there would be no more threads than processors.
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  tbb::task_arena arena(threads);
  { const Ordered begun(&order); }
  struct Ended {  // with an exception, too
    void* order;
    ~Ended() { const Ordered ended(order); }
  } const ended{&order};
  arena.execute([&] {
    tbb::parallel_pipeline(
        static_cast<size_t>(places),
        tbb::make_filter<void, int64_t>(tbb::filter_mode::serial_in_order, read) &
            tbb::make_filter<int64_t, int64_t>(tbb::filter_mode::parallel, work) &
            tbb::make_filter<int64_t, void>(tbb::filter_mode::serial_in_order, write));
  });
}

}  // namespace retort::internal
