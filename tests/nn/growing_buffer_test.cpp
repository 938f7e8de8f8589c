#include "nn/growing_buffer.h"

#include <gtest/gtest.h>

namespace retort::nn::growing_buffer_test {
namespace {

TEST(GrowingBuffer, KeepsItsNumbersAndGrowsByZeros) {
  GrowingBuffer buffer;
  EXPECT_EQ(buffer.size(), 0u);
  size_t written = 0;
  // From less than a page of memory to many huge ones.
  for (const size_t size :
       {size_t{1}, size_t{1000}, size_t{5000}, size_t{600000}, size_t{4000000}}) {
    buffer.Reserve(size);
    ASSERT_GE(buffer.size(), size);
    for (size_t i = 0; i < written; i += 97) ASSERT_EQ(buffer.data()[i], static_cast<float>(i));
    for (; written < buffer.size(); ++written) {
      ASSERT_EQ(buffer.data()[written], 0.0f);
      buffer.data()[written] = static_cast<float>(written);
    }
  }
  const size_t size = buffer.size();
  buffer.Reserve(3);  // never shrinks
  EXPECT_EQ(buffer.size(), size);

  const GrowingBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.size(), size);
  EXPECT_EQ(moved.data()[size - 1], static_cast<float>(size - 1));
}

}  // namespace
}  // namespace retort::nn::growing_buffer_test
