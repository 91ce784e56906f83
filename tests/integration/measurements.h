// Results without what a clock or the kernel says, to compare those of two runs.
#pragma once

#include "lacos/io/json.h"

namespace lacos {

// A copy without dates, times, rates and memory at any depth, and without a sweep's fronts of them.
Json WithoutMeasurements(const Json& json);

}  // namespace lacos
