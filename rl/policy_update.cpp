#include "rl/internal/policy_update.h"

#include <algorithm>
#include <cmath>

namespace retort::rl {
namespace {

/// Completions of some groups, end to end, as the loss wants them.
struct Arrays {
  std::vector<int64_t> offsets{0};
  std::vector<double> advantages;
  std::vector<uint8_t> truncated;
  std::vector<float> old_logp, sampling_logp;

  void Add(const Trace& trace, std::span<const float> old) {
    const Trajectory& t = trace.trajectory;
    offsets.push_back(offsets.back() + static_cast<int64_t>(t.completion.size()));
    advantages.push_back(trace.advantage);
    truncated.push_back(t.finish == FinishReason::kLength);
    sampling_logp.insert(sampling_logp.end(), t.logprobs.begin(), t.logprobs.end());
    old_logp.insert(old_logp.end(), old.begin(), old.end());
  }
  PolicyBatch View() const {
    PolicyBatch batch;
    batch.offsets = offsets;
    batch.advantages = advantages;
    batch.truncated = truncated;
    batch.old_logp = old_logp;
    return batch;
  }
};

}  // namespace

void LogpDifference::Add(std::span<const float> learned, std::span<const float> sampled) {
  for (size_t i = 0; i < learned.size(); ++i) {
    const float difference = std::abs(learned[i] - sampled[i]);
    max = std::max(max, difference);
    sum += difference;
    ++count;
  }
}

/// Groups [begin, end) of a rollout.
struct PolicyUpdate::Part {
  const Rollout& rollout;
  size_t begin, end;

  std::span<const train::LearnGroup> groups() const {
    return std::span(rollout.groups).subspan(begin, end - begin);
  }
  /// body(index of the trace) for the completions of a piece.
  template <class Body>
  void ForTraces(const train::GroupPiece& piece, const Body& body) const {
    const size_t samples = rollout.samples.traces.size() / rollout.groups.size();
    const size_t first = (begin + static_cast<size_t>(piece.group)) * samples;
    for (int64_t i = piece.first; i < piece.first + piece.count; ++i) {
      body(first + static_cast<size_t>(i));
    }
  }
};

/// body(batch, pieces) for each micro-batch.
template <class Body>
void PolicyUpdate::ForMicroBatches(const Part& part, const Body& body) const {
  const std::span<const train::LearnGroup> groups = part.groups();
  for (const auto& pieces : train::CutIntoMicroBatches(groups, options_.micro_batch_tokens)) {
    train::MicroBatch micro;
    for (const train::GroupPiece& piece : pieces) micro.Add(train::TakePiece(groups, piece));
    body(micro, pieces);
  }
}

/// What the policy that learns gives to the tokens that another precision has sampled.
std::vector<std::vector<float>> PolicyUpdate::OldLogp(const Part& all) {
  const float temperature = rollout::LogprobTemperature(options_.sampling);
  std::vector<std::vector<float>> old(all.rollout.samples.traces.size());
  ForMicroBatches(all, [&](const train::MicroBatch& micro, const auto& pieces) {
    const train::Scores scores = learner_.Score(micro, temperature);
    auto next = scores.logprob.begin();
    for (const train::GroupPiece& piece : pieces) {
      all.ForTraces(piece, [&](size_t t) {
        const auto end = next + std::ssize(all.rollout.samples.traces[t].trajectory.completion);
        old[t].assign(next, end);
        next = end;
      });
    }
  });
  return old;
}

UpdateTotals PolicyUpdate::Learn(const Rollout& rollout, int64_t stage_updates) {
  UpdateTotals totals;
  const size_t count = rollout.groups.size(), parts = static_cast<size_t>(options_.minibatches);
  if (other_precision_ && options_.num_iterations * options_.minibatches > 1) {
    old_logp_ = OldLogp({rollout, 0, count});
  }
  for (int64_t iteration = 0; iteration < options_.num_iterations; ++iteration) {
    for (size_t part = 0; part < parts; ++part) {
      const size_t begin = count * part / parts, end = count * (part + 1) / parts;
      Update({rollout, begin, end}, totals.updates == 0, iteration == 0, stage_updates, totals);
    }
  }
  return totals;
}

/// One optimizer step. `first`: of the rollout; `fresh`: on groups that have not been learned from.
void PolicyUpdate::Update(const Part& part, bool first, bool fresh, int64_t stage_updates,
                          UpdateTotals& totals) {
  const auto add = [&](Arrays& arrays, const train::GroupPiece& piece) {
    part.ForTraces(piece, [&](size_t t) {
      const Trace& trace = part.rollout.samples.traces[t];
      arrays.Add(trace, old_logp_.empty() ? trace.trajectory.logprobs : old_logp_[t]);
    });
  };
  Arrays whole;
  for (size_t g = 0; g < part.groups().size(); ++g) {
    add(whole, {static_cast<int64_t>(g), 0, std::ssize(part.groups()[g].completions)});
  }
  LossTotals loss_totals{.max_completion_length = options_.sampling.max_completion_length};
  loss_totals.Add(options_.loss, whole.View());

  const float temperature = rollout::LogprobTemperature(options_.sampling);
  ForMicroBatches(part, [&](const train::MicroBatch& micro, const auto& pieces) {
    Arrays arrays;
    for (const train::GroupPiece& piece : pieces) add(arrays, piece);
    std::vector<float> ref_logp;
    if (reference_) {
      ref_logp = train::ScoreWith(*reference_, learner_.compute(), micro, temperature).logprob;
    }
    totals.tokens += micro.batch().size();
    const double share =
        static_cast<double>(micro.sequences()) / static_cast<double>(loss_totals.sequences);
    learner_.Accumulate(micro, temperature, share, [&](const train::Scores& scores) {
      if (other_precision_ && old_logp_.empty()) arrays.old_logp = scores.logprob;
      if (other_precision_ ? fresh : first) {
        totals.difference.Add(other_precision_ ? arrays.old_logp : scores.logprob,
                              arrays.sampling_logp);
      }
      std::vector<float> importance;
      if (other_precision_ && options_.importance.correction) {
        ImportanceSums seen_before;
        importance =
            ImportanceWeights(options_.importance, arrays.offsets, arrays.old_logp,
                              arrays.sampling_logp, fresh ? totals.importance : seen_before);
      }
      train::ScoreGradients gradients;
      gradients.logprob.resize(scores.logprob.size());
      gradients.entropy.resize(options_.loss.entropy_coef != 0 ? scores.entropy.size() : 0);
      PolicyBatch batch = arrays.View();
      batch.logp = scores.logprob;
      batch.ref_logp = ref_logp;
      batch.entropy = scores.entropy;
      batch.importance = importance;
      totals.sums.Add(
          PolicyLoss(options_.loss, loss_totals, batch, {gradients.logprob, gradients.entropy}));
      return gradients;
    });
  });
  totals.learning_rate =
      nn::LearningRate(options_.optimizer, learner_.optimizer().steps(), stage_updates);
  totals.grad_norm += learner_.Step(totals.learning_rate);
  ++totals.updates;
}

}  // namespace retort::rl
