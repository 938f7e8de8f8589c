#include "train/policy_update.h"

#include <algorithm>
#include <cmath>

namespace retort::train {
namespace {

/// Completions of some groups, end to end, as the loss wants them.
struct Arrays {
  std::vector<int64_t> offsets{0};
  std::vector<double> advantages;
  std::vector<uint8_t> truncated;
  std::vector<float> old_logp, sampling_logp;

  void Add(const PolicySample& sample, std::span<const float> old) {
    offsets.push_back(offsets.back() + std::ssize(sample.logprobs));
    advantages.insert(advantages.end(), sample.advantages.begin(), sample.advantages.end());
    truncated.push_back(sample.truncated);
    sampling_logp.insert(sampling_logp.end(), sample.logprobs.begin(), sample.logprobs.end());
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
  const PolicyRollout& rollout;
  size_t begin, end;

  std::span<const LearnGroup> groups() const {
    return std::span(rollout.groups).subspan(begin, end - begin);
  }
  /// body(index of the sample) for the completions of a piece.
  template <class Body>
  void ForSamples(const GroupPiece& piece, const Body& body) const {
    const size_t samples = rollout.samples.size() / rollout.groups.size();
    const size_t first = (begin + static_cast<size_t>(piece.group)) * samples;
    for (int64_t i = piece.first; i < piece.first + piece.count; ++i) {
      body(first + static_cast<size_t>(i));
    }
  }
};

/// body(batch, pieces) for each micro-batch.
template <class Body>
void PolicyUpdate::ForMicroBatches(const Part& part, const Body& body) const {
  const std::span<const LearnGroup> groups = part.groups();
  for (const auto& pieces : CutIntoMicroBatches(groups, options_.micro_batch_tokens)) {
    MicroBatch micro;
    for (const GroupPiece& piece : pieces) micro.Add(groups, piece);
    body(micro, pieces);
  }
}

/// What the policy that learns gives to the tokens that another precision has sampled.
std::vector<std::vector<float>> PolicyUpdate::OldLogp(const Part& all) {
  std::vector<std::vector<float>> old(all.rollout.samples.size());
  ForMicroBatches(all, [&](const MicroBatch& micro, const auto& pieces) {
    const Scores scores = learner_.Score(micro, options_.temperature);
    auto next = scores.logprob.begin();
    for (const GroupPiece& piece : pieces) {
      all.ForSamples(piece, [&](size_t i) {
        const auto end = next + std::ssize(all.rollout.samples[i].logprobs);
        old[i].assign(next, end);
        next = end;
      });
    }
  });
  return old;
}

UpdateTotals PolicyUpdate::Learn(const PolicyRollout& rollout, int64_t stage_updates) {
  stage_updates_ = stage_updates;
  totals_ = {};
  const size_t count = rollout.groups.size(), parts = static_cast<size_t>(options_.minibatches);
  if (other_precision_ && options_.num_iterations * options_.minibatches > 1) {
    old_logp_ = OldLogp({rollout, 0, count});
  }
  for (int64_t iteration = 0; iteration < options_.num_iterations; ++iteration) {
    for (size_t part = 0; part < parts; ++part) {
      const size_t begin = count * part / parts, end = count * (part + 1) / parts;
      Update({rollout, begin, end}, iteration == 0);
    }
  }
  PolicyLossSums& sums = totals_.sums;
  learner_.reduce().Totals(sums.loss, sums.tokens, sums.low_clipped, sums.high_clipped, sums.kl,
                           sums.approx_kl, sums.entropy);
  return totals_;
}

/// One optimizer step. `fresh`: on groups that have not been learned from.
void PolicyUpdate::Update(const Part& part, bool fresh) {
  const bool first = totals_.updates == 0;  // of the rollout
  const auto add = [&](Arrays& arrays, const GroupPiece& piece) {
    part.ForSamples(piece, [&](size_t i) {
      const PolicySample& sample = part.rollout.samples[i];
      arrays.Add(sample, old_logp_.empty() ? sample.logprobs : std::span(old_logp_[i]));
    });
  };
  Arrays whole;
  for (size_t g = 0; g < part.groups().size(); ++g) {
    add(whole, {static_cast<int64_t>(g), 0, std::ssize(part.groups()[g].completions)});
  }
  LossTotals loss_totals{.max_completion_length = options_.max_completion_length};
  loss_totals.Add(options_.loss, whole.View());
  learner_.reduce().Totals(loss_totals.tokens, loss_totals.sequences);

  ForMicroBatches(part, [&](const MicroBatch& micro, const auto& pieces) {
    Arrays arrays;
    for (const GroupPiece& piece : pieces) add(arrays, piece);
    std::vector<float> ref_logp;
    if (reference_) {
      ref_logp = ScoreWith(*reference_->Packed(learner_.compute()), learner_.workspace(), micro,
                           options_.temperature)
                     .logprob;
    }
    totals_.tokens += micro.batch().size();
    const double share =
        static_cast<double>(micro.sequences()) / static_cast<double>(loss_totals.sequences);
    learner_.Accumulate(micro, options_.temperature, share, [&](const Scores& scores) {
      if (other_precision_ && old_logp_.empty()) arrays.old_logp = scores.logprob;
      if (other_precision_ ? fresh : first) {
        totals_.difference.Add(other_precision_ ? arrays.old_logp : scores.logprob,
                               arrays.sampling_logp);
      }
      std::vector<float> importance;
      if (other_precision_ && options_.importance.correction) {
        ImportanceSums seen_before;
        importance =
            ImportanceWeights(options_.importance, arrays.offsets, arrays.old_logp,
                              arrays.sampling_logp, fresh ? totals_.importance : seen_before);
      }
      ScoreGradients gradients;
      gradients.logprob.resize(scores.logprob.size());
      gradients.entropy.resize(options_.loss.entropy_coef != 0 ? scores.entropy.size() : 0);
      PolicyBatch batch = arrays.View();
      batch.logp = scores.logprob;
      batch.ref_logp = ref_logp;
      batch.entropy = scores.entropy;
      batch.importance = importance;
      totals_.sums.Add(
          PolicyLoss(options_.loss, loss_totals, batch, {gradients.logprob, gradients.entropy}));
      return gradients;
    });
  });
  totals_.learning_rate =
      nn::LearningRate(options_.optimizer, learner_.optimizer().steps(), stage_updates_);
  totals_.grad_norm += learner_.Step(totals_.learning_rate);
  ++totals_.updates;
}

}  // namespace retort::train
