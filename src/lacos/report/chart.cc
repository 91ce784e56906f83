#include "lacos/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lacos/base/nan.h"
#include "lacos/report/axis.h"
#include "lacos/report/html.h"
#include "lacos/report/label_places.h"
#include "lacos/report/quantity.h"

namespace lacos {
namespace {

// The SVG's own coordinates; the page stretches them to any width and height.
constexpr double kWidth = 1000, kHeight = 1000;
constexpr int kColours = 5;  // the colours --c1 to --c5, which page.cc defines

class ChartDrawing {
 public:
  explicit ChartDrawing(const Chart& chart) : chart_(chart) {
    for (const Series& series : chart.series) drawn_.push_back(Thin(series));
    for (size_t i = 0; i < drawn_.size(); ++i) {
      for (size_t k = 0; k < drawn_[i].x.size(); ++k) {
        Include(drawn_[i].x[k], drawn_[i].mean[k]);
        if (!drawn_[i].thinned) continue;
        Include(drawn_[i].x[k], drawn_[i].low[k]);
        Include(drawn_[i].x[k], drawn_[i].high[k]);
      }
      for (size_t k = 0; k < Bars(chart.series[i]); ++k) {
        if (!HasBar(chart.series[i], k)) continue;
        Include(chart.series[i].x[k], chart.series[i].low[k]);
        Include(chart.series[i].x[k], chart.series[i].high[k]);
      }
    }
    empty_ = !(low_x_ <= high_x_);
    if (empty_) return;
    if (chart.x_margin) AddMargin();
    if (chart.y_from_zero && !chart.log_y) low_y_ = std::min(low_y_, 0.0);
    x_ = MakeXAxis();
    y_ = MakeAxis(low_y_, high_y_,
                  {.logarithmic = chart.log_y, .extend = true, .unit = chart.y_unit});
    LayLabels();
  }

  std::string Draw() const {
    std::string html =
        fmt::format("<figure class=\"chart\" id=\"{}\">\n<figcaption><h3>{}</h3>{}</figcaption>\n",
                    EscapeHtml(chart_.id), WholeHtml(chart_.title), Legend());
    if (empty_) return html + "<p class=\"note\">Nothing to show yet.</p>\n</figure>\n";
    html += fmt::format(
        "<div class=\"ytitle\">{}</div>\n<div class=\"plot\" style=\"margin-left:{:.0f}px\">\n",
        BreakableHtml(chart_.y_title), LeftMargin());
    for (const Axis::Tick& tick : y_.ticks) {
      html += fmt::format("<span class=\"yt\" style=\"bottom:{:.2f}%\">{}</span>",
                          100 * y_.Place(tick.value), EscapeHtml(tick.label));
    }
    for (const Axis::Tick& tick : x_.ticks) {
      html += fmt::format("<span class=\"xt\" style=\"left:{:.2f}%\">{}</span>",
                          100 * x_.Place(tick.value), EscapeHtml(tick.label));
    }
    html += fmt::format(
        "\n<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\n",
        kWidth, kHeight, EscapeHtml(chart_.title.text));
    html += Grid() + EventLines();
    for (size_t i = 0; i < drawn_.size(); ++i) html += Curve(i);
    html += HoverStrips();
    for (size_t i = 0; i < drawn_.size(); ++i) html += Dots(i);
    html += "</svg>\n" + MarkLabels() + PointLabels() + "</div>\n";
    html += fmt::format("<div class=\"xtitle\">{}</div>\n", BreakableHtml(chart_.x_title));
    if (const std::string note = Note(); !note.empty())
      html += "<p class=\"note\">" + BreakableHtml(note) + "</p>\n";
    return html + "</figure>\n";
  }

