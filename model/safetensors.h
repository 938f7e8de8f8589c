#pragma once
// safetensors files: u64 length N (little-endian), N bytes of JSON header, then the tensors.
//
// A header entry is "name": {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from
// the end of the header; "__metadata__" maps strings to strings. The reader trusts nothing: every
// byte of the buffer belongs to exactly one tensor and every size is checked against its shape, so
// a truncated or damaged header gives Error, never a wild pointer. (Damaged tensor *values* cannot
// be seen: the format has no checksum.) Tensors are row-major, little-endian.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/tensor_source.h"

namespace retort::model {

/// The tensors of one file. Throws Error naming it where it is damaged.
TensorSource OpenSafetensors(const std::filesystem::path& path);

/// Writes the tensors in the published order (largest element first, then by name) straight from
/// where they lie, under the final name only once complete. Names must differ.
void WriteSafetensors(const std::filesystem::path& path, std::vector<StoredTensor> tensors,
                      const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

/// The weights of a Hugging Face folder: model.safetensors, or the shards that
/// model.safetensors.index.json lists (the index must name exactly the tensors the shards hold).
TensorSource OpenWeights(const std::filesystem::path& folder);

}  // namespace retort::model
