#include "model/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retort::model {
namespace {

double Temperature(double factor, double coefficient) {
  return factor <= 1 ? 1 : 0.1 * coefficient * std::log(factor) + 1;
}

bool HasTemperatures(const RopeScaling& s) {
  return s.mscale.value_or(0) != 0 && s.mscale_all_dim.value_or(0) != 0;
}

double Magnitude(const RopeScaling& s) {
  if (s.type != RopeType::kYarn) return 1;
  if (s.attention_factor) return *s.attention_factor;
  if (!HasTemperatures(s)) return Temperature(s.factor, 1);
  return Temperature(s.factor, *s.mscale) / Temperature(s.factor, *s.mscale_all_dim);
}

// Pairs below `low` turn often within the trained context and are kept, those above `high` hardly
// and are divided; between them the frequency is mixed.
class YarnRange {
 public:
  YarnRange(int64_t dim, double theta, const RopeScaling& s) {
    const double context = static_cast<double>(*s.original_max_position_embeddings);
    const auto pair_of = [&](double rotations) {
      return static_cast<double>(dim) * std::log(context / (rotations * 2 * std::numbers::pi)) /
             (2 * std::log(theta));
    };
    low_ = pair_of(s.beta_fast);
    high_ = pair_of(s.beta_slow);
    if (s.truncate) {
      low_ = std::floor(low_);
      high_ = std::ceil(high_);
    }
    low_ = std::max(low_, 0.0);
    high_ = std::min(high_, static_cast<double>(dim - 1));
    if (low_ == high_) high_ += 0.001;
  }
  /// How much of pair `i` is divided, 0 to 1.
  double Share(int64_t i) const {
    return std::clamp((static_cast<double>(i) - low_) / (high_ - low_), 0.0, 1.0);
  }

 private:
  double low_ = 0, high_ = 0;
};

double Llama3(double frequency, const RopeScaling& s) {
  const double context = static_cast<double>(*s.original_max_position_embeddings);
  const double turns = context * frequency / (2 * std::numbers::pi);
  if (turns > s.high_freq_factor) return frequency;
  if (turns < s.low_freq_factor) return frequency / s.factor;
  const double kept = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
  return (1 - kept) * frequency / s.factor + kept * frequency;
}

}  // namespace

nn::Rotations RotationsOf(int64_t dim, double theta, const RopeScaling& s) {
  nn::Rotations rotations{.frequencies = {}, .magnitude = Magnitude(s)};
  for (int64_t i = 0; i < dim / 2; ++i) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    switch (s.type) {
      case RopeType::kDefault:
        break;
      case RopeType::kLinear:
        frequency /= s.factor;
        break;
      case RopeType::kYarn: {
        const double share = YarnRange(dim, theta, s).Share(i);
        frequency = frequency * (1 - share) + frequency / s.factor * share;
        break;
      }
      case RopeType::kLlama3:
        frequency = Llama3(frequency, s);
        break;
    }
    rotations.frequencies.push_back(frequency);
  }
  return rotations;
}

double SoftmaxFactor(const RopeScaling& s) {
  if (s.type != RopeType::kYarn || s.mscale_all_dim.value_or(0) == 0) return 1;
  const double temperature = Temperature(s.factor, *s.mscale_all_dim);
  return temperature * temperature;
}

}  // namespace retort::model
