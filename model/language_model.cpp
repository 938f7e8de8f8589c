#include "model/language_model.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace retort::model {

std::shared_ptr<const PackedWeights> LanguageModel::Packed(nn::Compute& compute,
                                                           const nn::Precision& precision) {
  const auto found = std::ranges::find_if(
      forms_, [&](const auto& form) { return form->precision() == precision; });
  if (found != forms_.end() && (*found)->version() == version_) return *found;
  std::shared_ptr<const PackedWeights> old;
  if (found != forms_.end()) {
    old = std::move(*found);
    forms_.erase(found);
  }
  auto fresh = network_->Pack(compute, values_, {precision, version_, std::move(old), base_});
  ++packs_;
  return forms_.emplace_back(std::move(fresh));
}

std::unique_ptr<LanguageModel> NewModel(const ModelConfig& config, uint64_t seed,
                                        const nn::Precision& precision) {
  auto model = std::make_unique<LanguageModel>(Network::Make(config), precision);
  const double range = Common(config).initializer_range;
  nn::ParameterStore& values = model->ChangeValues();
  uint64_t index = 0;
  for (nn::ParameterId id = 0; id < std::ssize(values.layout().all()); ++id) {
    const nn::ParameterInfo& parameter = values.layout()[id];
    RandomStream random({.seed = seed, .purpose = "init", .problem = index++});
    const bool norm = parameter.name.ends_with("norm.weight");
    for (float& value : values[id]) {
      if (parameter.shape.size() == 2) {
        value = static_cast<float>(range * random.Normal());
      } else {
        value = norm ? 1.0f : 0.0f;
      }
    }
  }
  return model;
}

std::unique_ptr<LanguageModel> NewAdapters(std::shared_ptr<const PackedWeights> base,
                                           const AdapterOptions& options, uint64_t seed,
                                           const nn::Precision& precision) {
  auto network = Network::Make(base->network().config(), options);
  auto model = std::make_unique<LanguageModel>(std::move(network), precision, std::move(base));
  nn::ParameterStore& values = model->ChangeValues();
  for (nn::ParameterId id = 0; id < std::ssize(values.layout().all()); ++id) {
    const nn::ParameterInfo& parameter = values.layout()[id];
    if (!parameter.name.ends_with(".lora_A.weight")) continue;
    RandomStream random(
        {.seed = seed, .purpose = "adapters", .problem = static_cast<uint64_t>(id)});
    const double bound = 1 / std::sqrt(static_cast<double>(parameter.cols()));
    for (float& value : values[id]) {
      value = static_cast<float>(bound * (2 * random.Uniform() - 1));
    }
  }
  return model;
}

}  // namespace retort::model
