// Products with frozen weights of any shape need exactly the scratch that they plan.
#include "lacos/kernels/cpu/linear/frozen_linear.h"

#include <gtest/gtest.h>

#include <new>
#include <vector>

#include "lacos/base/parallel.h"
#include "unit/kernels/workbench.h"

namespace lacos::cpu {
namespace {

class FrozenLinearTest : public ::testing::TestWithParam<Compute> {};
INSTANTIATE_TEST_SUITE_P(Computes, FrozenLinearTest,
                         ::testing::Values(Compute::kF32, Compute::kBF16, Compute::kInt8));

TensorView ViewOf(std::vector<float>& values, int64_t rows, int64_t cols) {
  return {.data = reinterpret_cast<std::byte*>(values.data()),
          .dtype = DType::kF32,
          .shape = {rows, cols}};
}

// There are several tiles of columns, the last one narrower, and numbers of rows that are small or
// on both sides of a tile.
TEST_P(FrozenLinearTest, AProductTakesTheScratchThatItsPlanSays) {
  constexpr int64_t kOut = 300, kIn = 320;
  const int threads = ThreadCount();
  SetThreadCount(1);
  const testing::HostMatrix matrix(kOut, kIn, QuantScheme::kLinear, testing::HostMatrix::kRow, 1);
  for (const Orientation orientation : {Orientation::kForward, Orientation::kBackward}) {
    const bool forward = orientation == Orientation::kForward;
    for (const int64_t rows : {1, 13, 40, 130, 256, 400, 800}) {
      Workspace work;
      FrozenLinear linear(GetParam(), work);
      const WeightId id = linear.weights().Add(matrix.matrix());
      std::vector<float> left(static_cast<size_t>(rows * (forward ? kIn : kOut)), 0.5f);
      std::vector<float> result(static_cast<size_t>(rows * (forward ? kOut : kIn)));
      const TensorView x = ViewOf(left, rows, forward ? kIn : kOut);
      WorkspaceMeter planned;
      planned.Add(linear.Need(x, id, orientation, 0));
      EXPECT_EQ(work.Bytes() + linear.HeldBytes(), 0u);
      if (forward) {
        linear.Forward(x, id, {}, ViewOf(result, rows, kOut));
      } else {
        linear.Backward(x, id, {}, ViewOf(result, rows, kIn));
      }
      EXPECT_EQ(planned.Bytes(), work.Bytes() + linear.HeldBytes())
          << rows << " rows " << (forward ? "forward" : "backward");
    }
  }
  SetThreadCount(threads);
}

// What is kept of a weight is lost when the memory for another one is taken, also if there is too little.
TEST_P(FrozenLinearTest, AProductIsRightAfterTheMemoryForAnotherOneWasMissing) {
  constexpr int64_t kOut = 300, kIn = 320,
                    kRows = 800;  // more rows than a tile, so the weight is packed
  const testing::HostMatrix matrix(kOut, kIn, QuantScheme::kLinear, 64, 1);
  QuantizedMatrix huge = matrix.matrix();  // larger than an address space; none of it is read
  huge.scheme = QuantScheme::kNone;
  huge.dtype = DType::kBF16;
  huge.rows = int64_t{1} << 40;
  Workspace work;
  FrozenLinear linear(GetParam(), work);
  const WeightId id = linear.weights().Add(matrix.matrix());
  const WeightId huge_id = linear.weights().Add(huge);
  std::vector<float> left(kRows * kIn), expected(kRows * kOut), result(kRows * kOut);
  for (size_t i = 0; i < left.size(); ++i) left[i] = 0.01f * static_cast<float>(i % 97);
  const TensorView x = ViewOf(left, kRows, kIn);
  linear.Forward(x, id, {}, ViewOf(expected, kRows, kOut));
  EXPECT_THROW(linear.Forward(x, huge_id, {}, ViewOf(result, kRows, huge.rows)), std::bad_alloc);
  linear.Forward(x, id, {}, ViewOf(result, kRows, kOut));
  EXPECT_EQ(result, expected);
}

}  // namespace
}  // namespace lacos::cpu
