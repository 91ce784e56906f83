// Removes measurements of time and memory from results, so that those of two runs can be compared.
#pragma once

#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// Whether a JSON key or a TensorBoard tag stands for a date, a time, a rate or a memory size.
bool IsMeasured(std::string_view key);
// A copy without dates, times, rates and memory sizes at any depth, and without a sweep's Pareto
// fronts of such values.
Json WithoutMeasurements(const Json& json);

}  // namespace lacos
