#include "base/executor.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace retort {

// `global_control` lets an executor have more threads than the machine has cores (tests do).
struct Executor::Impl {
  explicit Impl(int threads)
      : control(oneapi::tbb::global_control::max_allowed_parallelism, static_cast<size_t>(threads)),
        arena(threads, 1),
        workers(static_cast<size_t>(threads)) {}

  // A worker index may pass from thread to thread. Its `turn`, stored and loaded, tells
  // ThreadSanitizer of the ordering that oneTBB, not instrumented, provides at that moment.
  struct alignas(64) Worker {
    std::atomic<int> turn{0};
  };

  oneapi::tbb::global_control control;
  oneapi::tbb::task_arena arena;
  std::vector<Worker> workers;
};

Executor::Executor(int threads)
    : threads_(threads > 0 ? threads
                           : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {
  RETORT_CHECK(threads >= 0 && threads <= 4096, "threads: got ", threads,
               ", expected 0 (all cores) to 4096");
  if (threads_ > 1) impl_ = std::make_unique<Impl>(threads_);
}

Executor::~Executor() = default;

void Executor::Run(int64_t tiles, const void* object, Call call) const {
  if (!impl_ || tiles <= 1) {
    for (int64_t tile = 0; tile < tiles; ++tile) call(object, tile, 0);
    return;
  }
  // For ThreadSanitizer, too: what the caller did comes before the tiles, the tiles before its
  // return.
  std::atomic<int> started{0}, finished{0};
  started.store(1, std::memory_order_release);
  const auto run_range = [&](const oneapi::tbb::blocked_range<int64_t>& range) {
    started.load(std::memory_order_acquire);
    const int index = oneapi::tbb::this_task_arena::current_thread_index();
    std::atomic<int>& turn = impl_->workers[static_cast<size_t>(index)].turn;
    turn.load(std::memory_order_acquire);
    struct AtEnd {  // also when a tile throws
      std::atomic<int>&turn, &finished;
      ~AtEnd() {
        turn.store(1, std::memory_order_release);
        finished.fetch_add(1, std::memory_order_release);
      }
    } at_end{turn, finished};
    for (int64_t tile = range.begin(); tile < range.end(); ++tile) call(object, tile, index);
  };
  const auto run_all = [&] {
    oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<int64_t>(0, tiles, 1), run_range);
  };
  try {
    impl_->arena.execute(run_all);
  } catch (...) {
    finished.load(std::memory_order_acquire);
    throw;
  }
  finished.load(std::memory_order_acquire);
}

struct TaskGroup::Impl {
  std::mutex mutex;
  std::condition_variable wake, idle;
  std::deque<std::function<void()>> queue;
  size_t running = 0;
  bool closing = false;
  std::exception_ptr error;
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return closing || !queue.empty(); });
      if (queue.empty()) return;
      std::function<void()> task = std::move(queue.front());
      queue.pop_front();
      ++running;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        task();
      } catch (...) {
        thrown = std::current_exception();
      }
      task = nullptr;  // what it captured is gone before Wait() returns, and outside the lock
      lock.lock();
      if (thrown && !error) error = thrown;
      --running;
      if (running == 0 && queue.empty()) idle.notify_all();
    }
  }
};

TaskGroup::TaskGroup(int threads) : impl_(std::make_unique<Impl>()) {
  RETORT_CHECK(threads > 0, "TaskGroup: got ", threads, " threads, expected at least 1");
  for (int i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->Work(); });
  }
}

TaskGroup::~TaskGroup() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->wake.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

void TaskGroup::Run(std::function<void()> task) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(std::move(task));
  }
  impl_->wake.notify_one();
}

void TaskGroup::Wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait(lock, [&] { return impl_->running == 0 && impl_->queue.empty(); });
  if (impl_->error) std::rethrow_exception(std::exchange(impl_->error, nullptr));
}

}  // namespace retort
