#include "nn/adamw.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/internal/adamw_kernel.h"

namespace retort::nn {
namespace {

// Elements per tile: fixed, so that the norm is the same sum on any number of threads.
constexpr int64_t kTile = 16384;

struct Tile {
  Parameter* parameter;
  AdamW::Moments* moments;
  int64_t begin;
  int64_t count;
};

double Norm(Compute& compute, const std::vector<Tile>& tiles) {
  std::vector<double> squares(tiles.size());
  compute.ParallelFor("gradient norm", static_cast<int64_t>(tiles.size()), [&](int64_t i, int) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    squares[static_cast<size_t>(i)] =
        SumOfSquares(tile.parameter->grad.data() + tile.begin, tile.count);
  });
  double sum = 0;
  for (size_t i = 0; i < tiles.size(); ++i) {
    RETORT_CHECK(std::isfinite(squares[i]), "optimizer step: the gradient of '",
                 tiles[i].parameter->name,
                 "' is not finite; the weights were left as they are. Lower the learning rate or "
                 "look for a loss that overflows");
    sum += squares[i];
  }
  return std::sqrt(sum);
}

}  // namespace

double LearningRate(const OptimizerOptions& options, int64_t step, int64_t total) {
  const double peak = options.learning_rate;
  if (step < options.warmup_steps) {
    return peak * static_cast<double>(step) / static_cast<double>(options.warmup_steps);
  }
  const int64_t length = std::max<int64_t>(1, total - options.warmup_steps);
  const double progress =
      std::min(1.0, static_cast<double>(step - options.warmup_steps) / static_cast<double>(length));
  double share = 1;
  switch (options.lr_scheduler_type) {
    case Schedule::kConstant:
      return peak;
    case Schedule::kLinear:
      share = 1 - progress;
      break;
    case Schedule::kCosine:
      share = 0.5 * (1 + std::cos(std::numbers::pi * progress));
      break;
  }
  return peak * (options.min_lr_ratio + (1 - options.min_lr_ratio) * share);
}

void AdamW::Prepare(const ParameterStore& store) {
  size_t index = 0;
  for (const Parameter& parameter : store.all()) {
    if (!parameter.trainable) continue;
    if (index == moments_.size()) moments_.emplace_back();
    Moments& moments = moments_[index++];
    const size_t size = parameter.value.size();
    if (moments.first.empty()) moments.first.resize(size);
    if (moments.second.empty()) moments.second.resize(size);
    RETORT_CHECK(moments.first.size() == size && moments.second.size() == size,
                 "optimizer state of '", parameter.name, "' has ", moments.first.size(), " and ",
                 moments.second.size(), " numbers, expected ", size);
  }
  RETORT_CHECK(index == moments_.size(), "optimizer state for ", moments_.size(),
               " parameters, but the model has ", index, " trainable ones");
}

double AdamW::Step(Compute& compute, ParameterStore& store, double learning_rate) {
  Prepare(store);
  std::vector<Tile> tiles;
  size_t index = 0;
  for (Parameter& parameter : store.all()) {
    if (!parameter.trainable) continue;
    Moments& moments = moments_[index++];
    RETORT_CHECK(parameter.grad.size() == parameter.value.size(), "optimizer step: parameter '",
                 parameter.name, "' has no gradient; call ZeroGradients before backward");
    const int64_t size = static_cast<int64_t>(parameter.value.size());
    for (int64_t begin = 0; begin < size; begin += kTile) {
      tiles.push_back({&parameter, &moments, begin, std::min(kTile, size - begin)});
    }
  }
  const double norm = Norm(compute, tiles);
  // As torch.nn.utils.clip_grad_norm_: the small number keeps the clipped norm below the limit.
  const double clip =
      options_.max_grad_norm > 0 ? std::min(1.0, options_.max_grad_norm / (norm + 1e-6)) : 1.0;

  ++steps_;
  const double correction1 = 1 - std::pow(options_.adam_beta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(options_.adam_beta2, static_cast<double>(steps_));
  AdamWFactors factors;
  factors.clip = static_cast<float>(clip);
  factors.beta1 = static_cast<float>(options_.adam_beta1);
  factors.rest1 = static_cast<float>(1 - options_.adam_beta1);
  factors.beta2 = static_cast<float>(options_.adam_beta2);
  factors.rest2 = static_cast<float>(1 - options_.adam_beta2);
  factors.rate = static_cast<float>(learning_rate / correction1);
  factors.root_scale = static_cast<float>(1 / std::sqrt(correction2));
  factors.epsilon = static_cast<float>(options_.adam_epsilon);
  const float decay = static_cast<float>(learning_rate * options_.weight_decay);
  compute.ParallelFor("adamw", static_cast<int64_t>(tiles.size()), [&](int64_t i, int) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    AdamWFactors own = factors;
    own.decay = tile.parameter->decay ? decay : 0;
    AdamWUpdate(
        own, {tile.parameter->grad.data() + tile.begin, tile.parameter->value.data() + tile.begin,
              tile.moments->first.data() + tile.begin, tile.moments->second.data() + tile.begin,
              tile.count});
  });
  return norm;
}

}  // namespace retort::nn
