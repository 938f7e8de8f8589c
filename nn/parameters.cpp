#include "nn/parameters.h"

namespace retort::nn {

Parameter& ParameterStore::Add(const std::string& name, std::vector<int64_t> shape) {
  RETORT_CHECK(places_.emplace(name, parameters_.size()).second, "parameter '", name,
               "' exists already");
  RETORT_CHECK(shape.size() == 1 || shape.size() == 2, "parameter '", name, "': got ", shape.size(),
               " dimensions, expected 1 or 2");
  Parameter& parameter = parameters_.emplace_back();
  parameter.name = name;
  parameter.shape = std::move(shape);
  parameter.decay = parameter.shape.size() == 2;
  if (allocate_) parameter.value.resize(static_cast<size_t>(parameter.rows() * parameter.cols()));
  return parameter;
}

const Parameter* ParameterStore::Find(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &parameters_[found->second];
}

int64_t ParameterStore::count() const {
  int64_t total = 0;
  for (const Parameter& p : parameters_) total += static_cast<int64_t>(p.value.size());
  return total;
}

void ParameterStore::ZeroGradients() {
  for (Parameter& p : parameters_) {
    if (p.trainable) p.grad.assign(p.value.size(), 0.0f);
  }
}

void ParameterStore::DropGradients() {
  for (Parameter& p : parameters_) AlignedVector<float>().swap(p.grad);
}

}  // namespace retort::nn
