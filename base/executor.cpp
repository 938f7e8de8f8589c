#include "base/executor.h"

#ifdef RETORT_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/tbb_arena.h"

namespace retort {

namespace {

// oneTBB orders what these calls say, but as it is not instrumented ThreadSanitizer has to be told:
// what a thread did before Release(mark) is visible to one that has called Acquire(mark) since.
void Release([[maybe_unused]] void* mark) {
#ifdef RETORT_THREAD_SANITIZER
  __tsan_release(mark);
#endif
}
void Acquire([[maybe_unused]] void* mark) {
#ifdef RETORT_THREAD_SANITIZER
  __tsan_acquire(mark);
#endif
}

}  // namespace

struct Executor::Impl {
  explicit Impl(int threads) : arena(threads), worker_marks(static_cast<size_t>(threads)) {}
  TbbArena arena;
  std::vector<int64_t> worker_marks;  // a worker index may pass from thread to thread
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
  struct Loop {
    const void* object;
    Call call;
    int64_t* worker_marks;
    int64_t begin_mark = 0, end_mark = 0;
  } loop{object, call, impl_->worker_marks.data()};
  const auto run_range = [](void* context, int64_t begin, int64_t end, int worker) {
    Loop& loop = *static_cast<Loop*>(context);
    Acquire(&loop.begin_mark);
    Acquire(&loop.worker_marks[worker]);
    struct AtEnd {  // also when a tile throws
      Loop& loop;
      int64_t* worker_mark;
      ~AtEnd() {
        Release(worker_mark);
        Release(&loop.end_mark);
      }
    } at_end{loop, &loop.worker_marks[worker]};
    for (int64_t tile = begin; tile < end; ++tile) loop.call(loop.object, tile, worker);
  };
  Release(&loop.begin_mark);
  try {
    impl_->arena.ForRanges(tiles, &loop, run_range);
  } catch (...) {
    Acquire(&loop.end_mark);
    throw;
  }
  Acquire(&loop.end_mark);
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
