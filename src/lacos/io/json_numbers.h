// Numbers that may be undefined: NaN and infinities in C++, null in JSON.
#pragma once

#include <string_view>

#include "lacos/io/json.h"

namespace lacos {

// The value as JSON; null for NaN and infinity.
Json NumberOrNull(double value);
// The value of a JSON number; NaN for null. Throws UserError for anything else.
double NumberOrNaN(const Json& value);
// The number at a key of an object; NaN if there is no such key, or no number at it.
double NumberOrNaN(const Json& object, std::string_view key);

}  // namespace lacos
