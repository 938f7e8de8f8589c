#pragma once
// What one forward and backward pass learns from: packed sequences and the predictions in them.

#include <cstdint>
#include <span>
#include <vector>

#include "model/batch.h"

namespace retort::train {

/// A prompt and the completions that continue it; the prompt is computed once (law 9).
struct LearnGroup {
  std::vector<int32_t> prompt;
  std::vector<std::vector<int32_t>> completions;
  /// Also predict the prompt's own tokens from the second on (pretraining).
  bool learn_prompt = false;
  /// Of a group's only completion: which of its tokens are predicted; empty: all.
  std::vector<bool> learned = {};

  int64_t Predictions() const;
  /// Rows a pass over this group computes; the last token of a completion is only predicted.
  int64_t Tokens() const;
};

/// Some of a group's completions, by index, so that results find their way back.
struct GroupPiece {
  int64_t group = 0;
  int64_t first = 0;  ///< completions [first, first + count)
  int64_t count = 0;
};

/// Predictions are ordered by sequence: those of completion s are
/// [sequence_begin[s], sequence_begin[s + 1]), its learned tokens in order. Predictions of prompts
/// come before their group's, inside no sequence.
class MicroBatch {
 public:
  void Add(const LearnGroup& group) {
    Add(std::span(&group, 1), {0, 0, std::ssize(group.completions)});
  }
  void Add(std::span<const LearnGroup> groups, const GroupPiece& piece);

  const model::Batch& batch() const { return batch_; }
  int64_t predictions() const { return static_cast<int64_t>(targets_.size()); }
  int64_t sequences() const { return static_cast<int64_t>(begin_.size()); }
  const std::vector<int32_t>& rows() const { return rows_; }        // [P]
  const std::vector<int32_t>& targets() const { return targets_; }  // [P]
  /// First prediction of sequence s, and how many it has.
  int64_t begin(int64_t s) const { return begin_[static_cast<size_t>(s)]; }
  int64_t length(int64_t s) const { return length_[static_cast<size_t>(s)]; }

 private:
  model::Batch batch_;
  std::vector<int32_t> rows_, targets_;
  std::vector<int64_t> begin_, length_;
};

/// Cuts groups, in order, into micro-batches of at most `max_tokens` rows; a group that is larger
/// is split between its completions (its prompt is then computed again). A single sequence may
/// exceed the limit.
std::vector<std::vector<GroupPiece>> CutIntoMicroBatches(std::span<const LearnGroup> groups,
                                                         int64_t max_tokens);

}  // namespace retort::train
