// Compares every op of the CUDA backend with the reference in double, in each compute mode, with the
// CPU's tolerances. The kernels run in the emulator, each time in another order of threads.
#include <tuple>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "unit/kernels/equals_reference.h"

namespace lacos::testing {
namespace {

// The ops that are written so far.
bool IsWritten(const OpCase& c) {
  for (const char* op : {"LayerNorm", "Linear", "MatMul", "TokenSums", "Gelu", "DropoutAdd", "Pool",
                         "Embed", "Losses", "Optimizer", "Similarity", "AlibiAttention"}) {
    if (c.name.starts_with(op)) return true;
  }
  return false;
}

std::vector<OpCase> WrittenCases() {
  std::vector<OpCase> cases = OpCases();
  std::erase_if(cases, [](const OpCase& c) { return !IsWritten(c); });
  return cases;
}

class CudaBackend : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CudaBackend, EqualsTheReference) {
  const auto& [compute, c] = GetParam();
  for (const auto order : {cuda::emulator::Order::kForward, cuda::emulator::Order::kRandom}) {
    cuda::emulator::Configure({.order = order, .seed = 7});
    ExpectEqualsReference(c, compute, MakeEmulatedCudaBackend({.compute = compute}));
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaBackend,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(WrittenCases())),
                         [](const ::testing::TestParamInfo<CudaBackend::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

}  // namespace
}  // namespace lacos::testing
