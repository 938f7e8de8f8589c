#pragma once
// Who decodes next: requests in the order of their submission, their prompts in pieces, their
// samples as rows are free. It knows the cache's sequences and no tokens.

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "model/kv_cache.h"
#include "rollout/acceptor.h"

namespace retort::rollout {

struct EngineOptions {
  int64_t max_rows = 256;         ///< samples decoded together
  int64_t prefill_tokens = 1024;  ///< prompt tokens per step at most
};

/// A request in flight.
struct Group {
  Request request;
  model::KvCache::Handle cache = 0;
  int64_t prefilled = 0;      ///< prompt tokens in the cache, or in the piece that is to come
  int64_t started = 0;        ///< samples begun
  std::vector<float> logits;  ///< [V] after the prompt, once it has been computed
};

/// A sample in flight.
struct Row {
  Group* group = nullptr;
  model::KvCache::Handle cache = 0;
  Acceptor sample;
};

class Scheduler {
 public:
  /// Borrows both; the tokenizer may be null.
  Scheduler(model::KvCache& cache, const model::Tokenizer* tokenizer, const EngineOptions& options)
      : cache_(cache), tokenizer_(tokenizer), options_(options) {}

  void Add(Request request);
  /// The next sample of a group whose prompt is computed, or null when there is none or no row is
  /// free. It has said nothing yet.
  Row* Start();
  /// Samples in flight, in the order in which they began.
  std::list<Row>& rows() { return rows_; }
  /// Forgets a sample; the row is gone.
  void End(Row& row);
  /// Forgets groups whose samples have all ended.
  void Retire();
  /// Ends the request: no more of its samples begin, and those in flight are given to `end`.
  template <class Body>
  void Cancel(int64_t request, const Body& end);

  /// A part of a group's prompt, its last if `complete`.
  struct Piece {
    Group* group;
    std::span<const int32_t> tokens;
    bool complete;
  };
  /// What fits of the waiting prompts. They run ahead so far that even if every row ended now, all
  /// would be filled again at once.
  std::vector<Piece> NextPrompts();

 private:
  model::KvCache& cache_;
  const model::Tokenizer* tokenizer_;
  EngineOptions options_;
  std::list<Group> groups_;  // rows point at them
  std::list<Row> rows_;
};

template <class Body>
void Scheduler::Cancel(int64_t request, const Body& end) {
  for (auto row = rows_.begin(); row != rows_.end();) {
    Row& sample = *row++;
    if (sample.group->request.id == request) end(sample);
  }
  for (Group& group : groups_) {
    if (group.request.id == request) group.request.samples = group.started;
  }
}

}  // namespace retort::rollout
