#pragma once
// The weights of a Hugging Face folder, once they have shown that they are those of a model.

#include <filesystem>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/tensor_source.h"

namespace retort::model {

struct WeightFiles {
  TensorSource tensors;  ///< exactly those of the network's layout
  /// What a reader of the folder should know: tensors that were left out, a sentence each.
  std::vector<std::string> notes;
};

/// Throws Error naming a tensor that is missing, superfluous or of another shape than config.json
/// implies, or a head beside tied embeddings that is not the same; from the headers of the files
/// alone otherwise: nothing is made by the sizes in config.json before the files have shown them to
/// be true. Modules for multi-token prediction are left out, with a note.
WeightFiles OpenWeightFiles(const ModelConfig& config, const std::filesystem::path& folder);

/// Throws Error naming the tensor and its first element that is NaN or infinite.
void RequireFinite(const StoredTensor& tensor, const std::filesystem::path& folder);

}  // namespace retort::model
