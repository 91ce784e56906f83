// Calls of every backend verb over shapes that reach its special paths, each with the tolerance that its
// arithmetic implies; shared by the tests "equals the reference" and "does not depend on the number of
// threads".
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "unit/kernels/workbench.h"

namespace lacos::testing {

// One result with its allowed distance from the exact value:
//   |y - exact| <= relative |exact| + absolute + magnitude * (the same verb on the inputs' absolute values) +
//   bounds[i].
struct VerbOutput {
  TensorView view;
  double relative = 0;
  double absolute = 0;
  double magnitude = 0;
  std::vector<double> bounds = {};  // one for each element, or empty
};

struct VerbCase {
  std::string name;
  // Runs the verb on inputs that are equal on all backends; tolerances are those of a CPU backend in
  // `compute` with the types of `wb`.
  std::function<std::vector<VerbOutput>(Workbench& wb, Compute compute)> run;
};
inline void PrintTo(const VerbCase& c, std::ostream* out) { *out << c.name; }

std::vector<VerbCase> VerbCases();

// Frozen weights in every stored format; with absolute inputs, their magnitudes.
enum class WeightFormat { kPlain, kLinearRows, kLinearBlocks, kDynamic };
WeightId AddTestWeight(Workbench& wb, int64_t out, int64_t in, WeightFormat format);

}  // namespace lacos::testing
