#include "distill/packing.h"

#include <algorithm>
#include <deque>
#include <map>

namespace retort::distill {

Packing::Packing(std::span<const Piece> rows) : pieces_(rows.begin(), rows.end()) {
  for (size_t i = 1; i <= pieces_.size(); ++i) begin_.push_back(i);
}

Packing::Packing(std::span<const Piece> rows, int64_t max_length, PackingStrategy strategy) {
  if (strategy == PackingStrategy::kWrapped) {
    Wrap(rows, max_length);
    return;
  }
  std::vector<Piece> pieces;
  for (const Piece& row : rows) {
    for (int64_t begin = row.begin; begin < row.end; begin += max_length) {
      pieces.push_back({begin, std::min(begin + max_length, row.end)});
    }
  }
  FitBest(pieces, max_length);
}

std::span<const Piece> Packing::operator[](int64_t sequence) const {
  const auto s = static_cast<size_t>(sequence);
  return std::span(pieces_).subspan(begin_[s], begin_[s + 1] - begin_[s]);
}

void Packing::Wrap(std::span<const Piece> rows, int64_t max_length) {
  int64_t room = max_length;
  for (Piece rest : rows) {
    while (rest.size() > 0) {
      const int64_t taken = std::min(rest.size(), room);
      pieces_.push_back({rest.begin, rest.begin + taken});
      rest.begin += taken;
      room -= taken;
      if (room > 0) continue;
      begin_.push_back(pieces_.size());
      room = max_length;
    }
  }
  if (begin_.back() < pieces_.size()) begin_.push_back(pieces_.size());
}

// Of the sequences with the least room that is enough, the one that has had it longest.
void Packing::FitBest(std::span<const Piece> rows, int64_t max_length) {
  std::vector<Piece> order(rows.begin(), rows.end());
  std::ranges::stable_sort(order, std::greater(), &Piece::size);
  std::vector<std::vector<Piece>> sequences;
  std::map<int64_t, std::deque<size_t>> with_room;
  for (const Piece& row : order) {
    auto fit = with_room.lower_bound(row.size());
    int64_t room = max_length;
    size_t sequence = sequences.size();
    if (fit == with_room.end()) {
      sequences.emplace_back();
    } else {
      room = fit->first;
      sequence = fit->second.front();
      fit->second.pop_front();
      if (fit->second.empty()) with_room.erase(fit);
    }
    sequences[sequence].push_back(row);
    if (room > row.size()) with_room[room - row.size()].push_back(sequence);
  }
  for (const std::vector<Piece>& sequence : sequences) {
    pieces_.insert(pieces_.end(), sequence.begin(), sequence.end());
    begin_.push_back(pieces_.size());
  }
}

}  // namespace retort::distill
