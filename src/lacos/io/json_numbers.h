// Numbers that may not exist, as JSON has them: null.
#pragma once

#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// null for NaN and infinity.
Json NumberOrNull(double value);
// A number, NaN for null. Throws UserError for anything else.
double NumberOrNaN(const Json& value);
// The number at a key of an object; NaN where there is no such key, or no number.
double NumberOrNaN(const Json& object, std::string_view key);

}  // namespace lacos
