#include "lacos/kernels/alibi.h"

#include <bit>
#include <cmath>

#include "lacos/base/check.h"

namespace lacos {

std::vector<double> AlibiSlopes(int heads) {
  LACOS_CHECK(heads > 0, "at least one head");
  const auto count = static_cast<unsigned>(heads);
  const auto power_of_two = static_cast<int>(std::bit_floor(count));
  const double log2_heads = std::log2(power_of_two);
  std::vector<double> slopes;
  slopes.reserve(count);
  for (int i = 1; i <= power_of_two; ++i)
    slopes.push_back(std::exp2(-std::exp2(3 - log2_heads) * i));
  // The remaining heads take every second slope of the list for twice as many heads.
  for (int i = 0; i < heads - power_of_two; ++i) {
    slopes.push_back(std::exp2(-std::exp2(2 - log2_heads) * (2 * i + 1)));
  }
  return slopes;
}

}  // namespace lacos
