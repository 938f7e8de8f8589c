#pragma once
// The one thread pool. Work is cut into tiles by the caller, independent of the number of threads;
// which thread runs a tile never changes a result.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace retort {

/// `threads`, or one per hardware thread for 0. Throws Error unless 0 to 4096.
int ThreadCount(int threads);

class Executor {
 public:
  /// Of ThreadCount(threads) threads, the caller being one.
  explicit Executor(int threads = 0);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  int threads() const { return threads_; }

  /// Calls `body(tile, worker)` once for every tile in [0, tiles) and returns when all are done.
  /// `worker` in [0, threads()) is never in use twice at one time: it indexes per-worker scratch.
  /// The first exception thrown by a tile is rethrown here. Loops of several callers take turns;
  /// not to be called from inside a tile.
  template <class Body>
  void ParallelFor(int64_t tiles, const Body& body) const {
    Run(tiles, &body, [](const void* object, int64_t tile, int worker) {
      (*static_cast<const Body*>(object))(tile, worker);
    });
  }

 private:
  using Call = void (*)(const void* object, int64_t tile, int worker);
  void Run(int64_t tiles, const void* object, Call call) const;

  struct Impl;
  int threads_;
  std::unique_ptr<Impl> impl_;
  mutable std::mutex turn_;
};

/// Tasks that run beside the caller (judging while others decode). They have threads of their own,
/// so that a slow one never holds up a ParallelFor; a thread comes when a task finds none idle.
/// Wait() returns when all are done and rethrows the first exception; the destructor waits.
class TaskGroup {
 public:
  /// At most so many `threads`.
  explicit TaskGroup(int threads);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void Run(std::function<void()> task);
  void Wait();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort
