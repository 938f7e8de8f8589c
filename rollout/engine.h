#pragma once
// The rollout engine: token ids in, trajectories out. It knows neither problems nor rewards.
//
// A step machine: Submit requests, Step until there is no more work, Poll what has finished. All
// samples of a request share one prefill (its cache rows are forked by reference) and every sample
// draws from its own named stream, so a trajectory depends only on the weights, its prompt and its
// name: not on the batch, the threads or what else was submitted. Rows that finish are refilled at
// once. Three parts: rollout/scheduler.h says who decodes next, rollout/decoder.h computes, and
// rollout/acceptor.h draws and says when a sample ends. Not thread-safe; engines in several threads
// may share weights.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/records.h"
#include "model/packed_weights.h"
#include "model/tokenizer.h"
#include "rollout/decoder.h"
#include "rollout/request.h"
#include "rollout/scheduler.h"

namespace retort::rollout {

struct Finished {
  int64_t request = 0;
  Trajectory trajectory;
};

struct EngineStats {
  int64_t prompt_tokens = 0;   ///< computed in prefills
  int64_t decoded_tokens = 0;  ///< sampled
  int64_t steps = 0;
  int64_t peak_cache_tokens = 0;  ///< in whole pages
  int64_t cache_bytes_per_token = 0;
  int64_t peak_cache_bytes = 0;  ///< storage held, used or not
};

class RolloutEngine {
 public:
  /// Borrows compute and tokenizer, which is needed for stop strings only and may be null without
  /// them. Throws Error on options below 1.
  RolloutEngine(std::shared_ptr<const model::PackedWeights> weights, nn::Compute& compute,
                const model::Tokenizer* tokenizer, EngineOptions options = {});
  RolloutEngine(const RolloutEngine&) = delete;  // its parts refer to each other
  RolloutEngine& operator=(const RolloutEngine&) = delete;

  /// Throws Error as CheckRequest does.
  void Submit(Request request);
  /// One forward pass over everything in flight. Returns false when there is no work left. Throws
  /// Error naming the request when the logits of a row are not finite.
  bool Step();
  /// Trajectories finished since the last call, in the order they finished.
  std::vector<Finished> Poll();
  /// Ends all samples of a request; those in flight come back as kCancelled.
  void Cancel(int64_t request);

  const EngineStats& stats() const { return stats_; }

 private:
  const model::Network& network() const { return decoder_.network(); }
  /// Takes a token in; hands the sample over when it has ended.
  void Take(Row& row, const Drawn& drawn);

  const model::Tokenizer* tokenizer_;
  Decoder decoder_;
  Scheduler scheduler_;
  std::vector<Finished> finished_;
  EngineStats stats_;
};

/// Submits all requests and runs until they are done. Result i holds the samples of request i in
/// order, unless `on_finished` is given, which takes each trajectory as it ends. `stop` is asked
/// every step and ends the loop with Error("interrupted") when it returns true.
struct GenerateHooks {
  std::function<void(size_t request, Trajectory trajectory)> on_finished;
  std::function<bool()> stop;
};
std::vector<std::vector<Trajectory>> Generate(RolloutEngine& engine, std::vector<Request> requests,
                                              const GenerateHooks& hooks = {});

}  // namespace retort::rollout
