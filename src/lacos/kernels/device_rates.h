// The rates of a device, measured on the spot through the ops that training uses.
#pragma once

#include <functional>
#include <memory>

#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"

namespace lacos {

struct DeviceRates {
  // Additions and multiplications a second in a large product with an 8-bit matrix (Linear).
  double bf16_flop_per_second = 0;
  double int8_op_per_second = 0;
  double copy_bytes_per_second = 0;  // bytes read and written by copies within the device's memory
  double upload_bytes_per_second = 0;  // bytes copied from the host's memory to the device
};

// Measures a backend for each of the modes bf16 and int8, which `make` returns. Products and copies
// grow until one takes a millisecond, so that a slow device takes a second too; at most they take
// 0.6 GB of its memory. Throws UserError if that is not free.
DeviceRates MeasureDeviceRates(const std::function<std::unique_ptr<Backend>(Compute)>& make);

}  // namespace lacos
