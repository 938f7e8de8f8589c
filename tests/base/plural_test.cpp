#include "base/plural.h"

#include <gtest/gtest.h>

namespace retort::plural_test {
namespace {

TEST(Plural, OneIsNotMany) {
  EXPECT_EQ(Counted(0, "trace"), "0 traces");
  EXPECT_EQ(Counted(1, "trace"), "1 trace");
  EXPECT_EQ(Counted(size_t{2}, "bad line"), "2 bad lines");
  EXPECT_EQ(PartIs(1, 1, "problem"), "1 of 1 problem is");
  EXPECT_EQ(PartIs(1, 2, "problem"), "1 of 2 problems are");
}

}  // namespace
}  // namespace retort::plural_test
