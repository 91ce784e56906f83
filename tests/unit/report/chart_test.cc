// Charts: which points are thinned out and how, gaps, escaping, and charts without data.
#include "lacos/report/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace lacos {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

Series LongSeries(int n) {
  Series series{.name = "loss", .x = {}, .y = {}};
  for (int i = 0; i < n; ++i) {
    series.x.push_back(i);
    series.y.push_back(std::sin(0.01 * i) + (i == n / 3 ? 50 : 0));
  }
  return series;
}

Chart BarChart() {
  return {.id = "one",
          .title = "Score",
          .x_title = "bytes",
          .y_title = "score",
          .x_margin = true,
          .series = {{.name = "runs",
                      .x = {1, 2, 3},
                      .y = {50, 60, 55},
                      .style = SeriesStyle::kPoints,
                      .low = {40, kNaN, 54},
                      .high = {70, 65, 56},
                      .labels = {"first", "<second>", "third"}}}};
}

TEST(Thin, KeepsShortSeriesAndLosesNoExtremeOfLongOnes) {
  const Series small = LongSeries(800);
  const ThinnedSeries same = Thin(small);
  EXPECT_FALSE(same.thinned);
  EXPECT_EQ(same.mean, small.y);

  const Series large = LongSeries(100000);
  const ThinnedSeries thinned = Thin(large);
  ASSERT_TRUE(thinned.thinned);
  EXPECT_EQ(thinned.x.size(), static_cast<size_t>(kChartBuckets));
  EXPECT_EQ(thinned.points_per_bucket, 250);
  EXPECT_EQ(*std::max_element(thinned.high.begin(), thinned.high.end()),
            *std::max_element(large.y.begin(), large.y.end()));
  EXPECT_EQ(*std::min_element(thinned.low.begin(), thinned.low.end()),
            *std::min_element(large.y.begin(), large.y.end()));
  double sum = 0, thinned_sum = 0;
  for (const double y : large.y) sum += y;
  for (const double mean : thinned.mean) thinned_sum += mean;
  EXPECT_NEAR(thinned_sum / kChartBuckets, sum / 100000, 1e-9) << "buckets are equally large";
  EXPECT_TRUE(std::is_sorted(thinned.x.begin(), thinned.x.end()));
}

TEST(Thin, PassesOverGaps) {
  Series series = LongSeries(4000);
  for (int i = 0; i < 1000; ++i) series.y[i] = kNaN;
  series.y[2001] = std::numeric_limits<double>::infinity();
  const ThinnedSeries thinned = Thin(series);
  EXPECT_TRUE(std::isnan(thinned.mean[0]));
  for (size_t i = 110; i < thinned.mean.size(); ++i)
    EXPECT_TRUE(std::isfinite(thinned.mean[i])) << i;
}

TEST(Chart, DrawsEverySeriesAndEscapesEveryText) {
  const std::string evil = "<script>\"'&";
  const Chart chart{
      .id = "one",
      .title = evil,
      .x_title = evil,
      .y_title = evil,
      .series = {{evil, {1, 2, 3}, {4, kNaN, 5}}, {"b", {1, 2}, {3, 3}, SeriesStyle::kDotted}},
      .events = {{evil, {2}}},
      .marks = {{2, 3, evil}},
      .note = evil};
  const std::string html = ChartHtml(chart);
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_GE(Count(html, "&lt;script&gt;&quot;&#39;&amp;"), 8u);
  EXPECT_EQ(Count(html, "class=\"curve line"), 2u);
  EXPECT_EQ(Count(html, "class=\"curve dots c"), 1u);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST(Chart, ShowsTheValuesOfDotsAndLinesOnHover) {
  const Chart chart{.id = "one",
                    .title = "Loss",
                    .x_title = "step",
                    .y_title = "resident",
                    .y_unit = Unit::kBytes,
                    .whole_x = true,
                    .series = {{"now", {1, 2, 3}, {4e6, kNaN, 5e6}},
                               {"peak", {1, 3}, {6e6, 7.25e6}, SeriesStyle::kDotted}}};
  const std::string html = ChartHtml(chart);
  EXPECT_THAT(html, HasSubstr("<title>step: 1\nnow: 4 MB\npeak: 6 MB</title></rect>"));
  EXPECT_THAT(html, HasSubstr("<title>step: 3\nnow: 5 MB\npeak: 7.25 MB</title></rect>"));
  EXPECT_THAT(html, Not(HasSubstr("step: 2\n"))) << "no line has a value there";
  EXPECT_THAT(html, HasSubstr("h0\"><title>step: 3\npeak: 7.25 MB</title></path>"));

  Chart bars = BarChart();
  EXPECT_THAT(ChartHtml(bars), HasSubstr("<title>first\nbytes: 1\nscore: 50 (40 to 70)</title>"));
}

TEST(Chart, ALineHasDotsWhereAPointHasNoNeighbour) {
  Chart chart{.id = "one",
              .title = "Loss",
              .x_title = "step",
              .y_title = "loss",
              .series = {{"a", {1, 2, 3, 4, 5}, {5, kNaN, 4, 3, kNaN}}}};
  const std::string html = ChartHtml(chart);
  EXPECT_EQ(Count(html, "class=\"curve dots lone c1\""), 1u);
  EXPECT_EQ(Count(html, "h0\"><title>"), 1u) << "at step 1 alone";
  chart.series[0].y = {5, 4.5, 4, 3, 2};
  EXPECT_THAT(ChartHtml(chart), Not(HasSubstr("dots")));
}

TEST(Chart, HasFewPlacesToHoverOverALongLine) {
  const Chart chart{.id = "one",
                    .title = "Loss",
                    .x_title = "step",
                    .y_title = "loss",
                    .series = {LongSeries(799)}};
  EXPECT_EQ(Count(ChartHtml(chart), "<rect "), 114u) << "every seventh of 799";
}

TEST(Chart, LegendsHaveTheMarksOfTheirSeries) {
  const Chart chart{.id = "one",
                    .title = "Scores",
                    .x_title = "x",
                    .y_title = "y",
                    .series = {{"dots", {1}, {4}, SeriesStyle::kPoints},
                               {"line", {1, 2}, {3, 3}},
                               {"both", {1, 2}, {2, 2}, SeriesStyle::kDotted}}};
  const std::string html = ChartHtml(chart);
  EXPECT_THAT(html, HasSubstr("<i class=\"dot c1\"></i><bdi>dots</bdi>"));
  EXPECT_THAT(html, HasSubstr("<i class=\"dash c2\"></i><bdi>line</bdi>"));
  EXPECT_THAT(html, HasSubstr("<i class=\"dash dot c3\"></i><bdi>both</bdi>"));
}

TEST(Chart, HasTwoLabelledTicksOnBothAxesWhateverItsPoints) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> share(0, 1);
  for (int round = 0; round < 500; ++round) {
    Chart chart = BarChart();
    chart.log_x = round % 2 == 0;
    chart.x_margin = round % 3 == 0;
    chart.x_unit = static_cast<Unit>(round % 4);
    const double size = std::pow(10, 12 * share(random) - 3);
    chart.series = {{.name = "runs", .x = {}, .y = {}, .style = SeriesStyle::kPoints}};
    for (int i = 0; i <= round % 4; ++i) {
      chart.series[0].x.push_back(size * (1 + 3 * share(random)));
      chart.series[0].y.push_back(100 * share(random));
    }
    const std::string html = ChartHtml(chart);
    EXPECT_GE(Count(html, "class=\"xt\""), 2u) << round;
    EXPECT_GE(Count(html, "class=\"yt\""), 2u) << round;
  }
}

