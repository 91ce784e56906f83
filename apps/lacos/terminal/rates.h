// The measured rates of a GPU, as `lacos info` and `lacos plan` show them.
#pragma once

#include <optional>
#include <string>

#include "lacos/io/json.h"
#include "lacos/kernels/device.h"
#include "lacos/kernels/device_rates.h"
#include "terminal/output.h"

namespace lacos::cli {

// Measures the rates of a GPU, which takes a second or two. Returns nothing for the CPU, whose ceiling
// `lacos bench ceiling` measures, and if the memory that the measurement needs is not free: `note`
// then says so.
std::optional<DeviceRates> RatesOf(const Device& device, std::string& note);

Json RatesJson(const DeviceRates& rates);
void AddRates(const DeviceRates& rates, FieldList& fields);

}  // namespace lacos::cli