 private:
  bool Shown(double x, double y) const {
    const auto shown = [](double value, bool logarithmic) {
      return std::abs(value) <= kLargestOnAxis && (!logarithmic || value >= kSmallestOnLogAxis);
    };
    return shown(x, chart_.log_x) && shown(y, chart_.log_y);
  }
  void Include(double x, double y) {
    if (!Shown(x, y)) return;
    low_x_ = std::min(low_x_, x);
    high_x_ = std::max(high_x_, x);
    low_y_ = std::min(low_y_, y);
    high_y_ = std::max(high_y_, y);
  }
  static size_t Bars(const Series& series) {
    return std::min(series.low.size(), series.high.size());
  }
  // Whether point k has an error bar.
  bool HasBar(const Series& series, size_t k) const {
    return k < Bars(series) && k < series.x.size() && k < series.y.size() &&
           Shown(series.x[k], series.y[k]) && Shown(series.x[k], series.low[k]) &&
           Shown(series.x[k], series.high[k]);
  }
  void AddMargin() {
    constexpr double kShare = 0.08;
    if (chart_.log_x) {
      const double factor = std::max(std::pow(high_x_ / low_x_, kShare), 1.25);
      low_x_ /= factor;
      high_x_ *= factor;
      return;
    }
    const double space =
        std::max(kShare * (high_x_ - low_x_), high_x_ > low_x_ ? 0.0 : 0.1 * std::abs(low_x_));
    low_x_ -= space;
    high_x_ += space;
  }
  // As many ticks as have room for their labels in the narrowest plot.
  Axis MakeXAxis() const {
    constexpr double kGap = 10;
    for (int count = 6;; --count) {
      Axis axis = MakeAxis(low_x_, high_x_,
                           {.count = count,
                            .logarithmic = chart_.log_x,
                            .whole = chart_.whole_x,
                            .unit = chart_.x_unit});
      bool fits = true;
      for (size_t i = 1; i < axis.ticks.size(); ++i) {
        const double apart = kPlotWidths[0] * (axis.Place(axis.ticks[i].value) -
                                               axis.Place(axis.ticks[i - 1].value));
        fits = fits && apart > kGap + 0.5 * (TextWidth(axis.ticks[i].label) +
                                             TextWidth(axis.ticks[i - 1].label));
      }
      if (!fits && count == 2) axis.ticks = {axis.ticks.front(), axis.ticks.back()};
      if (fits || count == 2) return axis;
    }
  }
  // Room for the labels of the y axis.
  double LeftMargin() const {
    double widest = 0;
    for (const Axis::Tick& tick : y_.ticks) widest = std::max(widest, TextWidth(tick.label));
    return std::max(kLeftMargin, widest + 10);
  }
  double X(double x) const { return kWidth * x_.Place(x); }
  double Y(double y) const { return kHeight * (1 - y_.Place(y)); }
  // Raw values have the colour of the next series: the smoothed line that is drawn over them.
  int Colour(size_t series) const {
    const auto is_line = [](const Series& other) { return other.style != SeriesStyle::kFaint; };
    const auto begin = chart_.series.begin();
    return static_cast<int>(
               std::count_if(begin, begin + static_cast<std::ptrdiff_t>(series), is_line)) %
               kColours +
           1;
  }

  bool IsEmpty(const ThinnedSeries& points) const {
    for (size_t k = 0; k < points.x.size(); ++k) {
      if (Shown(points.x[k], points.mean[k])) return false;
    }
    return true;
  }
  // Each entry has the mark that the series has in the plot.
  std::string Legend() const {
    if (chart_.series.size() + chart_.events.size() < 2) return "";
    std::string html = "<ul class=\"legend\">";
    for (size_t i = 0; i < chart_.series.size(); ++i) {
      if (IsEmpty(drawn_[i])) continue;
      html += fmt::format("<li><i class=\"{} c{}\"></i>{}</li>", MarkClass(chart_.series[i].style),
                          Colour(i), Html(chart_.series[i].name));
    }
    for (const Events& events : chart_.events) {
      html += "<li><i class=\"event\"></i>" + Html(events.name) + "</li>";
    }
    return html + "</ul>";
  }
  static const char* MarkClass(SeriesStyle style) {
    switch (style) {
      case SeriesStyle::kLine:
        return "dash";
      case SeriesStyle::kFaint:
        return "dash faint";
      case SeriesStyle::kDotted:
        return "dash dot";
      case SeriesStyle::kPoints:
        return "dot";
    }
    return "";
  }
  static bool HasDots(const Series& series) {
    return series.style == SeriesStyle::kDotted || series.style == SeriesStyle::kPoints;
  }