TEST(Chart, WithoutAFinitePointItSaysSo) {
  const Chart chart{.id = "one",
                    .title = "Loss",
                    .x_title = "step",
                    .y_title = "loss",
                    .series = {{"a", {1}, {kNaN}}}};
  const std::string html = ChartHtml(chart);
  EXPECT_THAT(html, HasSubstr("Nothing to show yet."));
  EXPECT_THAT(html, Not(HasSubstr("<svg")));
}

TEST(Chart, ALogarithmicAxisLeavesOutWhatItCannotShow) {
  const Chart chart{.id = "one",
                    .title = "Loss",
                    .x_title = "step",
                    .y_title = "loss",
                    .log_x = true,
                    .log_y = true,
                    .series = {{"a", {0, 1, 10, 100}, {5, 1e-3, -1, 10}}}};
  const std::string html = ChartHtml(chart);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, HasSubstr("M0.0 1000.0h0M1000.0 0.0h0")) << "the two points, apart: " << html;
}

TEST(Chart, StaysSmallForLongRuns) {
  const Chart chart{.id = "one",
                    .title = "Loss",
                    .x_title = "step",
                    .y_title = "loss",
                    .series = {LongSeries(100000)}};
  const std::string html = ChartHtml(chart);
  EXPECT_LT(html.size(), 60000u);
  EXPECT_THAT(html, HasSubstr("mean of about 250 values"));
  EXPECT_THAT(html, HasSubstr("class=\"band"));
}

TEST(Chart, ErrorBarsSpanTheirIntervalAndTheAxisCoversThem) {
  const std::string html = ChartHtml(BarChart());
  // The y axis goes from 40 to 70, so the first bar reaches from the bottom to the top. The second
  // bar has no lower end.
  EXPECT_EQ(Count(html, "class=\"bars"), 1u);
  EXPECT_THAT(html, HasSubstr("1000.0V0.0"));
  const size_t bars = html.find("class=\"bars");
  const std::string path = html.substr(bars, html.find("/>", bars) - bars);
  EXPECT_EQ(Count(path, "V"), 2u) << path;
  EXPECT_EQ(Count(path, "h12"), 4u) << "a stroke across at both ends: " << path;
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(Chart, NamesStandAtTheirPoints) {
  const std::string html = ChartHtml(BarChart());
  EXPECT_EQ(Count(html, "class=\"name\""), 3u);
  EXPECT_THAT(html, HasSubstr("&lt;second&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<second>")));
  EXPECT_THAT(html, Not(HasSubstr("No room")));
}

TEST(Chart, NamesWithoutRoomAreInTheNote) {
  Chart chart = BarChart();
  Series& series = chart.series[0];
  series = {.name = "runs", .style = SeriesStyle::kPoints};
  for (int i = 0; i < 40; ++i) {
    series.x.push_back(1);
    series.y.push_back(1);
    series.labels.push_back("name");
  }
  EXPECT_THAT(ChartHtml(chart), HasSubstr("No room for the names of: name, name"));
}

TEST(Chart, AMarginKeepsPointsOffTheEnds) {
  for (const bool log_x : {false, true}) {
    Chart chart = BarChart();
    chart.log_x = log_x;
    const std::string html = ChartHtml(chart);
    EXPECT_THAT(html, Not(HasSubstr("<path d=\"M0.0 "))) << "dots begin inside the plot";
    EXPECT_THAT(html, Not(HasSubstr("M1000.0 ")));
  }
}

}  // namespace
}  // namespace lacos
