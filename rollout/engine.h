#pragma once
// The rollout engine: token ids in, trajectories out. It knows neither problems nor rewards.
//
// A step machine: Submit requests, Step until there is no more work, Poll what has finished. All
// samples of a request share one prefill (its cache rows are forked by reference) and every sample
// draws from its own named stream, so a trajectory depends only on the weights, its prompt and its
// name: not on the batch, the threads or what else was submitted. Rows that finish are refilled at
// once. Not thread-safe.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/records.h"
#include "model/packed_weights.h"
#include "model/tokenizer.h"
#include "model/workspace.h"
#include "rollout/sampler.h"

namespace retort::rollout {

struct EngineOptions {
  int64_t max_rows = 256;         ///< samples decoded together
  int64_t prefill_tokens = 1024;  ///< prompt tokens per step at most
};

/// `samples` completions of one prompt.
struct Request {
  int64_t id = 0;               ///< chosen by the caller, unique while in flight
  std::vector<int32_t> prompt;  ///< token ids, at least one
  int64_t samples = 1;
  SamplingOptions sampling;
  std::vector<int32_t> stop_ids;  ///< ids that end a completion; kept as its last id
  /// Sample i draws from the stream of this key with `sample` = first_sample + i.
  StreamKey stream;
  int64_t first_sample = 0;
};

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

  /// Throws Error on an empty prompt or stop string, ids out of range, or more tokens than the
  /// model has positions.
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
  struct Group {  // a request in flight
    Request request;
    model::KvCache::Handle cache = 0;
    int64_t prefilled = 0;        // prompt tokens in the cache
    int64_t started = 0;          // samples begun
    std::vector<float> logprobs;  // [V] after the prompt, once it is prefilled
  };
  struct Row {  // a sample being decoded
    Group* group = nullptr;
    model::KvCache::Handle cache = 0;
    RandomStream random;
    Trajectory trajectory;
    std::string text;  // bytes so far, kept only for stop strings
  };

  void StartSamples();
  /// Stores the drawn token; true when the sample has ended.
  bool Extend(Row& row, int32_t token, float logprob);
  void Finish(Row& row);
  void RetireGroups();

  const model::Network& network() const { return weights_->network(); }

  std::shared_ptr<const model::PackedWeights> weights_;
  nn::Compute& compute_;
  model::Workspace workspace_;
  const model::Tokenizer* tokenizer_;
  EngineOptions options_;
  model::KvCache cache_;
  nn::Arena arena_;
  std::list<Group> groups_;  // in order of submission; rows point at them
  std::vector<Row> rows_;
  std::vector<Finished> finished_;
  EngineStats stats_;
};

/// Submits all requests and runs until they are done. Result i holds the samples of request i in
/// order, unless `on_finished` is given, which takes each trajectory as it ends. `stop` is asked
/// every step and ends the loop with Error("interrupted") when it returns true.
struct GenerateHooks {
  std::function<void(size_t request, Trajectory&&)> on_finished;
  std::function<bool()> stop;
};
std::vector<std::vector<Trajectory>> Generate(RolloutEngine& engine, std::vector<Request> requests,
                                              const GenerateHooks& hooks = {});

}  // namespace retort::rollout
