#include "lacos/io/json_numbers.h"

#include <cmath>

#include "lacos/base/nan.h"

namespace lacos {
Json NumberOrNull(double value) { return std::isfinite(value) ? Json(value) : Json(); }

double NumberOrNaN(const Json& value) { return value.IsNull() ? kNaN : value.AsDouble(); }

double NumberOrNaN(const Json& object, std::string_view key) {
  const auto value = object.Find(key);
  return value && value->IsNumber() ? value->AsDouble() : kNaN;
}

}  // namespace lacos