  std::string Grid() const {
    std::string html = "<path class=\"grid\" d=\"";
    for (const Axis::Tick& tick : y_.ticks)
      html += fmt::format("M0 {:.1f}H{}", Y(tick.value), kWidth);
    return html + "\"/>\n";
  }

  std::string EventLines() const {
    std::string path;
    for (const Events& events : chart_.events) {
      for (const double x : events.x) {
        if (x >= x_.low && x <= x_.high) path += fmt::format("M{:.1f} 0V{}", X(x), kHeight);
      }
    }
    return path.empty() ? "" : "<path class=\"event\" d=\"" + path + "\"/>\n";
  }

  std::string Curve(size_t i) const {
    const Series& series = chart_.series[i];
    const ThinnedSeries& points = drawn_[i];
    std::string html;
    if (points.thinned) html += Band(points, Colour(i));
    html += ErrorBars(series, Colour(i));
    if (series.style == SeriesStyle::kPoints) return html;
    std::string path;
    bool inside = false;
    for (size_t k = 0; k < points.x.size(); ++k) {
      if (!Shown(points.x[k], points.mean[k])) {
        inside = false;
        continue;
      }
      path += fmt::format("{}{:.1f} {:.1f}", inside ? "L" : "M", X(points.x[k]), Y(points.mean[k]));
      if (!inside) path += "h0";  // a point between two gaps is still a dot
      inside = true;
    }
    if (path.empty()) return html;
    const char* faint = series.style == SeriesStyle::kFaint ? " faint" : "";
    return html +
           fmt::format("<path class=\"curve line c{}{}\" d=\"{}\"/>\n", Colour(i), faint, path);
  }

  // A dot for each point, with its values on hover. A line has dots where a point has no neighbour.
  std::string Dots(size_t i) const {
    const ThinnedSeries& points = drawn_[i];
    const bool lone = !HasDots(chart_.series[i]);
    const auto shown = [&](size_t k) {
      return k < points.x.size() && Shown(points.x[k], points.mean[k]);
    };
    std::string dots;
    for (size_t k = 0; k < points.x.size(); ++k) {
      if (!shown(k) || (lone && ((k > 0 && shown(k - 1)) || shown(k + 1)))) continue;
      dots += fmt::format("<path d=\"M{:.1f} {:.1f}h0\"><title>{}</title></path>\n", X(points.x[k]),
                          Y(points.mean[k]), EscapeHtml(DotText(i, k)));
    }
    if (dots.empty()) return "";
    return fmt::format("<g class=\"curve dots{} c{}\">\n{}</g>\n", lone ? " lone" : "", Colour(i),
                       dots);
  }

  std::string XText(double x) const {
    return chart_.x_title + ": " + PreciseText(chart_.whole_x ? std::round(x) : x, chart_.x_unit);
  }
  std::string DotText(size_t i, size_t k) const {
    const Series& series = chart_.series[i];
    const bool labelled = k < series.labels.size() && !series.labels[k].empty();
    std::string text = labelled ? series.labels[k] + "\n" : "";
    text += XText(drawn_[i].x[k]) + "\n";
    text += (labelled || chart_.series.size() == 1 ? chart_.y_title : series.name) + ": " +
            PreciseText(drawn_[i].mean[k], chart_.y_unit);
    if (HasBar(series, k)) {
      text += fmt::format(" ({} to {})", PreciseText(series.low[k], chart_.y_unit),
                          PreciseText(series.high[k], chart_.y_unit));
    }
    return text;
  }

