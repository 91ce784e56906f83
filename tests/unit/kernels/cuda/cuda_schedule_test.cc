// The results of kernels do not depend on the order in which the threads of a block run, and every
// barrier of a kernel is needed: without it some order gives other bytes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <tuple>

#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "unit/kernels/cuda/long_form.h"
#include "unit/kernels/cuda/test_gpu.h"

namespace lacos::testing {
namespace {

using cuda::emulator::Barriers;
using cuda::emulator::BarrierUse;
using cuda::emulator::Configure;
using cuda::emulator::EmulationError;
using cuda::emulator::Order;
using cuda::emulator::Settings;

using Outputs = std::vector<std::vector<std::byte>>;

Outputs RunCase(const OpCase& c, Compute compute, const Settings& settings) {
  Configure(settings);
  Workbench wb(MakeEmulatedCudaBackend({.compute = compute}));
  Outputs outputs;
  for (const OpOutput& output : c.run(wb, compute)) outputs.push_back(wb.Bytes(output.view));
  Configure({});
  return outputs;
}

constexpr Settings kOrders[] = {
    {.order = Order::kForward}, {.order = Order::kReverse}, {.order = Order::kRandom, .seed = 5}};

class CudaSchedule : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {};

TEST_P(CudaSchedule, DoesNotChangeAByte) {
  const auto& [compute, c] = GetParam();
  const Outputs first = RunCase(c, compute, kOrders[0]);
  for (const Settings& settings : {kOrders[1], kOrders[2]})
    EXPECT_TRUE(RunCase(c, compute, settings) == first) << static_cast<int>(settings.order);
}

// The cases that reach every kernel; in the long form all cases.
std::vector<OpCase> CasesForSchedules() {
  std::vector<OpCase> cases = GpuOpCases();
  if (IsLongForm()) return cases;
  const std::set<std::string> some = {"Linear5x48x33Rows",
                                      "Linear97x100x36RowsLoraGeluResidual",
                                      "LinearBackward97x100x36RowsLoraGeluAccumulate",
                                      "Linear97x100x36Dynamic",
                                      "MatMul7x5x9NN",
                                      "MatMul64x64x48NTBeta",
                                      "TokenSums131x40x8",
                                      "LayerNorm5x33",
                                      "LayerNorm70x64",
                                      "Gelu5x33",
                                      "DropoutAdd5x33",
                                      "AlibiAttentionThreeHeadsDropout",
                                      "AlibiAttentionSevenHeads",
                                      "PoolMax33",
                                      "PoolWeightedMean64",
                                      "Similarity9x77",
                                      "Losses33x66",
                                      "Optimizer300",
                                      "Embed24"};
  std::erase_if(cases, [&](const OpCase& c) { return !some.contains(c.name); });
  return cases;
}

// Cases whose rows are long enough, or whose updates are enough, for every barrier to matter.
std::vector<OpCase> CasesForBarriers() {
  std::vector<OpCase> cases = CasesForSchedules();
  const std::set<std::string> more = {"Linear3x600x40Rows",
                                      "Linear200x256x128RowsLoraSegmentsGeluResidual",
                                      "LinearBackward200x256x128Rows",
                                      "Linear97x100x36RowsLoraSegments",
                                      "Linear97x100x36Plain",
                                      "LinearBackward97x100x36Plain",
                                      "LinearBackward3x600x40Plain",
                                      "AlibiAttentionNarrow",
                                      "Linear3x600x40Plain",
                                      "Losses200x5",
                                      "LinearBackward97x100x36RowsLoraSegments",
                                      "LinearBackward200x256x128RowsLoraSegmentsGeluAccumulate",
                                      "LinearBackward200x256x128RowsLora",
                                      "Linear200x256x128RowsLora"};
  for (const OpCase& c : GpuOpCases()) {
    if (more.contains(c.name) && !IsLongForm()) cases.push_back(c);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaSchedule,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(CasesForSchedules())),
                         [](const ::testing::TestParamInfo<CudaSchedule::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

// Leaves out the barriers that the cases reach, one after the other: some case has to notice each.
// LACOS_OMITTED_BARRIER chooses one barrier by its number.
TEST(CudaBarriers, AreAllNeeded) {
  if (kThreadSanitizer) GTEST_SKIP() << "without a barrier there are races, which are reported";
  const char* const chosen = std::getenv("LACOS_OMITTED_BARRIER");
  std::set<size_t> reached, noticed;
  for (const OpCase& c : CasesForBarriers()) {
    for (const Compute compute : kComputeModes) {
      const std::vector<BarrierUse> before = Barriers();
      const Outputs right = RunCase(c, compute, {});
      const std::vector<BarrierUse> after = Barriers();
      for (size_t barrier = 0; barrier < after.size(); ++barrier) {
        if (noticed.contains(barrier)) continue;
        if (chosen != nullptr && std::to_string(barrier) != chosen) continue;
        if (barrier < before.size() && before[barrier].arrivals == after[barrier].arrivals)
          continue;
        reached.insert(barrier);
        for (Settings settings : kOrders) {
          settings.omitted_barrier = static_cast<int>(barrier);
          bool differs = true;
          try {
            differs = RunCase(c, compute, settings) != right;
          } catch (const EmulationError&) {
          }
          if (!differs) continue;
          noticed.insert(barrier);
          break;
        }
      }
    }
  }
  const std::vector<BarrierUse> all = Barriers();
  for (const size_t barrier : reached) {
    EXPECT_TRUE(noticed.contains(barrier))
        << "nothing changes without barrier " << barrier << " at " << all[barrier].place;
  }
}

}  // namespace
}  // namespace lacos::testing
