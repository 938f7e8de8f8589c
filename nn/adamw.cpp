#include "nn/adamw.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "nn/internal/adamw_kernel.h"

namespace retort::nn {
namespace {

// Elements per tile: fixed, so that the norm is the same sum on any number of threads.
constexpr int64_t kTile = 16384;

/// A piece of a trainable parameter.
struct Tile {
  const ParameterInfo* parameter;
  int64_t begin;  // in a store
  int64_t count;
};

std::vector<Tile> Tiles(const ParameterLayout& layout) {
  std::vector<Tile> tiles;
  for (const ParameterInfo& parameter : layout.all()) {
    if (!parameter.trainable) continue;
    for (int64_t begin = 0; begin < parameter.size(); begin += kTile) {
      tiles.push_back(
          {&parameter, parameter.offset + begin, std::min(kTile, parameter.size() - begin)});
    }
  }
  return tiles;
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

double GlobalNorm(Compute& compute, const ParameterStore& gradients) {
  const std::vector<Tile> tiles = Tiles(gradients.layout());
  std::vector<double> squares(tiles.size());
  compute.ParallelFor("gradient norm", std::ssize(tiles), [&](int64_t i, int) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    squares[static_cast<size_t>(i)] =
        SumOfSquares(gradients.numbers().data() + tile.begin, tile.count);
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

double ClipFactor(double norm, double max_norm) {
  // The small number keeps the clipped norm below the limit.
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

void AdamW::Update(Compute& compute, const Gradients& gradients, double learning_rate,
                   ParameterStore& values) {
  RETORT_CHECK(values.shared_layout() == first_.shared_layout() &&
                   gradients.store.shared_layout() == first_.shared_layout(),
               "optimizer step: the moments are those of another model");
  ++steps_;
  const double correction1 = 1 - std::pow(options_.adam_beta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(options_.adam_beta2, static_cast<double>(steps_));
  AdamWFactors factors;
  factors.clip = static_cast<float>(gradients.factor);
  factors.beta1 = static_cast<float>(options_.adam_beta1);
  factors.rest1 = static_cast<float>(1 - options_.adam_beta1);
  factors.beta2 = static_cast<float>(options_.adam_beta2);
  factors.rest2 = static_cast<float>(1 - options_.adam_beta2);
  factors.rate = static_cast<float>(learning_rate / correction1);
  factors.root_scale = static_cast<float>(1 / std::sqrt(correction2));
  factors.epsilon = static_cast<float>(options_.adam_epsilon);
  const float decay = static_cast<float>(learning_rate * options_.weight_decay);
  const std::vector<Tile> tiles = Tiles(values.layout());
  compute.ParallelFor("adamw", std::ssize(tiles), [&](int64_t i, int) {
    const Tile& tile = tiles[static_cast<size_t>(i)];
    AdamWFactors own = factors;
    own.decay = tile.parameter->decay ? decay : 0;
    AdamWUpdate(own, {gradients.store.numbers().data() + tile.begin,
                      values.numbers().data() + tile.begin, first_.numbers().data() + tile.begin,
                      second_.numbers().data() + tile.begin, tile.count});
  });
}

}  // namespace retort::nn