  // Invisible strips over the plot, each with the values of all lines at a place along x.
  std::string HoverStrips() const {
    std::vector<double> places;
    for (size_t i = 0; i < drawn_.size(); ++i) {
      if (chart_.series[i].style == SeriesStyle::kPoints) continue;
      for (size_t k = 0; k < drawn_[i].x.size(); ++k) {
        if (Shown(drawn_[i].x[k], drawn_[i].mean[k])) places.push_back(drawn_[i].x[k]);
      }
    }
    std::ranges::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    const size_t stride = (places.size() + kHoverPlaces - 1) / std::max(kHoverPlaces, 1);
    std::vector<double> chosen;
    for (size_t i = stride / 2; i < places.size(); i += stride) chosen.push_back(places[i]);
    std::string html;
    for (size_t i = 0; i < chosen.size(); ++i) {
      const double at = X(chosen[i]), left = i > 0 ? (X(chosen[i - 1]) + at) / 2 : 0,
                   right = i + 1 < chosen.size() ? (at + X(chosen[i + 1])) / 2 : kWidth;
      html += fmt::format(
          "<rect x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"{}\"><title>{}</title></rect>\n",
          left, right - left, kHeight, EscapeHtml(StripText(chosen[i])));
    }
    return html.empty() ? "" : "<g class=\"hover\">\n" + html + "</g>\n";
  }
  std::string StripText(double x) const {
    std::string text = XText(x);
    for (size_t i = 0; i < drawn_.size(); ++i) {
      const std::vector<double>& all = drawn_[i].x;
      const auto found = std::ranges::find(all, x);
      if (chart_.series[i].style == SeriesStyle::kPoints || found == all.end()) continue;
      text += "\n" + chart_.series[i].name + ": " +
              PreciseText(drawn_[i].mean[static_cast<size_t>(found - all.begin())], chart_.y_unit);
    }
    return text;
  }

  // An area that shows the range of each bucket. Its outline follows the largest values to the
  // right and the smallest values back to the left.
  std::string Band(const ThinnedSeries& points, int colour) const {
    std::string path;
    for (size_t begin = 0; begin < points.x.size();) {
      if (!Shown(points.x[begin], points.low[begin])) {
        ++begin;
        continue;
      }
      size_t end = begin;
      while (end < points.x.size() && Shown(points.x[end], points.low[end])) ++end;
      for (size_t k = begin; k < end; ++k) {
        path += fmt::format("{}{:.1f} {:.1f}", k == begin ? "M" : "L", X(points.x[k]),
                            Y(points.high[k]));
      }
      for (size_t k = end; k-- > begin;)
        path += fmt::format("L{:.1f} {:.1f}", X(points.x[k]), Y(points.low[k]));
      path += "Z";
      begin = end;
    }
    return path.empty() ? "" : fmt::format("<path class=\"band c{}\" d=\"{}\"/>\n", colour, path);
  }

  // A vertical line from the lower to the upper end of each bar, with a short stroke at both ends.
  std::string ErrorBars(const Series& series, int colour) const {
    constexpr double kCap = 6;
    std::string path;
    for (size_t k = 0; k < Bars(series); ++k) {
      if (!HasBar(series, k)) continue;
      const double x = X(series.x[k]), low = Y(series.low[k]), high = Y(series.high[k]);
      path += fmt::format("M{:.1f} {:.1f}V{:.1f}", x, low, high);
      for (const double y : {low, high})
        path += fmt::format("M{:.1f} {:.1f}h{}", x - kCap, y, 2 * kCap);
    }
    return path.empty() ? "" : fmt::format("<path class=\"bars c{}\" d=\"{}\"/>\n", colour, path);
  }

  void LayLabels() {
    for (const Series& series : chart_.series) {
      for (size_t k = 0; k < series.labels.size() && k < series.x.size() && k < series.y.size();
           ++k) {
        if (!Shown(series.x[k], series.y[k])) continue;
        labelled_.push_back({.x = x_.Place(series.x[k]),
                             .y = y_.Place(series.y[k]),
                             .label = ShortLabel(series.labels[k])});
        whole_labels_.push_back(series.labels[k]);
      }
    }
    places_ = PlaceLabels(labelled_);
  }

