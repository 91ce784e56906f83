// Line and point charts as HTML: lines in inline SVG that stretches with the page, text beside it
// that does not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lacos {

enum class SeriesStyle {
  kLine,
  kFaint,   // a line in the background: raw values behind smoothed ones
  kDotted,  // a line with a dot at each point: few points
  kPoints,  // dots alone: a scatter plot
};

// Points (x, y) of one name. A y that is not finite (on a logarithmic axis: not positive) is a gap.
struct Series {
  std::string name;
  std::vector<double> x, y;
  SeriesStyle style = SeriesStyle::kLine;
  // Error bars from low[i] to high[i] at x[i]; both empty: none. Where either is not finite there
  // is no bar.
  std::vector<double> low, high;
  // Names at the points, shortened to kShortLabel characters (label_places.h); empty: none.
  std::vector<std::string> labels;
};

// A named set of vertical lines: steps at which something happened.
struct Events {
  std::string name;
  std::vector<double> x;
};

// A point that is pointed out, with a label beside it.
struct Mark {
  double x = 0, y = 0;
  std::string label;
};

struct Chart {
  std::string id;  // of the <figure>, for links and tests
  std::string title;
  std::string x_title, y_title;  // with units: "step", "tokens / s"
  bool log_x = false, log_y = false;
  bool y_from_zero = false;
  bool x_margin = false;  // room beside the first and the last point
  std::vector<Series> series;
  std::vector<Events> events;
  std::vector<Mark> marks;
  std::string note;  // below the chart
};

// What of a long series is drawn: buckets of equal width along x, each with the mean of its values
// at the mean of their x, and the smallest and the largest.
struct ThinnedSeries {
  std::vector<double> x, mean, low, high;
  bool thinned = false;  // false: the points themselves; low and high are empty
  int64_t points_per_bucket = 1;
};
inline constexpr int64_t kChartBuckets = 400;
ThinnedSeries Thin(const Series& series, int64_t buckets = kChartBuckets);

// A <figure>. Every text is escaped. Lines of more than twice kChartBuckets points are thinned,
// with the range of each bucket as a band, and the note says so; lines with error bars or labels
// are not. Labels for which there is no room are in the note. A chart without a point says that
// there is nothing to show.
std::string ChartHtml(const Chart& chart);

}  // namespace lacos
