#pragma once
// The plain records that cross rooms: a problem, what the model said, what a judge said of it, and
// the three together as they are stored.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace retort {

/// A task with a checkable answer. `prompt` is the bare question; templates are applied later.
struct Problem {
  std::string id;         ///< unique within its source, "chain-000017" or "gsm8k_test.jsonl:12"
  std::string family;     ///< generator name or data set
  std::string prompt;     ///< the question
  std::string answer;     ///< gold answer, "" when the problem has none (code tasks carry tests)
  std::string solution;   ///< worked steps without the final answer, "" when unknown
  std::string canonical;  ///< same text = same problem (83×47 and 47×83): decides the split
  int64_t difficulty = 0;
  Json extra = Json::object();  ///< every other column, handed to the verifiers as it is
};

/// Why a completion ended.
enum class FinishReason {
  kStop,        ///< the model produced a stop token, which is kept as the last id
  kStopString,  ///< a stop string appeared in the text
  kLength,      ///< the token limit
  kCancelled,   ///< withdrawn before its end
};
constexpr auto EnumNames(FinishReason) {
  return std::array{
      std::pair{FinishReason::kStop, "stop"}, std::pair{FinishReason::kStopString, "stop_string"},
      std::pair{FinishReason::kLength, "length"}, std::pair{FinishReason::kCancelled, "cancelled"}};
}

/// One sampled completion. Token ids are the truth; text is derived from them and never read back.
struct Trajectory {
  std::vector<int32_t> prompt;      ///< token ids
  std::vector<int32_t> completion;  ///< token ids, the stop token included
  std::vector<float> logprobs;      ///< of each completion id under softmax(logits / temperature)
  std::vector<uint16_t> experts;    ///< [completion, MoE layers, top_k] when asked for, else empty
  FinishReason finish = FinishReason::kLength;
  int64_t sample = 0;  ///< index inside its group
};

enum class VerdictStatus { kRight, kWrong, kUnjudged };
constexpr auto EnumNames(VerdictStatus) {
  return std::array{std::pair{VerdictStatus::kRight, "right"},
                    std::pair{VerdictStatus::kWrong, "wrong"},
                    std::pair{VerdictStatus::kUnjudged, "unjudged"}};
}

/// What one verifier says of one response. "Wrong" and "could not be judged" differ.
struct Verdict {
  VerdictStatus status = VerdictStatus::kUnjudged;
  double score = 0;       ///< 1 right, 0 wrong unless the verifier grades finer; unused if unjudged
  std::string reason;     ///< short code: "equal", "different", "no-answer", "bad-gold", …
  std::string extracted;  ///< the answer that was judged, "" when none was found
  /// How the extracted and the gold answer were read, where the verifier reads them; not stored.
  std::string normal_form = {}, gold_normal_form = {};
};

/// A named verdict as the panel collects it.
struct NamedVerdict {
  std::string verifier;
  Verdict verdict;
};

/// What "correct" means, everywhere: false when a verdict is wrong; else empty when there is no
/// verdict or one of them is unjudged; else true. An unjudged completion is neither right nor wrong
/// and enters no mean. The view `traces` of the database says the same (trace_schema.cpp).
inline std::optional<bool> Correct(const std::vector<NamedVerdict>& verdicts) {
  bool unjudged = verdicts.empty();
  for (const auto& [verifier, verdict] : verdicts) {
    if (verdict.status == VerdictStatus::kWrong) return false;
    unjudged = unjudged || verdict.status == VerdictStatus::kUnjudged;
  }
  return unjudged ? std::nullopt : std::optional(true);
}

/// A completion with its judgement, as stored.
struct Trace {
  int64_t id = 0;  ///< row id in the store, 0 before it is stored
  std::string stage;
  int64_t step = 0;
  Problem problem;
  Trajectory trajectory;
  std::string text;  ///< the completion decoded (special tokens spelled out)
  std::vector<NamedVerdict> verdicts;
  std::optional<double> reward;  ///< empty when nobody could judge it: absent from every mean
  double advantage = 0;
  int64_t policy_version = 0;  ///< optimizer steps the sampling weights had seen
};

}  // namespace retort
