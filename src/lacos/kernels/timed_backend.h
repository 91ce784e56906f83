// A backend that shows where the time of a step goes: it forwards every op to another backend and
// records how long the op took.
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
  int64_t bytes = 0;  // bytes of the tensors in the calls, each counted once per call
};

// The time of products with frozen matrices of one shape in one direction.
struct ProductTime {
  Orientation orientation = Orientation::kForward;
  int64_t out = 0, in = 0;  // the matrix is [out, in]
  int64_t calls = 0;
  int64_t rows = 0;  // rows of all calls together
  double seconds = 0;
  double Flops() const {
    return 2 * static_cast<double>(rows) * static_cast<double>(out) * static_cast<double>(in);
  }
};

// The times of all ops. A timed backend fills it and must not be inside an op while it is read.
struct OpTimes {
  std::vector<OpTime> ops;  // in the order of first use
  // a finer division of the time in kProductsForward and kProductsBackward
  std::vector<ProductTime> products;
  struct Part {
    int64_t calls = 0;
    double seconds = 0;
  };
  std::array<Part, kStepParts> Parts() const;
  // The time of all ops. Ops do not overlap, so this is at most the time that passed around them;
  // the difference is host code.
  double Seconds() const;
  void Clear();
};

// Makes a backend that gives the results of `backend`. It waits for each op (Synchronize), so that
// the time is counted for the op that takes it. `times` must outlive the backend. Only one thread
// at a time may call ops.
std::unique_ptr<Backend> MakeTimedBackend(std::unique_ptr<Backend> backend, OpTimes& times);

}  // namespace lacos
