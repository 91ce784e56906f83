// Results without what a clock or the kernel says, to compare those of two runs.
#pragma once

#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// Whether a key of JSON, or a tag of TensorBoard, has a date, a time, a rate or memory.
bool IsMeasured(std::string_view key);
// A copy without dates, times, rates and memory at any depth, and without a sweep's fronts of them.
Json WithoutMeasurements(const Json& json);

}  // namespace lacos
