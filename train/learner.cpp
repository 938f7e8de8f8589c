#include "train/learner.h"

#include <algorithm>
#include <cmath>

#include "base/options.h"
#include "nn/head.h"

namespace retort::train {
namespace {

nn::HeadArgs HeadOf(const model::PackedWeights& weights, const MicroBatch& batch,
                    nn::ConstMat hidden, float temperature) {
  return {.hidden = hidden,
          .w = &weights.head(),
          .predictions = batch.predictions(),
          .rows = batch.rows().data(),
          .targets = batch.targets().data(),
          .temperature = temperature};
}

Scores RunHead(nn::Compute& compute, nn::HeadArgs head) {
  Scores scores;
  scores.logprob.resize(static_cast<size_t>(head.predictions));
  scores.entropy.resize(static_cast<size_t>(head.predictions));
  head.logprob = scores.logprob.data();
  head.entropy = scores.entropy.data();
  nn::Head(compute, head);
  return scores;
}

}  // namespace

Scores ScoreWith(const model::PackedWeights& weights, model::Workspace& workspace,
                 const MicroBatch& batch, float temperature) {
  const nn::Mat hidden = weights.network().Forward(weights, workspace, batch.batch());
  return RunHead(workspace.compute, HeadOf(weights, batch, hidden, temperature));
}

PrecisionError MeasurePrecision(model::LanguageModel& model, nn::Compute& compute,
                                const MicroBatch& batch, float temperature) {
  model::Workspace workspace(compute);
  const Scores rounded = ScoreWith(*model.Packed(compute), workspace, batch, temperature);
  const auto float32 = model.network().Pack(compute, model.values(), {.base = model.base()});
  const Scores exact = ScoreWith(*float32, workspace, batch, temperature);
  PrecisionError error;
  for (size_t i = 0; i < exact.logprob.size(); ++i) {
    const double difference = std::abs(double{rounded.logprob[i]} - exact.logprob[i]);
    error.max = std::max(error.max, difference);
    error.mean += difference / static_cast<double>(exact.logprob.size());
  }
  return error;
}

ValidationScore Validate(model::LanguageModel& model, nn::Compute& compute,
                         std::span<const LearnGroup> groups, int64_t micro_batch_tokens) {
  ValidationScore score;
  model::Tape tape;
  model::Workspace workspace(compute);
  const auto weights = model.Packed(compute);
  int64_t predictions = 0;
  for (const std::vector<GroupPiece>& pieces : CutIntoMicroBatches(groups, micro_batch_tokens)) {
    MicroBatch batch;
    for (const GroupPiece& piece : pieces) batch.Add(groups, piece);
    tape.Reset();
    // A tape also counts loads.
    const nn::Mat hidden = model.network().Forward(*weights, workspace, batch.batch(), &tape);
    for (const float logprob : RunHead(compute, HeadOf(*weights, batch, hidden, 1)).logprob) {
      score.loss -= logprob;
    }
    predictions += batch.predictions();
  }
  score.loss /= static_cast<double>(std::max<int64_t>(predictions, 1));
  for (const std::vector<int64_t>& loads : tape.loads) {
    score.max_violation.push_back(nn::MaxViolation(loads));
  }
  return score;
}

Learner::Learner(model::LanguageModel& model, nn::Compute& compute, const LearnerOptions& options)
    : model_(model),
      compute_(compute),
      workspace_(compute),
      gradients_(model.values().Like()),
      options_(options),
      optimizer_(options.optimizer, gradients_) {
  const nn::Dtype dtype = model.precision().products;
  RETORT_CHECK(!nn::IsQuantized(dtype), "dtype: got ", EnumName(dtype),
               ", which only samples. Learn with float32 or bfloat16");
}

void Learner::Accumulate(const MicroBatch& batch, float temperature, double share,
                         const Loss& loss) {
  const nn::ArenaScope scope(arena_);
  const auto weights = model_.Packed(compute_);
  tape_.Reset();
  const auto sequences = static_cast<double>(std::max<int64_t>(1, batch.sequences()));
  tape_.balance.sequence_alpha = options_.balance.seq_aux_loss_alpha * share / sequences;
  tape_.balance.batch_alpha = options_.balance.aux_loss_alpha * share;
  tape_.loads.swap(loads_);  // the pass adds to what has been counted
  const nn::Mat hidden = model_.network().Forward(*weights, workspace_, batch.batch(), &tape_);
  tape_.loads.swap(loads_);
  balance_loss_ += tape_.balance_loss;

  const nn::HeadArgs head = HeadOf(*weights, batch, hidden, temperature);
  const ScoreGradients gradients = loss(RunHead(compute_, head));
  RETORT_DCHECK(gradients.logprob.size() == static_cast<size_t>(batch.predictions()));
  // Beside adapters nothing but them has a gradient.
  const bool base = model_.network().trains_base();
  const nn::ParameterId head_weight = model_.network().head();
  const nn::Mat dhidden = arena_.NewZeroMat(hidden.rows, hidden.cols);
  nn::HeadGrad(compute_,
               {.forward = head,
                .weight = base ? model_.values().mat(head_weight) : nn::ConstMat(),
                .dlogprob = gradients.logprob.data(),
                .dentropy = gradients.entropy.empty() ? nullptr : gradients.entropy.data(),
                .dhidden = dhidden,
                .dw = base ? gradients_.mat(head_weight) : nn::Mat(),
                .input_grad = weights->precision().InputGrad(),
                .weight_grad = weights->precision().WeightGrad()});
  model_.network().Backward(*weights, workspace_, tape_, dhidden,
                            {base ? &model_.values() : nullptr, gradients_});
}

double Learner::Step(double learning_rate) {
  reduce().Gradients(gradients_);
  const double norm = nn::GlobalNorm(compute_, gradients_);
  const double factor = nn::ClipFactor(norm, optimizer_.options().max_grad_norm);
  optimizer_.Update(compute_, {gradients_, factor}, learning_rate, model_.ChangeValues());
  gradients_.Zero();
  return norm;
}

std::vector<double> Learner::BalanceRouters() {
  std::vector<double> violations;
  for (std::vector<int64_t>& loads : loads_) {
    reduce().Counts(loads);
    violations.push_back(nn::MaxViolation(loads));
  }
  const double speed = options_.balance.router_bias_update_speed;
  if (!loads_.empty() && speed > 0 && model_.network().has_router_bias()) {
    model_.network().BalanceBias(loads_, speed, model_.ChangeValues());
  }
  loads_.clear();
  balance_loss_ = 0;
  return violations;
}

}  // namespace retort::train
