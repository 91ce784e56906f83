// Differentiable functions made of backend ops, with gradients made of their backward ops, for the
// complex-step test.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "unit/kernels/workbench.h"

namespace lacos::testing {

using Tensors = std::vector<TensorView>;

// A differentiable function of the inputs, made of ops, and its gradient, made of their backward
// ops.
struct GradientCase {
  std::string name;
  Tensors inputs;  // shapes only
  std::function<TensorView(Workbench&, const Tensors& x)> forward;
  // Gradients of every input, in order, of the sum of dy times the output.
  std::function<Tensors(Workbench&, const Tensors& x, const TensorView& dy)> backward;
  double input_scale = 1;
};
inline void PrintTo(const GradientCase& c, std::ostream* out) { *out << c.name; }

// Every op that has a backward, with all combinations of its options.
std::vector<GradientCase> GradientCases();

}  // namespace lacos::testing
