#pragma once
// The revision turn of CodeI/O++ (arXiv 2502.07316): every answer that was judged wrong is answered
// by the user with what happened and the request to do it again, and the model answers once more.
//
// The second turn's prompt is made of token ids: those of the first prompt, those that were
// sampled, and those of the feedback (law 3). A second turn is a sample like others, of the stage
// "NAME/revision" and with the number of the first: one trajectory of both turns, whose `said`
// tells the policy's tokens from the user's, and what the user would say to the second answer
// beside it.

#include <string>

#include "train/evaluation.h"

namespace retort::train {

/// The stage that second turns of `stage` are stored under.
std::string RevisionStage(const std::string& stage);
/// The policy's last turn, after all that was said before it.
LearnGroup LastTurnOf(const Trace& trace);
/// Everything behind the question as one completion: of two turns, first answer, feedback, second
/// answer and, where the model has positions for it, what the user says to that.
LearnGroup ConversationOf(const StageContext& context, const Trace& trace);

struct RevisionResult {
  SampleResult second;   ///< in the order of the first turns; those that need none are left out
  int64_t too_long = 0;  ///< wrong answers that leave the model no positions for a second turn
};

/// `job` is the one that gave `first`; its replay, if any, holds the stored second turns. Answers
/// that nobody judged are not revised. Kept whether the second answer is right or not.
RevisionResult Revise(const SampleContext& context, const SampleJob& job, const SampleResult& first,
                      const std::string& stage);

}  // namespace retort::train
