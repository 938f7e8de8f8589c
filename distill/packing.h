#pragma once
// Rows of tokens into sequences of a given length.

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace retort::distill {

/// As TRL has them.
enum class PackingStrategy {
  kBfd,       ///< whole rows, each where it fits best, the longest first (arXiv 2404.10830)
  kBfdSplit,  ///< the same after longer rows are cut into pieces
  kWrapped,   ///< one row behind the other, cut wherever a sequence is full
};
constexpr auto EnumNames(PackingStrategy) {
  return std::array{std::pair{PackingStrategy::kBfd, "bfd"},
                    std::pair{PackingStrategy::kBfdSplit, "bfd_split"},
                    std::pair{PackingStrategy::kWrapped, "wrapped"}};
}

/// Tokens [begin, end) of one row, counted over all rows.
struct Piece {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const Piece&) const = default;
};

/// Sequences of pieces.
class Packing {
 public:
  /// Each row by itself.
  explicit Packing(std::span<const Piece> rows);
  /// Every token of every row once, `max_length` > 0 in a sequence at most. With kBfd no row may be
  /// longer.
  Packing(std::span<const Piece> rows, int64_t max_length, PackingStrategy strategy);

  int64_t size() const { return static_cast<int64_t>(begin_.size()) - 1; }
  std::span<const Piece> operator[](int64_t sequence) const;

 private:
  void Wrap(std::span<const Piece> rows, int64_t max_length);
  void FitBest(std::span<const Piece> rows, int64_t max_length);

  std::vector<Piece> pieces_;
  std::vector<size_t> begin_{0};  // sequence s is pieces [begin_[s], begin_[s + 1])
};

}  // namespace retort::distill
