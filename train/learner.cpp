#include "train/learner.h"

#include <algorithm>
#include <cmath>

#include "base/options.h"
#include "nn/head.h"

namespace retort::train {
namespace {

nn::HeadArgs HeadOf(model::LanguageModel& model, const MicroBatch& batch, nn::ConstMat hidden,
                    float temperature) {
  return {.hidden = hidden,
          .w = &model.head(),
          .predictions = batch.predictions(),
          .rows = batch.rows().data(),
          .targets = batch.targets().data(),
          .temperature = temperature};
}

Scores ScoreHidden(model::LanguageModel& model, nn::Compute& compute, const MicroBatch& batch,
                   nn::ConstMat hidden, float temperature) {
  Scores scores;
  scores.logprob.resize(static_cast<size_t>(batch.predictions()));
  scores.entropy.resize(static_cast<size_t>(batch.predictions()));
  nn::HeadArgs head = HeadOf(model, batch, hidden, temperature);
  head.logprob = scores.logprob.data();
  head.entropy = scores.entropy.data();
  nn::Head(compute, head);
  return scores;
}

}  // namespace

Scores ScoreWith(model::LanguageModel& model, nn::Compute& compute, const MicroBatch& batch,
                 float temperature) {
  std::vector<float> storage(static_cast<size_t>(batch.batch().size() * model.hidden_size()));
  const nn::Mat hidden(storage.data(), batch.batch().size(), model.hidden_size());
  model.Forward(compute, batch.batch(), nullptr, hidden);
  return ScoreHidden(model, compute, batch, hidden, temperature);
}

PrecisionError MeasurePrecision(model::LanguageModel& model, nn::Compute& compute,
                                const MicroBatch& batch, float temperature) {
  const Scores rounded = ScoreWith(model, compute, batch, temperature);
  nn::Compute float32(compute.executor);
  model.Pack(float32);
  const Scores exact = ScoreWith(model, float32, batch, temperature);
  model.Pack(compute);
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
  int64_t predictions = 0;
  for (const std::vector<GroupPiece>& pieces : CutIntoMicroBatches(groups, micro_batch_tokens)) {
    MicroBatch batch;
    for (const GroupPiece& piece : pieces) batch.Add(groups, piece);
    tape.Reset();
    const nn::Mat hidden = tape.arena.NewMat(batch.batch().size(), model.hidden_size());
    model.Forward(compute, batch.batch(), &tape, hidden);  // a tape also counts loads
    for (const float logprob : ScoreHidden(model, compute, batch, hidden, 1).logprob) {
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

Learner::Learner(model::LanguageModel& model, nn::Compute& compute,
                 const nn::OptimizerOptions& optimizer, const BalanceSettings& balance)
    : model_(model), compute_(compute), optimizer_(optimizer), balance_(balance) {
  RETORT_CHECK(!nn::IsQuantized(compute.dtype), "dtype: got ", EnumName(compute.dtype),
               ", which only samples. Learn with float32 or bfloat16");
  model_.parameters().ZeroGradients();
  optimizer_.Prepare(model_.parameters());
}

void Learner::Accumulate(const MicroBatch& batch, float temperature, double share,
                         const Loss& loss) {
  const nn::ArenaScope scope(arena_);
  const nn::Mat hidden = arena_.NewMat(batch.batch().size(), model_.hidden_size());
  tape_.Reset();
  const auto sequences = static_cast<double>(std::max<int64_t>(1, batch.sequences()));
  tape_.balance.sequence_alpha = balance_.seq_aux_loss_alpha * share / sequences;
  tape_.balance.batch_alpha = balance_.aux_loss_alpha * share;
  tape_.loads.swap(loads_);  // the pass adds to what has been counted
  model_.Forward(compute_, batch.batch(), &tape_, hidden);
  tape_.loads.swap(loads_);
  balance_loss_ += tape_.balance_loss;

  const ScoreGradients gradients = loss(ScoreHidden(model_, compute_, batch, hidden, temperature));
  RETORT_DCHECK(gradients.logprob.size() == static_cast<size_t>(batch.predictions()));
  const nn::Mat dhidden = arena_.NewZeroMat(hidden.rows, hidden.cols);
  nn::HeadGrad(compute_,
               {.forward = HeadOf(model_, batch, hidden, temperature),
                .weight = model_.head_weight().mat(),
                .dlogprob = gradients.logprob.data(),
                .dentropy = gradients.entropy.empty() ? nullptr : gradients.entropy.data(),
                .dhidden = dhidden,
                .dw = model_.head_weight().grad_mat()});
  model_.Backward(compute_, batch.batch(), tape_, dhidden);
}

double Learner::Step(double learning_rate) {
  const double norm = optimizer_.Step(compute_, model_.parameters(), learning_rate);
  model_.Pack(compute_);
  model_.parameters().ZeroGradients();
  return norm;
}

std::vector<double> Learner::BalanceRouters() {
  std::vector<double> violations;
  for (const std::vector<int64_t>& loads : loads_) violations.push_back(nn::MaxViolation(loads));
  if (!loads_.empty()) model_.BalanceBias(loads_, balance_.router_bias_update_speed);
  loads_.clear();
  balance_loss_ = 0;
  return violations;
}

}  // namespace retort::train
