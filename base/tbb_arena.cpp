// Compiled without ThreadSanitizer (see CMakeLists.txt): oneTBB's own library is not instrumented,
// so that the halves of its algorithms that live in headers would look like races with it.
#include "base/tbb_arena.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace retort {

// `global_control` lets an arena have more threads than the machine has cores (tests do).
struct TbbArena::Impl {
  explicit Impl(int threads)
      : control(oneapi::tbb::global_control::max_allowed_parallelism, static_cast<size_t>(threads)),
        arena(threads, 1) {}
  oneapi::tbb::global_control control;
  oneapi::tbb::task_arena arena;
};

TbbArena::TbbArena(int threads) : impl_(std::make_unique<Impl>(threads)) {}
TbbArena::~TbbArena() = default;

void TbbArena::ForRanges(int64_t tiles, void* object, Range range) {
  impl_->arena.execute([&] {
    oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<int64_t>(0, tiles, 1),
                              [&](const oneapi::tbb::blocked_range<int64_t>& part) {
                                range(object, part.begin(), part.end(),
                                      oneapi::tbb::this_task_arena::current_thread_index());
                              });
  });
}

}  // namespace retort
