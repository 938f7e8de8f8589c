#pragma once
// TensorBoard event files (fact sheet §8.6): records of masked CRC-32C and protobuf Event messages.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace retort::train {

/// The first record of a file: "brain.Event:2".
std::string TensorBoardHeader(double wall_time);
/// One record with scalars at a step.
std::string TensorBoardScalars(double wall_time, int64_t step,
                               const std::vector<std::pair<std::string, double>>& scalars);

uint32_t Crc32c(std::string_view bytes);

}  // namespace retort::train
