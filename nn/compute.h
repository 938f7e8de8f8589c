#pragma once
// What every op runs on: the thread pool and one scratch arena per worker. It knows no weights and
// no precision.

#include <algorithm>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/profile.h"
#include "nn/arena.h"
#include "nn/dtype.h"

namespace retort::nn {

/// One op at a time; threads that work at once have one each and may share the executor.
struct Compute {
  /// Chooses the instruction set (below) for the whole process.
  explicit Compute(const Executor& executor);

  const Executor& executor;
  std::vector<Arena> scratch;  ///< indexed by the worker number of Executor::ParallelFor
  Profile* profile = nullptr;  ///< when set, every tile is recorded under its op's name

  /// Executor::ParallelFor under the name of an op, a literal.
  template <class Body>
  void ParallelFor(const char* op, int64_t tiles, const Body& body) {
    if (!profile) return executor.ParallelFor(tiles, body);
    executor.ParallelFor(tiles, [&](int64_t tile, int worker) {
      const ProfileScope scope(profile, worker, op);
      body(tile, worker);
    });
  }
  /// Runs `body(row_begin, row_end, scratch)` over fixed tiles of `tile` rows.
  template <class Body>
  void ForRows(const char* op, int64_t rows, int64_t tile, const Body& body) {
    ParallelFor(op, (rows + tile - 1) / tile, [&](int64_t i, int worker) {
      Arena& arena = scratch[static_cast<size_t>(worker)];
      const ArenaScope scope(arena);
      body(i * tile, std::min(rows, (i + 1) * tile), arena);
    });
  }
};

/// The instruction set of the kernels ("AVX3", "AVX2", "SSE4", …): the machine's best, or what the
/// environment variable RETORT_ISA names. Chosen once per process, by the first Compute or the
/// first question, and held. Throws Error when RETORT_ISA is none of AvailableIsas().
std::string IsaName();
/// What this machine can run, best first.
std::vector<std::string> AvailableIsas();
/// Throws Error where this machine cannot run it: bfloat16 products without their instructions, or
/// a cache or gradients that are quantized.
void RequireRunnable(const Precision& precision);
/// Whether this machine has AVX-512 BF16 and the chosen instruction set includes it.
bool HasBFloat16();
/// What compiled the kernels, for the record kept in checkpoints.
std::string CompilerName();

}  // namespace retort::nn
