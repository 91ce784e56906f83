// Quantities have the prefix, unit and digits that people expect.
#include "lacos/report/quantity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lacos {
namespace {

TEST(Quantity, HasThreeDigitsAndItsUnit) {
  EXPECT_EQ(QuantityText(7885312), "7.89 M");
  EXPECT_EQ(QuantityText(559214592), "559 M");
  EXPECT_EQ(QuantityText(12345), "12.3 k");
  EXPECT_EQ(QuantityText(9999), "9999");
  EXPECT_EQ(QuantityText(0), "0");
  EXPECT_EQ(QuantityText(0.25), "0.25");
  EXPECT_EQ(QuantityText(9675776, Unit::kBytes), "9.68 MB");
  EXPECT_EQ(QuantityText(575, Unit::kBytes), "575 B");
  EXPECT_EQ(QuantityText(2.5e12, Unit::kBytes), "2.50 TB");
  EXPECT_EQ(QuantityText(1.3018, Unit::kMilliseconds), "1.30 ms");
  EXPECT_EQ(QuantityText(0.0012, Unit::kMilliseconds), "0.0012 ms");
  EXPECT_EQ(QuantityText(25000, Unit::kMilliseconds), "25.0 s");
  EXPECT_EQ(QuantityText(754.3, Unit::kSeconds), "754 s");
}

TEST(Quantity, NumbersThatAreNoneOrHugeAreShownToo) {
  EXPECT_EQ(QuantityText(std::nan("")), "-");
  EXPECT_EQ(QuantityText(std::numeric_limits<double>::infinity(), Unit::kBytes), "-");
  EXPECT_EQ(QuantityText(1e300), "1e+288T");
  EXPECT_EQ(QuantityText(-3e6), "-3.00 M");
  EXPECT_EQ(GroupedText(1e300), "1e+300");
}

TEST(Quantity, GroupsDigits) {
  EXPECT_EQ(GroupedText(int64_t{0}), "0");
  EXPECT_EQ(GroupedText(int64_t{999}), "999");
  EXPECT_EQ(GroupedText(int64_t{1234567}), "1,234,567");
  EXPECT_EQ(GroupedText(int64_t{-123456}), "-123,456");
  EXPECT_EQ(GroupedText(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Quantity, PreciseTextsKeepWhatShortOnesDrop) {
  EXPECT_EQ(PreciseText(1234567), "1,234,567");
  EXPECT_EQ(PreciseText(0.713024), "0.71302");
  EXPECT_EQ(PreciseText(9675776, Unit::kBytes), "9.67578 MB");
  EXPECT_EQ(PreciseText(std::nan("")), "-");
}

}  // namespace
}  // namespace lacos
