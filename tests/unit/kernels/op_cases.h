// Calls of every backend op with shapes that reach its special paths, each with the tolerance that
// its arithmetic implies. The tests "equals the reference" and "does not depend on the number of
// threads" share them.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "unit/kernels/workbench.h"

namespace lacos::testing {

// One result with its allowed distance from the exact value:
//   |y - exact| <= relative |exact| + absolute
//                  + magnitude * (the same op on the inputs' absolute values) + bounds[i].
struct OpOutput {
  TensorView view;
  double relative = 0;
  double absolute = 0;
  double magnitude = 0;
  std::vector<double> bounds = {};  // one for each element, or empty
};

struct OpCase {
  std::string name;
  // Runs the op on inputs that are equal on all backends. The tolerances are those of a CPU backend
  // with the mode `compute` and the types of `wb`.
  std::function<std::vector<OpOutput>(Workbench& wb, Compute compute)> run;
};
inline void PrintTo(const OpCase& c, std::ostream* out) { *out << c.name; }

// All of them, those of linear_cases.cc included, but for those that take seconds.
std::vector<OpCase> OpCases();
std::vector<OpCase> LargeOpCases();
std::vector<OpCase> LinearCases();

// Half of the distance of 1 from the next bf16 number.
inline constexpr double kBF16Roundoff = 0x1p-8;

// Frozen weights in every stored format, or their magnitudes if inputs are absolute.
enum class WeightFormat { kPlain, kLinearRows, kLinearBlocks, kDynamic };
WeightId AddTestWeight(Workbench& wb, int64_t out, int64_t in, WeightFormat format);
// The values [out, in] that this weight's codes stand for.
std::vector<float> TestWeightValues(int64_t out, int64_t in, WeightFormat format);

// The modes that every test of the CPU backend runs in, and their names in the names of tests.
inline constexpr Compute kComputeModes[] = {Compute::kF32, Compute::kBF16, Compute::kInt8};
inline const char* NameOf(Compute compute) {
  return compute == Compute::kF32 ? "F32" : compute == Compute::kBF16 ? "BF16" : "Int8";
}

}  // namespace lacos::testing
