#include "train/internal/tensorboard.h"

#include <array>
#include <bit>

namespace retort::train {
namespace {

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

void PutFixed(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}

// Protobuf fields: tag = number << 3 | wire type.
void PutDouble(std::string& out, int field, double value) {
  PutVarint(out, static_cast<uint64_t>(field << 3 | 1));
  PutFixed(out, std::bit_cast<uint64_t>(value), 8);
}
void PutFloat(std::string& out, int field, float value) {
  PutVarint(out, static_cast<uint64_t>(field << 3 | 5));
  PutFixed(out, std::bit_cast<uint32_t>(value), 4);
}
void PutBytes(std::string& out, int field, std::string_view bytes) {
  PutVarint(out, static_cast<uint64_t>(field << 3 | 2));
  PutVarint(out, bytes.size());
  out += bytes;
}

uint32_t MaskedCrc(std::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return std::rotr(crc, 15) + 0xA282EAD8u;
}

std::string Record(const std::string& event) {
  std::string out;
  PutFixed(out, event.size(), 8);
  PutFixed(out, MaskedCrc(out), 4);
  out += event;
  PutFixed(out, MaskedCrc(event), 4);
  return out;
}

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

std::string TensorBoardHeader(double wall_time) {
  std::string event;
  PutDouble(event, 1, wall_time);
  PutBytes(event, 3, "brain.Event:2");
  return Record(event);
}

std::string TensorBoardScalars(double wall_time, int64_t step,
                               const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    std::string item;
    PutBytes(item, 1, tag);
    PutFloat(item, 2, static_cast<float>(value));
    PutBytes(summary, 1, item);
  }
  std::string event;
  PutDouble(event, 1, wall_time);
  PutVarint(event, 2 << 3);
  PutVarint(event, static_cast<uint64_t>(step));
  PutBytes(event, 5, summary);
  return Record(event);
}

}  // namespace retort::train
