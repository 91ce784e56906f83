// Places for the names of a chart's points, chosen so that no two names overlap at any width of the
// page.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lacos {

// A point and its name. Its position is given as shares of the plot: x from the left, y from the
// bottom.
struct LabelledPoint {
  double x = 0, y = 0;
  std::string label;  // empty for a point that only takes up room
};

// The side of the point on which its label stands, and how many px the label's lower edge is above
// the point.
struct LabelPlace {
  bool to_left = false;
  double up = 0;
};

// A place for each label, in order. A label has no place if every place would cover another label
// or leave the plot. Labels have at most kShortLabel characters. A place is good at all plot
// widths, from a phone's to a desktop's. Labels cover points, and then the labels of the
// y axis, only where there is no other place.
std::vector<std::optional<LabelPlace>> PlaceLabels(const std::vector<LabelledPoint>& points);

// The widths of plots, in px, from a phone's to a desktop's, and the room to the left of them, which
// is more if the labels of the y axis are long. The style in style.h makes them so.
inline constexpr std::array<double, 5> kPlotWidths = {236, 300, 400, 560, 1040};
inline constexpr double kLeftMargin = 46;
// A generous width, in px, of a label's text.
double TextWidth(const std::string& text);

// The text with its middle replaced by "…" if it is longer than kShortLabel characters.
inline constexpr int kShortLabel = 20;
std::string ShortLabel(const std::string& text);

}  // namespace lacos
