#include "datasets/internal/steps.h"

#include <gtest/gtest.h>

namespace retort::datasets::steps_test {
namespace {

TEST(Steps, CarriesAreFactsOfTheirOwnExceptInTheFirstPlace) {
  Steps steps;
  steps.MultiplyDigits(76, 6);
  EXPECT_EQ(steps.Text(), "6*6=36;7*6=42;42+3=45");
  steps = {};
  steps.MultiplyDigits(4, 7, 2);  // a carry of 0 and a leading 0 are written too
  EXPECT_EQ(steps.Text(), "4*7=28;0*7=0;0+2=2");
  steps = {};
  steps.AddColumns(95, 7);
  EXPECT_EQ(steps.Text(), "5+7=12;9+0=9;9+1=10");
  steps = {};
  steps.SubtractColumns(302, 7);
  EXPECT_EQ(steps.Text(), "12-7=5;10-0=10;10-1=9;3-0=3;3-1=2");
}

TEST(Steps, AColumnAddsItsDigitsOneAfterTheOther) {
  Steps steps;
  steps.AddColumns({198, 276, 999}, 1, 4);
  EXPECT_EQ(steps.Text(), "9+7=16;16+9=25;1+2=3;3+9=12;12+2=14;0+0=0;0+0=0;0+1=1");
}

TEST(Steps, ResultsArePaddedButNeverCut) {
  Steps steps;
  steps.AddPadded(5, 2);
  steps.AddPadded(123, 2);
  EXPECT_EQ(steps.Text(), "05;123");
}

}  // namespace
}  // namespace retort::datasets::steps_test
