// Products by cuBLASLt, which emulator/emulated_cublaslt.h plays: which algorithm is pinned, that the
// results are those of our own kernel, and what happens when calls fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lacos/base/error.h"
#include "lacos/kernels/cuda/cuda_backend.h"
#include "lacos/kernels/cuda/emulator/emulated_cublaslt.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

using cuda::emulator::CublasLt;
using cuda::emulator::HopperRuntime;

struct Outcome {
  std::vector<double> y, dx;
  KernelInfo kernels;
  std::string Fact(const std::string& name) const {
    for (const KernelInfo::Fact& fact : kernels.facts) {
      if (fact.name == name) return fact.value;
    }
    return "";
  }
};

// A product and its backward pass, with everything that epilogues do.
Outcome RunProducts(bool has_library, int64_t rows, int64_t out, int64_t in, QuantScheme scheme) {
  Workbench wb(cuda::MakeCudaBackendOn(std::make_shared<HopperRuntime>(has_library),
                                       {.compute = Compute::kBF16}));
  const HostMatrix host(out, in, scheme, HostMatrix::kRow, 3);
  Backend& backend = wb.backend();
  const WeightId weight = backend.AddWeight(host.matrix());
  const TensorView x = wb.Normal(Role::kActivation, {rows, in}, 1);
  const TensorView dy = wb.Normal(Role::kGradient, {rows, out}, 2);
  const TensorView y = wb.Make(DType::kF32, {rows, out}), dx = wb.Make(DType::kF32, {rows, in});
  const TensorView z = wb.Normal(Role::kStatistic, {rows - 1, 5}, 3);
  backend.Linear(x, weight,
                 {.bias = wb.Normal(Role::kParameter, {out}, 4),
                  .lora = {{.begin = 1,
                            .end = rows,
                            .z = z,
                            .b = wb.Normal(Role::kParameter, {out, 5}, 5),
                            .scale = 2}}},
                 y);
  backend.LinearBackward(dy, weight,
                         {.lora = {{.begin = 1,
                                    .end = rows,
                                    .dz = z,
                                    .a = wb.Normal(Role::kParameter, {5, in}, 6),
                                    .scale = 2}}},
                         dx);
  return {wb.Read(y), wb.Read(dx), backend.Describe()};
}

TEST(CublasLt, ComputesWhatOurKernelComputes) {
  for (const QuantScheme scheme :
       {QuantScheme::kLinear, QuantScheme::kDynamic, QuantScheme::kNone}) {
    CublasLt() = {};
    const Outcome by_library = RunProducts(true, 37, 64, 96, scheme),
                  own = RunProducts(false, 37, 64, 96, scheme);
    EXPECT_EQ(CublasLt().objects, 0) << "everything is destroyed";
    EXPECT_EQ(by_library.Fact("cublaslt"), "13.1.0");
    // algorithms 0 and 1 are unfit
    EXPECT_EQ(by_library.Fact("algorithms"),
              "64x96: algorithm 62 tile 7 stages 7; 96x64 backward: algorithm 62 tile 7 stages 7");
    EXPECT_THAT(own.Fact("products"), ::testing::HasSubstr("mma.sync"));
    EXPECT_EQ(own.Fact("cublaslt"), "");
    // Both sum in f32, in their own orders: 96 terms, each at most some 5.
    for (size_t i = 0; i < own.y.size(); ++i) EXPECT_NEAR(by_library.y[i], own.y[i], 1e-4);
    for (size_t i = 0; i < own.dx.size(); ++i) EXPECT_NEAR(by_library.dx[i], own.dx[i], 1e-4);
  }
}

TEST(CublasLt, OurKernelIsUsedWhereNoAlgorithmIsFit) {
  const Outcome own = RunProducts(false, 9, 64, 96, QuantScheme::kLinear);
  for (const int candidates : {0, 1, 2}) {
    CublasLt() = {.candidates = candidates};
    const Outcome outcome = RunProducts(true, 9, 64, 96, QuantScheme::kLinear);
    EXPECT_THAT(outcome.Fact("algorithms"), ::testing::HasSubstr("64x96: own kernel"));
    EXPECT_EQ(outcome.y, own.y);
    EXPECT_EQ(outcome.dx, own.dx);
  }
  CublasLt() = {.no_heuristic = true};
  EXPECT_EQ(RunProducts(true, 9, 64, 96, QuantScheme::kLinear).y, own.y);
  CublasLt() = {};
  const Outcome odd = RunProducts(true, 9, 50, 33, QuantScheme::kLinear);
  EXPECT_EQ(CublasLt().products, 0) << "widths that are no multiples of 32";
  EXPECT_EQ(odd.y, RunProducts(false, 9, 50, 33, QuantScheme::kLinear).y);
}

// Records of runs are made before the first product.
TEST(CublasLt, TheAlgorithmsOfAWeightAreKnownAsSoonAsItIsAdded) {
  CublasLt() = {.first_candidate = 2};
  const auto backend =
      cuda::MakeCudaBackendOn(std::make_shared<HopperRuntime>(), {.compute = Compute::kBF16});
  const HostMatrix host(64, 96, QuantScheme::kLinear, HostMatrix::kRow, 3);
  backend->AddWeight(host.matrix());
  const Outcome outcome{.y = {}, .dx = {}, .kernels = backend->Describe()};
  EXPECT_THAT(outcome.Fact("algorithms"), ::testing::StartsWith("64x96: algorithm 62"));
}

TEST(CublasLt, AFailingCallIsNamed) {
  CublasLt() = {.failing_product = 12};  // after the checks of two candidates, forward and backward
  try {
    RunProducts(true, 9, 64, 96, QuantScheme::kLinear);
    FAIL() << "no error";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("cublasLtMatmul failed with cublasStatus_t 13"));
  }
  EXPECT_EQ(CublasLt().objects, 0);
}

}  // namespace
}  // namespace lacos::testing
