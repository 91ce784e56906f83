// Differentiable functions that consist of backend ops, with gradients that consist of the backward
// ops, for the complex-step test.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "unit/kernels/workbench.h"

namespace lacos::testing {

using Tensors = std::vector<TensorView>;

// A differentiable function of the inputs, and its gradient.
struct GradientCase {
  std::string name;
  Tensors inputs;  // only their shapes are used
  std::function<TensorView(Workbench&, const Tensors& x)> forward;
  // Returns the gradients of (sum of dy times the output) with respect to every input, in order.
  std::function<Tensors(Workbench&, const Tensors& x, const TensorView& dy)> backward;
  double input_scale = 1;
};
inline void PrintTo(const GradientCase& c, std::ostream* out) { *out << c.name; }

// Returns cases for every op that has a backward op, with all combinations of its options.
std::vector<GradientCase> GradientCases();

}  // namespace lacos::testing
