// ALiBi's slopes.
#pragma once

#include <vector>

namespace lacos {

// Slopes of ALiBi for any number of heads. Source: Press et al., "Train short, test long" (2022),
// as BLOOM applies it.
std::vector<double> AlibiSlopes(int heads);

}  // namespace lacos
