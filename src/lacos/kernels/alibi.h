// The slopes of ALiBi, attention with linear biases.
#pragma once

#include <vector>

namespace lacos {

// Returns the slopes for any number of heads. Source: Press et al., "Train short, test long"
// (2022), as BLOOM applies it.
std::vector<double> AlibiSlopes(int heads);

}  // namespace lacos
