#include "base/executor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace retort {

namespace {

// A pause in a loop that waits for another core.
void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits for `ready()`, at first without letting the core go.
template <class Ready>
void SpinUntil(const Ready& ready) {
  for (int i = 0; !ready(); ++i) i < 1000 ? Pause() : std::this_thread::yield();
}

}  // namespace

// A loop is open while its tiles may be taken. A worker says that it is inside before it looks
// whether the loop is open, the caller closes the loop before it looks who is inside, and in one
// order of all such steps (sequential consistency) one of them sees the other. So a worker that
// comes late finds the loop closed, and one that came in time is waited for.
struct Executor::Impl {
  explicit Impl(int workers, bool cores_for_all) : spins(cores_for_all ? kSpins : 0) {
    try {
      for (int worker = 1; worker < workers; ++worker) {
        threads.emplace_back([this, worker] { Work(worker); });
      }
    } catch (const std::system_error& error) {
      const size_t started = threads.size() + 1;
      Stop();
      Fail("threads: the system gave ", started, " of ", workers, " (", error.what(),
           "). Ask for fewer");
    }
  }
  ~Impl() { Stop(); }

  void Stop() {
    closing = true;
    Wake();
    for (std::thread& thread : threads) thread.join();
  }

  void Wake() {
    round.fetch_add(1);
    round.notify_all();
  }

  // A worker looks for the next loop for some 50 microseconds, as long as the gaps between the ops
  // of a layer last, before it sleeps.
  static constexpr int kSpins = 1500;
  void Work(int worker) {
    for (uint32_t seen = 0; !closing;) {
      for (int i = 0; i < spins && round.load() == seen; ++i) Pause();
      round.wait(seen);
      seen = round.load();
      inside.fetch_add(1);
      if (open.load()) RunTiles(worker);
      inside.fetch_sub(1);
    }
  }

  // Takes tiles, many at a time while there are many left.
  void RunTiles(int worker) {
    const int64_t share = 4 * static_cast<int64_t>(threads.size() + 1);
    int64_t begin = next.load(std::memory_order_relaxed);
    while (begin < tiles) {
      const int64_t end = begin + std::max<int64_t>(1, (tiles - begin) / share);
      if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
      try {
        for (; begin < end; ++begin) call(object, begin, worker);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
        next.store(tiles, std::memory_order_relaxed);
      }
      begin = next.load(std::memory_order_relaxed);
    }
  }

  void Run(int64_t count, const void* body, Call body_call) {
    tiles = count;
    object = body;
    call = body_call;
    next.store(0, std::memory_order_relaxed);
    open.store(true);
    Wake();
    RunTiles(0);
    open.store(false);
    SpinUntil([this] { return inside.load() == 0; });
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  // The loop; written by the caller while nobody is inside.
  int64_t tiles = 0;
  const void* object = nullptr;
  Call call = nullptr;

  int spins;
  std::vector<std::thread> threads;
  std::mutex error_mutex;
  std::exception_ptr error;
  std::atomic<bool> closing{false};
  alignas(64) std::atomic<uint32_t> round{0};
  std::atomic<bool> open{false};
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<int> inside{0};
};

int ThreadCount(int threads) {
  RETORT_CHECK(threads >= 0 && threads <= 4096, "threads: got ", threads,
               ", expected 0 (all cores) to 4096");
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Executor::Executor(int threads) : threads_(ThreadCount(threads)) {
  if (threads_ > 1) {
    impl_ = std::make_unique<Impl>(
        threads_, threads_ <= static_cast<int>(std::thread::hardware_concurrency()));
  }
}

Executor::~Executor() = default;

void Executor::Run(int64_t tiles, const void* object, Call call) const {
  const std::lock_guard turn(turn_);
  if (impl_ && tiles > 1) return impl_->Run(tiles, object, call);
  for (int64_t tile = 0; tile < tiles; ++tile) call(object, tile, 0);
}

struct TaskGroup::Impl {
  std::mutex mutex;
  std::condition_variable wake, idle;
  std::deque<std::function<void()>> queue;
  size_t running = 0;
  size_t most = 1, idlers = 0;  // threads; those without a task
  bool closing = false;
  std::exception_ptr error;
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      ++idlers;
      wake.wait(lock, [&] { return closing || !queue.empty(); });
      --idlers;
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
  impl_->most = static_cast<size_t>(threads);
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
    if (impl_->queue.size() > impl_->idlers && impl_->threads.size() < impl_->most) {
      try {
        impl_->threads.emplace_back([impl = impl_.get()] { impl->Work(); });
      } catch (const std::system_error& error) {  // those that are there go on
        RETORT_CHECK(!impl_->threads.empty(), "threads: the system gave none (", error.what(), ")");
      }
    }
  }
  impl_->wake.notify_one();
}

void TaskGroup::Wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait(lock, [&] { return impl_->running == 0 && impl_->queue.empty(); });
  if (impl_->error) std::rethrow_exception(std::exchange(impl_->error, nullptr));
}

}  // namespace retort
