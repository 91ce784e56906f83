// Where the time of a step goes: a backend that hands every op on to another one and keeps how long
// it took.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/step_part.h"

namespace lacos {

struct OpTime {
  StepPart part = StepPart::kMemory;
  std::string_view op;  // "LayerNorm"
  int64_t calls = 0;
  double seconds = 0;
  int64_t bytes = 0;  // of the tensors named in the calls, each once
};

// Products with frozen matrices of one shape in one direction.
struct ProductTime {
  Orientation orientation = Orientation::kForward;
  int64_t out = 0, in = 0;  // the matrix is [out, in]
  int64_t calls = 0;
  int64_t rows = 0;  // of all calls
  double seconds = 0;
  double Flops() const {
    return 2 * static_cast<double>(rows) * static_cast<double>(out) * static_cast<double>(in);
  }
};

// Filled by a timed backend, which must not be in an op while this is read.
struct OpTimes {
  std::vector<OpTime> ops;  // in the order of first use
  // the same time as kProductsForward and kProductsBackward have
  std::vector<ProductTime> products;
  struct Part {
    int64_t calls = 0;
    double seconds = 0;
  };
  std::array<Part, kStepParts> Parts() const;
  // Of all ops. They do not overlap: it is at most the time that passed around them, and the rest
  // of that is host code.
  double Seconds() const;
  void Clear();
};

// Ops give the results of `backend`. Each is waited for (Synchronize), so that time is counted
// where it passes. `times` must outlive the backend; one thread at a time may call ops.
std::unique_ptr<Backend> MakeTimedBackend(std::unique_ptr<Backend> backend, OpTimes& times);

}  // namespace lacos
