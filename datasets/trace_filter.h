#pragma once
// Which traces to take; every field narrows the choice, the defaults take all.

#include <cstdint>
#include <optional>
#include <string>

#include "base/options.h"

namespace retort::datasets {

struct TraceFilter {
  std::string run;
  std::string stage;
  std::optional<bool> correct;
  std::optional<bool> unjudged;
  std::string verifier;
  std::string layer;
  std::optional<bool> finished;
  std::optional<int64_t> min_length;
  std::optional<int64_t> max_length;
  std::optional<int64_t> min_step;
  std::optional<int64_t> max_step;
  std::optional<double> min_reward;
  int64_t per_problem = 0;
  int64_t limit = 0;

  template <class V>
  void Visit(V& v) {
    v("run", run, "Name of the run; empty takes every run.");
    v("stage", stage, "Name of the stage; empty takes every stage.");
    v("correct", correct,
      "true: every verdict is right; false: one is wrong. Unjudged is neither.");
    v("unjudged", unjudged,
      "true: neither right nor wrong, or without a verdict; false: the rest.");
    v("verifier", verifier,
      "The only verifier that 'correct' and 'unjudged' look at; empty looks at all.");
    v("layer", layer,
      "Take verdicts and rewards from this layer (traces rescore), and only the traces it judged; "
      "empty: those of the run itself.");
    v("finished", finished, "Whether the completion stopped by itself, not by the token limit.");
    v("min_length", min_length, "Shortest completion in tokens.", Bounds{0, 1e9});
    v("max_length", max_length, "Longest completion in tokens.", Bounds{0, 1e9});
    v("min_step", min_step, "First step.", Bounds{0, 1e15});
    v("max_step", max_step, "Last step.", Bounds{0, 1e15});
    v("min_reward", min_reward, "Lowest reward.");
    v("per_problem", per_problem, "At most this many per problem, the oldest first; 0 is no cap.",
      Bounds{0, 1e9});
    v("limit", limit, "At most this many in all, the oldest first; 0 is no cap.", Bounds{0, 1e12});
  }
};

}  // namespace retort::datasets