  std::string PointLabels() const {
    std::string html;
    for (size_t i = 0; i < labelled_.size(); ++i) {
      if (!places_[i]) continue;
      html += fmt::format(
          "<span class=\"name\" style=\"left:{:.2f}%;bottom:{:.2f}%\"><em "
          "style=\"{}:9px;bottom:{:.1f}px\">{}</em></span>\n",
          100 * labelled_[i].x, 100 * labelled_[i].y, places_[i]->to_left ? "right" : "left",
          places_[i]->up, Html(ShownText(labelled_[i].label, whole_labels_[i])));
    }
    return html;
  }

  std::string MarkLabels() const {
    std::string html;
    for (const Mark& mark : chart_.marks) {
      if (!Shown(mark.x, mark.y)) continue;
      const double left = 100 * x_.Place(mark.x);
      html += fmt::format(
          "<span class=\"mark{}{}\" style=\"left:{:.2f}%;bottom:{:.2f}%\"><b></b><em>{}</em></span>\n",
          left > 60 ? " to-left" : "", y_.Place(mark.y) > 0.8 ? " below" : "", left,
          100 * y_.Place(mark.y), EscapeHtml(mark.label));
    }
    return html;
  }

  std::string Note() const {
    std::vector<std::string> unnamed;
    for (size_t i = 0; i < labelled_.size(); ++i) {
      if (!places_[i] && !labelled_[i].label.empty()) unnamed.push_back(whole_labels_[i]);
    }
    std::string note = chart_.note;
    if (!unnamed.empty()) {
      note += fmt::format("{}No room for the names of: {}.", note.empty() ? "" : " ",
                          fmt::join(unnamed, ", "));
    }
    for (const ThinnedSeries& points : drawn_) {
      if (!points.thinned) continue;
      if (!note.empty()) note += " ";
      return note +
             fmt::format(
                 "Each point of a line is the mean of about {} values; the band behind it spans the "
                 "smallest to the largest.",
                 points.points_per_bucket);
    }
    return note;
  }

  const Chart& chart_;
  std::vector<ThinnedSeries> drawn_;
  bool empty_ = false;
  double low_x_ = std::numeric_limits<double>::infinity(), high_x_ = -low_x_;
  double low_y_ = std::numeric_limits<double>::infinity(), high_y_ = -low_y_;
  Axis x_, y_;
  std::vector<LabelledPoint> labelled_;
  std::vector<std::string> whole_labels_;          // one for each point in labelled_
  std::vector<std::optional<LabelPlace>> places_;  // one for each point in labelled_
};

}  // namespace

ThinnedSeries Thin(const Series& series, int64_t buckets) {
  const auto n = static_cast<int64_t>(std::min(series.x.size(), series.y.size()));
  const bool whole =
      series.style == SeriesStyle::kPoints || !series.low.empty() || !series.labels.empty();
  if (n <= 2 * buckets || whole) {
    return {.x = {series.x.begin(), series.x.begin() + n},
            .mean = {series.y.begin(), series.y.begin() + n}};
  }
  ThinnedSeries result{.thinned = true, .points_per_bucket = (n + buckets - 1) / buckets};
  for (int64_t bucket = 0; bucket < buckets; ++bucket) {
    double x = 0, sum = 0, low = std::numeric_limits<double>::infinity(), high = -low;
    int64_t finite = 0;
    const int64_t begin = bucket * n / buckets, end = (bucket + 1) * n / buckets;
    for (int64_t i = begin; i < end; ++i) {
      x += series.x[i];
      if (!std::isfinite(series.y[i])) continue;
      ++finite;
      sum += series.y[i];
      low = std::min(low, series.y[i]);
      high = std::max(high, series.y[i]);
    }
    result.x.push_back(x / static_cast<double>(end - begin));
    result.mean.push_back(finite > 0 ? sum / static_cast<double>(finite) : kNaN);
    result.low.push_back(finite > 0 ? low : kNaN);
    result.high.push_back(finite > 0 ? high : kNaN);
  }
  return result;
}

std::string ChartHtml(const Chart& chart) { return ChartDrawing(chart).Draw(); }

}  // namespace lacos
