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

/// One sampled completion: a turn of the policy's, or several with what was said to it in between.
/// Token ids are the truth; text is derived from them and never read back.
struct Trajectory {
  std::vector<int32_t> prompt;      ///< token ids
  std::vector<int32_t> completion;  ///< token ids, stop tokens included
  std::vector<float> logprobs;      ///< of each completion id under softmax(logits / temperature)
  std::vector<uint16_t> experts;    ///< [completion, MoE layers, top_k] when asked for, else empty
  /// Of each completion id: 1 where the policy said it, 0 where it was said to it (its
  /// log-probability is NaN). Empty: the policy said them all.
  std::vector<uint8_t> said = {};
  FinishReason finish = FinishReason::kLength;  ///< of the last turn
  int64_t sample = 0;                           ///< index inside its group

  /// Where the policy's last turn begins, which is what a text and its verdicts are about.
  size_t last_turn() const {
    size_t begin = completion.size();
    if (said.empty()) return 0;
    while (begin > 0 && said[begin - 1]) --begin;
    return begin;
  }
  /// Tokens of the last turn.
  int64_t length() const { return static_cast<int64_t>(completion.size() - last_turn()); }
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

/// A completion and all that becomes of it, from the draw to the database.
struct Sample {
  int64_t problem_index = 0;  ///< among the problems it was drawn from
  std::string stage;          ///< empty: that of its step
  Trajectory trajectory;
  std::string text;  ///< the last turn decoded (special tokens spelled out)
  std::vector<NamedVerdict> verdicts;
  std::optional<double> reward;  ///< empty when nobody could judge it: absent from every mean
  double advantage = 0;
  int64_t policy_version = 0;  ///< optimizer steps the sampling weights had seen
  std::string feedback;        ///< what a user would say to a second turn, else empty
};

/// A sample as it is read back, with its problem.
struct Trace : Sample {
  int64_t id = 0;  ///< row id in the store
  int64_t step = 0;
  Problem problem;
};

}  // namespace retort
