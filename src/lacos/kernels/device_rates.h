// The rates of a device, measured on the spot through the ops that training uses.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"

namespace lacos {

// Additions and multiplications a second in a large product with an 8-bit matrix (Linear).
struct ProductRates {
  double bf16_flop_per_second = 0;
  double int8_op_per_second = 0;
};

struct DeviceRates {
  ProductRates products;
  double copy_bytes_per_second = 0;  // bytes read and written by copies within the device's memory
  double upload_bytes_per_second = 0;  // bytes copied from the host's memory to the device
};

// Makes a backend for one of the modes bf16 and int8.
using BackendMaker = std::function<std::unique_ptr<Backend>(Compute)>;

// Products and copies grow until one takes a millisecond, so that a slow device takes a second too; at
// most they take 0.6 GB of its memory. Both functions throw UserError if that is not free.
ProductRates MeasureProductRates(const BackendMaker& make);
DeviceRates MeasureDeviceRates(const BackendMaker& make);

// Says that int8 is slower than bf16 on this GPU; empty if it is not.
std::string SlowInt8Note(const ProductRates& rates);

}  // namespace lacos
