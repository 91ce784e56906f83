// Where the names of a chart's points stand, so that no two cover each other at any width of the
// page.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lacos {

// A point to name, as shares of the plot: x from the left, y from the bottom.
struct LabelledPoint {
  double x = 0, y = 0;
  std::string label;  // empty: the point only stands in the way
};

// To the left or right of the point, and the distance of the label's lower edge from the point, in
// px up.
struct LabelPlace {
  bool to_left = false;
  double up = 0;
};

// A place for each label, in order; none where every place would cover another label or leave the
// plot. Labels are kShortLabel characters at most. Widths from a phone's plot to a desktop's are
// tried, and a place holds at all of them. Points are not covered as long as there is another
// place.
std::vector<std::optional<LabelPlace>> PlaceLabels(const std::vector<LabelledPoint>& points);

// The text with its middle replaced by "…" if it is longer than kShortLabel characters.
inline constexpr int kShortLabel = 20;
std::string ShortLabel(const std::string& text);

}  // namespace lacos
