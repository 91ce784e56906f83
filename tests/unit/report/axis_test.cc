// Ticks of chart axes are at round numbers, inside the axis and few enough, and their labels
// all differ.
#include "lacos/report/axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace lacos {
namespace {

TEST(Axis, TicksAreRoundFewInsideAndDistinct) {
  const std::vector<std::pair<double, double>> ranges = {
      {0, 1},       {0.137, 0.961}, {-3, 17},       {1, 100000},     {2e-6, 2e-4}, {59.91, 59.97},
      {1e9, 1.5e9}, {-0.02, 0.31},  {123456, 7e12}, {-80, -79.9999}, {5, 5},       {0, 0}};
  for (const auto& [low, high] : ranges) {
    for (const bool extend : {false, true}) {
      const Axis axis = MakeAxis(low, high, 5, false, extend);
      EXPECT_GE(axis.ticks.size(), 2u) << low << " " << high;
      EXPECT_LE(axis.ticks.size(), 8u) << low << " " << high;
      EXPECT_LE(axis.low, low);
      EXPECT_GE(axis.high, high);
      std::set<std::string> labels;
      for (const Axis::Tick& tick : axis.ticks) {
        EXPECT_GE(axis.Place(tick.value), -1e-9);
        EXPECT_LE(axis.Place(tick.value), 1 + 1e-9);
        labels.insert(tick.label);
        EXPECT_LE(tick.label.size(), 9u) << tick.label;
      }
      const double span = std::max(std::abs(low), std::abs(high)) / std::max(high - low, 1e-300);
      if (span < 1e4) {
        EXPECT_EQ(labels.size(), axis.ticks.size()) << low << " " << high;
      }
    }
  }
}

TEST(Axis, ValuesThatDifferByRoundingAreOne) {
  for (const double low : {1.0, -1.0, 2e-4, 1e300, 5e-324}) {
    for (const double high : {low, std::nextafter(low, 1e301), low + 1e-10 * std::abs(low)}) {
      const Axis axis = MakeAxis(low, high, 5, false, true);
      EXPECT_LE(axis.ticks.size(), 8u) << low << " " << high;
      EXPECT_GE(axis.Place(low), 0);
      EXPECT_LE(axis.Place(high), 1);
    }
  }
}

TEST(Axis, ALogarithmicAxisHasPowersOfTen) {
  const Axis axis = MakeAxis(3e-4, 20, 6, true, true);
  EXPECT_DOUBLE_EQ(axis.low, 1e-4);
  EXPECT_DOUBLE_EQ(axis.high, 100);
  EXPECT_NEAR(axis.Place(0.1), 0.5, 1e-12);
  for (const Axis::Tick& tick : axis.ticks) {
    EXPECT_NEAR(std::log10(tick.value), std::round(std::log10(tick.value)), 1e-9);
  }
  EXPECT_GE(MakeAxis(1, 1, 5, true, true).ticks.size(), 2u);
}

TEST(Axis, EndsThatDifferByARoundingAreEqual) {
  for (const double low : {12.3, -40.0, 1e9}) {
    const Axis axis = MakeAxis(low, std::nextafter(low, 2e9), 5, false, true);
    EXPECT_GE(axis.ticks.size(), 2u);
    EXPECT_LE(axis.ticks.size(), 12u);
    EXPECT_LT(axis.low, low);
    EXPECT_GT(axis.high, low);
  }
}

TEST(Axis, LabelsAreShort) {
  EXPECT_EQ(TickLabel(0, 0.1, 0), "0");
  EXPECT_EQ(TickLabel(0.25, 0.05, 0.25), "0.25");
  EXPECT_EQ(TickLabel(1500, 500, 1500), "1500");
  EXPECT_EQ(TickLabel(20000, 5000, 20000), "20k");
  EXPECT_EQ(TickLabel(12500, 2500, 12500), "12.5k");
  EXPECT_EQ(TickLabel(2e-4, 5e-5, 2e-4), "2e-4");
  EXPECT_EQ(TickLabel(1.5e-4, 5e-5, 1.5e-4), "1.5e-4");
  EXPECT_EQ(TickLabel(-40, 20, -40), "-40");
  EXPECT_EQ(TickLabel(5e-4, 5e-4, 2e-3), "5e-4");
  EXPECT_EQ(TickLabel(2e-3, 5e-4, 2e-3), "2e-3") << "in the form of its neighbours";
}

}  // namespace
}  // namespace lacos
