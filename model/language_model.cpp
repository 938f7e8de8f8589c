#include "model/language_model.h"

#include <algorithm>

#include "base/random.h"

namespace retort::model {

std::shared_ptr<const PackedWeights> LanguageModel::Packed(nn::Compute& compute,
                                                           const nn::Precision& precision) {
  const auto found = std::ranges::find_if(
      forms_, [&](const auto& form) { return form->precision() == precision; });
  if (found != forms_.end() && (*found)->version() == version_) return *found;
  std::shared_ptr<const PackedWeights> old;
  if (found != forms_.end()) old = std::move(*found);
  auto fresh = network_->Pack(compute, values_, {precision, version_, std::move(old)});
  ++packs_;
  if (found != forms_.end()) {
    *found = fresh;
  } else {
    forms_.push_back(fresh);
  }
  return fresh;
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

}  // namespace retort::model
