#pragma once
// The endless reading of files of rows: which sequence comes when.

#include <string>
#include <utility>
#include <vector>

#include "distill/text_file.h"
#include "train/problems.h"

namespace retort::distill {

/// Without weights an epoch has every sequence of every file once, in an order of its own. With
/// weights each sequence is drawn: its file at random, in proportion to weight / mean tokens of the
/// file's sequences, so that the weights are shares of the tokens; and of the file the next one in
/// the order of its own epochs. All of it follows from the seed, the stage's name and n.
class TextData {
 public:
  /// Reads and tokenises every file; see ReadRows for what it throws.
  TextData(const TextOptions& options, const train::RowsPlace& place);

  /// Sequences of an epoch: as many as the files have.
  int64_t examples() const { return begin_.back(); }
  /// The n-th sequence of the endless reading: a pure function of n. Not thread-safe.
  std::vector<train::LearnGroup> Example(int64_t n);
  const std::vector<TextFile>& files() const { return files_; }
  /// What the user should know of the rows, in sentences.
  std::vector<std::string> Remarks() const;
  Json Report() const;

 private:
  std::pair<size_t, int64_t> Draw(int64_t n);

  train::RowsPlace place_;
  std::vector<TextFile> files_;
  std::vector<int64_t> begin_{0};                  // of each file's sequences among all
  std::vector<double> chances_;                    // of each file, summed up; empty without weights
  std::vector<train::ShuffledOrder> orders_;       // of each file, or the one of all
  std::vector<std::pair<size_t, int64_t>> drawn_;  // file, and how many were drawn of it before
  std::vector<int64_t> counts_;                    // drawn of each file
};

/// What there is to say where rows are conversations and later stages would ask in another way: ""
/// when nothing.
std::string OtherTemplate(const TextData& data, const train::RowsPlace& place);

}  // namespace retort::distill
