#include "rollout/request.h"

#include <algorithm>

#include "base/error.h"

namespace retort::rollout {

void CheckRequest(const Request& request, const model::Network& network,
                  const model::Tokenizer* tokenizer) {
  RETORT_CHECK(!request.prompt.empty(), "rollout: request ", request.id,
               " has an empty prompt; give at least one token");
  for (const int32_t id : request.prompt) {
    RETORT_CHECK(id >= 0 && id < network.vocab_size(), "rollout: request ", request.id,
                 ": token id ", id, " is outside the vocabulary of ", network.vocab_size());
  }
  const int64_t limit = network.max_positions();
  // The last sampled token is never fed back, so it needs no position.
  const int64_t needed =
      static_cast<int64_t>(request.prompt.size()) + request.sampling.max_completion_length - 1;
  RETORT_CHECK(needed <= limit, "rollout: request ", request.id, " needs ", needed,
               " positions (prompt ", request.prompt.size(), " + max_completion_length ",
               request.sampling.max_completion_length,
               " - 1), but the model has max_position_embeddings = ", limit);
  RETORT_CHECK(request.sampling.stop.empty() || tokenizer,
               "rollout: stop strings need a tokenizer");
  RETORT_CHECK(std::ranges::find(request.sampling.stop, "") == request.sampling.stop.end(),
               "rollout: request ", request.id,
               " has an empty stop string, which every text contains; remove it");
}

}  // namespace retort::rollout
