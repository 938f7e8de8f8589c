#pragma once
// The one thread pool. Work is cut into tiles by the caller, independent of the number of threads;
// which thread runs a tile never changes a result.

#include <cstdint>
#include <functional>
#include <memory>

namespace retort {

class Executor {
 public:
  /// `threads` >= 1, or 0 for one per hardware thread.
  explicit Executor(int threads = 0);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  int threads() const { return threads_; }

  /// Calls `body(tile, worker)` once for every tile in [0, tiles) and returns when all are done.
  /// `worker` in [0, threads()) is never in use twice at one time: it indexes per-worker scratch.
  /// The first exception thrown by a tile is rethrown here. Not to be nested, nor called
  /// from two threads at once.
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
