// Line and point charts as HTML. The lines are inline SVG, which stretches with the page; the text
// is HTML beside it, which does not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lacos/report/html.h"
#include "lacos/report/quantity.h"

namespace lacos {

enum class SeriesStyle {
  kLine,
  kFaint,   // a line in the background: raw values behind smoothed ones
  kDotted,  // a line with a dot at each point: few points
  kPoints,  // dots alone: a scatter plot
};

// Points (x, y) under one name. A point that an axis cannot show (axis.h) is a gap: one that is not
// finite, or not positive on a logarithmic axis.
struct Series {
  std::string name;
  std::vector<double> x, y;
  SeriesStyle style = SeriesStyle::kLine;
  // Error bars from low[i] to high[i] at x[i]. Both vectors are empty where there are no bars. A
  // point has no bar where either end is not finite.
  std::vector<double> low, high;
  // Names at the points, shortened to kShortLabel characters (label_places.h) and whole on hover.
  // Empty means no names.
  std::vector<std::string> labels;
};

// A named set of vertical lines, which mark the steps at which something happened.
struct Events {
  std::string name;
  std::vector<double> x;
};

// A highlighted point with a label beside it.
struct Mark {
  double x = 0, y = 0;
  std::string label;
};

struct Chart {
  std::string id;  // the id of the <figure> element, for links and tests
  ShownText title;
  std::string x_title, y_title;  // quantities, such as "step" or "tokens / s"
  Unit x_unit = Unit::kNone, y_unit = Unit::kNone;
  bool whole_x = false;  // x are whole numbers, such as steps
  bool log_x = false, log_y = false;
  bool y_from_zero = false;
  bool x_margin = false;  // leave room beside the first and the last point
  std::vector<Series> series;
  std::vector<Events> events;
  std::vector<Mark> marks;
  std::string note;  // a line of text below the chart
};

// The part of a long series that is drawn. The series is divided into buckets of equal width along
// x. Each bucket has the mean of its values, at the mean of their x, and its smallest and largest
// value.
struct ThinnedSeries {
  std::vector<double> x, mean, low, high;
  bool thinned = false;  // if false, the points are the series' own, and low and high are empty
  int64_t points_per_bucket = 1;
};
inline constexpr int64_t kChartBuckets = 400;
ThinnedSeries Thin(const Series& series, int64_t buckets = kChartBuckets);

// The chart as a <figure> element. Every text is escaped. A line of more than twice kChartBuckets
// points is thinned: the range of each bucket is drawn as a band, and the note says so. Lines with
// error bars or labels are never thinned. Values are shown on hover: those of each dot, and those of
// all lines at up to kHoverPlaces places along x. Labels for which there is no room are in the note.
// A chart without a point says that there is nothing to show.
inline constexpr int kHoverPlaces = 120;
std::string ChartHtml(const Chart& chart);

}  // namespace lacos
