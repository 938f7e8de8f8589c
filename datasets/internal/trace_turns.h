#pragma once
// Second turns as schema 2 stored them: under a problem of their own, whose extra.revision said
// where the question ends and what a user would say to the answer, with the first turn inside the
// prompt. Private to this room.

#include <optional>
#include <string>

#include "base/records.h"
#include "datasets/internal/sqlite.h"

namespace retort::datasets {

struct OldTurn {
  size_t question = 0;  ///< ids of the prompt that ask
  std::string feedback;
};
/// Nothing unless it is a second turn, with a prompt of `prompt` ids.
std::optional<OldTurn> OldTurnOf(const std::string& stage, const Json& extra, size_t prompt);

/// Makes both turns one trajectory. `first` (may be null): the first turn; without it, nothing is
/// known to be the policy's before the second.
void JoinTurns(const OldTurn& turn, const Trajectory* first, Trajectory& trajectory);

/// Does that to all that are stored (`completions` and `groups` with both prefixes), gives their
/// problems up for those that they were made from, and every problem a fingerprint of 128 bits.
void Migrate2To3Rows(const Database& database);

}  // namespace retort::datasets
