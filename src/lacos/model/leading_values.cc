#include "lacos/model/leading_values.h"

#include <algorithm>
#include <cmath>

namespace lacos {

void CopyLeadingValues(std::span<const float> vector, bool normalize, std::span<float> out) {
  std::copy_n(vector.begin(), out.size(), out.begin());
  if (!normalize) return;
  double squares = 0;
  for (const float value : out) squares += static_cast<double>(value) * value;
  const double norm = std::max(std::sqrt(squares), 1e-12);
  for (float& value : out) value = static_cast<float>(value / norm);
}

}  // namespace lacos
