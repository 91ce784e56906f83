// What cuBLASLt offers for the products of a base: its algorithms, their times, and whether a row's
// bytes depend on the number of rows.
#pragma once

#include <optional>

#include "gpu/measured_gpu.h"
#include "lacos/io/json.h"

namespace lacos::bench {

// {"version", "products": [{"model", "type", "columns", "depth", "across", "candidates": [{"id", "tile",
// "stages", "workspace_bytes", "microseconds": {"16": ...}, "row_differs_at": null or the first number
// of rows with which the bytes of row 0 are others}]}]}, or null without the library. Algorithms that
// split the depth are left out.
Json CublasLtCandidates();

// The rates of the fastest algorithm for a square product, in FLOP (or operations) a second; nothing
// without the library.
struct CublasLtCeiling {
  std::optional<double> bf16, int8;
};
CublasLtCeiling MeasureCublasLtCeiling(int64_t width);

}  // namespace lacos::bench
