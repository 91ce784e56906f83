// The highest speed of this machine, measured on the spot. Speeds are reported as shares of it.
#pragma once

#include <string>

#include "lacos/kernels/backend.h"

namespace lacos {

struct MachineCeiling {
  double gflops = 0;  // 1e9 additions and multiplications per second in a large matrix product
  double gbytes_per_second = 0;  // 1e9 bytes per second read from memory
  std::string kernel;            // the product that was measured: "bf16, brg:avx512_core_bf16"
};

// Runs one large product in the types of this compute mode with all threads of base/parallel.h
// several times and keeps the fastest run; then reads a buffer larger than the last-level cache.
// Takes one to three seconds and 256 MB to 2 GB. Without bf16 instructions, bf16 is emulated by f32
// products, and the ceiling of those is measured. For int8 the instructions of our own kernels are
// measured in registers: AMX, or 8-bit dot products (VNNI), or where the CPU has neither,
// multiply-adds of 16 bit.
MachineCeiling MeasureCeiling(Compute compute);

}  // namespace lacos
