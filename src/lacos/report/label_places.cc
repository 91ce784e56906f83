#include "lacos/report/label_places.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lacos/io/utf8.h"

namespace lacos {
namespace {

// Sizes in px that follow from style.h: bold text of 12 px in a plot 210 px high.
constexpr double kPlotHeight = 210, kLabelHeight = 13, kGap = 9, kDot = 5;
// room between the plot and the edge of the chart
constexpr double kOutsideLeft = kLeftMargin - 2, kOutsideRight = 16;
// widths of a character; generous, because fonts differ
constexpr double kAscii = 7.2, kWide = 12.5;
constexpr std::array<double, 6> kUp = {6,  -6 - kLabelHeight,  -0.5 * kLabelHeight,
                                       20, -20 - kLabelHeight, 34};

struct Box {
  double left = 0, right = 0, bottom = 0, top = 0;
  bool Meets(const Box& other) const {
    return left < other.right && other.left < right && bottom < other.top && other.bottom < top;
  }
};

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

Box LabelBox(const LabelledPoint& point, const LabelPlace& place, double plot_width) {
  const double x = point.x * plot_width, y = point.y * kPlotHeight, width = TextWidth(point.label);
  const double left = place.to_left ? x - kGap - width : x + kGap;
  return {.left = left,
          .right = left + width,
          .bottom = y + place.up,
          .top = y + place.up + kLabelHeight};
}

Box DotBox(const LabelledPoint& point, double plot_width) {
  const double x = point.x * plot_width, y = point.y * kPlotHeight;
  return {.left = x - kDot, .right = x + kDot, .bottom = y - kDot, .top = y + kDot};
}

}  // namespace

double TextWidth(const std::string& text) {
  double width = 0;
  for (const char c : text) {
    if (StartsCharacter(c)) width += static_cast<unsigned char>(c) < 0x80 ? kAscii : kWide;
  }
  return width;
}

std::vector<std::optional<LabelPlace>> PlaceLabels(const std::vector<LabelledPoint>& points) {
  std::vector<std::optional<LabelPlace>> places(points.size());
  const auto is_free = [&](size_t i, const LabelPlace& place, bool may_cover_points,
                           bool may_cover_axis) {
    const double outside = may_cover_axis ? kOutsideLeft : 0;
    for (const double width : kPlotWidths) {
      const Box box = LabelBox(points[i], place, width);
      if (box.left < -outside || box.right > width + kOutsideRight) return false;
      if (box.bottom < 0 || box.top > kPlotHeight + kLabelHeight) return false;
      for (size_t k = 0; k < points.size(); ++k) {
        if (k == i) continue;
        if (places[k] && box.Meets(LabelBox(points[k], *places[k], width))) return false;
        if (!may_cover_points && box.Meets(DotBox(points[k], width))) return false;
      }
    }
    return true;
  };
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].label.empty()) continue;
    const bool left_first = points[i].x > 0.6;
    for (const auto& [points_too, axis_too] :
         {std::pair(false, false), std::pair(true, false), std::pair(true, true)}) {
      for (const double up : kUp) {
        for (const bool to_left : {left_first, !left_first}) {
          const LabelPlace place{.to_left = to_left, .up = up};
          if (!places[i] && is_free(i, place, points_too, axis_too)) places[i] = place;
        }
      }
    }
  }
  return places;
}

std::string ShortLabel(const std::string& text) {
  std::vector<std::string> characters;
  for (const char c : ReplaceInvalidUtf8(text)) {
    if (StartsCharacter(c) || characters.empty()) characters.emplace_back();
    characters.back() += c;
  }
  const auto n = static_cast<int>(characters.size());
  if (n <= kShortLabel) return text;
  constexpr int kHead = kShortLabel / 2, kTail = kShortLabel - kHead - 1;
  std::string shortened;
  for (int i = 0; i < kHead; ++i) shortened += characters[static_cast<size_t>(i)];
  shortened += "…";
  for (int i = n - kTail; i < n; ++i) shortened += characters[static_cast<size_t>(i)];
  return shortened;
}

}  // namespace lacos
