// Ticks of chart axes are at round numbers, inside the axis and few enough, and their labels
// all differ.
#include "lacos/report/axis.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <string>
#include <tuple>
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
      const Axis axis = MakeAxis(low, high, {.extend = extend});
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
      EXPECT_EQ(labels.size(), axis.ticks.size()) << low << " " << high;
    }
  }
}

TEST(Axis, ValuesThatDifferByRoundingAreOne) {
  for (const double low : {1.0, -1.0, 2e-4, 1e300, 5e-324}) {
    for (const double high : {low, std::nextafter(low, 1e301), low + 1e-10 * std::abs(low)}) {
      const Axis axis = MakeAxis(low, high, {.extend = true});
      EXPECT_LE(axis.ticks.size(), 8u) << low << " " << high;
      EXPECT_GE(axis.Place(low), 0);
      EXPECT_LE(axis.Place(high), 1);
    }
  }
}

TEST(Axis, ALogarithmicAxisHasPowersOfTen) {
  const Axis axis = MakeAxis(3e-4, 20, {.count = 6, .logarithmic = true, .extend = true});
  EXPECT_DOUBLE_EQ(axis.low, 1e-4);
  EXPECT_DOUBLE_EQ(axis.high, 100);
  EXPECT_NEAR(axis.Place(0.1), 0.5, 1e-12);
  for (const Axis::Tick& tick : axis.ticks) {
    EXPECT_NEAR(std::log10(tick.value), std::round(std::log10(tick.value)), 1e-9);
  }
  EXPECT_GE(MakeAxis(1, 1, {.logarithmic = true, .extend = true}).ticks.size(), 2u);
}

TEST(Axis, EndsThatDifferByARoundingAreEqual) {
  for (const double low : {12.3, -40.0, 1e9}) {
    const Axis axis = MakeAxis(low, std::nextafter(low, 2e9), {.extend = true});
    EXPECT_GE(axis.ticks.size(), 2u);
    EXPECT_LE(axis.ticks.size(), 12u);
    EXPECT_LT(axis.low, low);
    EXPECT_GT(axis.high, low);
  }
}

// What holds for every axis, whatever its range.
void ExpectLegible(const Axis& axis, double low, double high, const AxisOptions& options) {
  const std::string range = fmt::format(
      "{} to {}, count {}, logarithmic {}, extend {}, whole {}, unit {}", low, high, options.count,
      options.logarithmic, options.extend, options.whole, static_cast<int>(options.unit));
  ASSERT_GE(axis.ticks.size(), 2u) << range;
  ASSERT_LE(axis.ticks.size(), 2u * static_cast<size_t>(options.count) + 4) << range;
  EXPECT_LE(axis.low, low) << range;
  EXPECT_GE(axis.high, high) << range;
  std::set<std::string> labels;
  for (size_t i = 0; i < axis.ticks.size(); ++i) {
    const Axis::Tick& tick = axis.ticks[i];
    EXPECT_GE(axis.Place(tick.value), -1e-6) << range;
    EXPECT_LE(axis.Place(tick.value), 1 + 1e-6) << range;
    EXPECT_FALSE(tick.label.empty()) << range;
    EXPECT_LE(tick.label.size(), 20u) << range << ": " << tick.label;
    EXPECT_TRUE(labels.insert(tick.label).second) << range << ": two ticks " << tick.label;
    if (i > 0) {
      EXPECT_GT(tick.value, axis.ticks[i - 1].value) << range;
    }
    if (options.whole) {
      EXPECT_EQ(tick.value, std::round(tick.value)) << range;
    }
  }
}

TEST(Axis, HasTwoOrMoreTicksWithDifferentLabelsOverAnyRange) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> share(0, 1);
  for (int round = 0; round < 20000; ++round) {
    // Sizes over 60 decades, and widths from a billionth of the size to forty decades.
    const double size = std::pow(10, 60 * share(random) - 30);
    const double width = std::pow(10, -8.5 + 16 * share(random) * share(random)) * size;
    AxisOptions options{.count = 2 + static_cast<int>(6 * share(random)),
                        .logarithmic = round % 2 == 0,
                        .extend = share(random) < 0.5,
                        .unit = static_cast<Unit>(random() % 4)};
    double low = size, high = size + width;
    if (options.logarithmic) {
      // Half of the ranges lie within a decade.
      high = round % 4 == 0 ? size * std::pow(10, share(random)) : size + width;
      if (round % 8 == 2) high = size * std::pow(10, 40 * share(random));
    } else {
      if (share(random) < 0.3) low = -low;
      if (share(random) < 0.3) std::tie(low, high) = std::pair(-high, -low);
      if (low > high) std::swap(low, high);
      options.whole = size > 1 && size < 1e9 && share(random) < 0.3;
    }
    ExpectLegible(MakeAxis(low, high, options), low, high, options);
    if (HasFatalFailure()) return;
  }
}

TEST(Axis, ADecadeOrLessHasTicksAtEqualDistances) {
  const auto labels = [](double low, double high, Unit unit) {
    std::vector<std::string> texts;
    for (const Axis::Tick& tick : MakeAxis(low, high, {.logarithmic = true, .unit = unit}).ticks)
      texts.push_back(tick.label);
    return texts;
  };
  EXPECT_EQ(labels(7.1e6, 9.4e6, Unit::kNone),
            (std::vector<std::string>{"7.5M", "8M", "8.5M", "9M"}));
  EXPECT_EQ(labels(4.6e6, 10.2e6, Unit::kBytes),
            (std::vector<std::string>{"6 MB", "8 MB", "10 MB"}));
  EXPECT_EQ(labels(0.04, 2.4, Unit::kMilliseconds),
            (std::vector<std::string>{"0.05 ms", "0.1 ms", "0.2 ms", "0.5 ms", "1 ms", "2 ms"}));
}

TEST(Axis, WholeNumbersHaveNoTicksBetweenThem) {
  for (const auto& [low, high] :
       std::vector<std::pair<double, double>>{{1, 2}, {1, 1}, {1, 3}, {0, 0}}) {
    const AxisOptions options{.whole = true};
    ExpectLegible(MakeAxis(low, high, options), low, high, options);
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
  EXPECT_EQ(TickLabel(8e6, 1e6, 9e6), "8M") << "rather than 8000k";
  EXPECT_EQ(TickLabel(123457, 1, 123460), "123457") << "rather than three digits after the point";
  EXPECT_EQ(TickLabel(5e7, 1e7, 8e7, Unit::kBytes), "50 MB");
  EXPECT_EQ(TickLabel(1.5e9, 5e8, 2e9, Unit::kBytes), "1.5 GB");
  EXPECT_EQ(TickLabel(0.5, 0.5, 2, Unit::kMilliseconds), "0.5 ms");
}

}  // namespace
}  // namespace lacos
