#include "fuzz/fuzz.h"
#include "fuzz/memory_bound.h"
#include "fuzz/memory_file.h"
#include "model/safetensors.h"

namespace retort {

void FuzzSafetensors(std::string_view bytes) {
  const MemoryFile file(bytes);
  const MemoryBound bound(bytes.size());
  model::TensorSource source;
  try {
    source = model::OpenSafetensors(file.path());
    size_t held = 0;
    std::string_view last;
    for (const model::StoredTensor& tensor : source.tensors()) {
      Require(&tensor == source.tensors().data() || last < tensor.name, "names are not in order");
      last = tensor.name;
      Require(source.Find(tensor.name) == &tensor, "a tensor is not found");
      held += tensor.data.size();
      size_t sum = 0;  // all of it can be read
      for (const std::byte byte : tensor.data) sum += static_cast<size_t>(byte);
      Require(sum <= 255 * tensor.data.size(), "impossible");
      const bool floats = tensor.type == model::StoredType::kF32 ||
                          tensor.type == model::StoredType::kF16 ||
                          tensor.type == model::StoredType::kBF16;
      if (floats) {
        const std::vector<float> values = model::ReadFloats(tensor);
        Require(std::ssize(values) == tensor.elements(), "values are missing");
      }
    }
    Require(held + 8 <= bytes.size(), "more tensors than bytes");
  } catch (const Error& error) {
    Require(std::string_view(error.what()).starts_with(file.path()), "no place is named");
    return;
  }
  try {
    source.TakeScales(2, 2, "where");
    for (const model::StoredTensor& tensor : source.tensors()) {
      if (tensor.scales) model::ReadFloats(tensor);
    }
  } catch (const Error&) {
    // No scales, or none that fit.
  }
}

}  // namespace retort
