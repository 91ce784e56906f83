// The results of a text are the same, byte for byte, whatever else is in the batch and whatever the
// number of threads is.
#include <gtest/gtest.h>

#include <tuple>

#include "lacos/base/parallel.h"
#include "lacos/kernels/make_backend.h"
#include "unit/kernels/invariance_cases.h"

namespace lacos::testing {
namespace {

class Threads : public ::testing::TestWithParam<std::tuple<Compute, OpCase>> {
 protected:
  void TearDown() override { SetThreadCount(0); }
};

TEST_P(Threads, DoNotChangeAByte) {
  const auto& [compute, c] = GetParam();
  std::vector<std::vector<std::byte>> results[2];
  for (int run = 0; run < 2; ++run) {
    SetThreadCount(run == 0 ? 1 : 2);
    Workbench cpu(MakeCpuBackend({.compute = compute}));
    for (const OpOutput& output : c.run(cpu, compute))
      results[run].push_back(cpu.Bytes(output.view));
  }
  ASSERT_EQ(results[0].size(), results[1].size());
  for (size_t k = 0; k < results[0].size(); ++k)
    EXPECT_TRUE(results[0][k] == results[1][k]) << "output " << k;
}

INSTANTIATE_TEST_SUITE_P(Ops, Threads,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(OpCases())),
                         [](const ::testing::TestParamInfo<Threads::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

class Rows : public ::testing::TestWithParam<std::tuple<Compute, RowCase>> {};

TEST_P(Rows, AloneEqualTheSameRowsInABatch) {
  const auto& [compute, c] = GetParam();
  Workbench cpu(MakeCpuBackend({.compute = compute}));
  ExpectRowsAloneAreEqual(cpu, c);
}

INSTANTIATE_TEST_SUITE_P(Ops, Rows,
                         ::testing::Combine(::testing::ValuesIn(kComputeModes),
                                            ::testing::ValuesIn(RowCases())),
                         [](const ::testing::TestParamInfo<Rows::ParamType>& info) {
                           return std::get<1>(info.param).name + NameOf(std::get<0>(info.param));
                         });

class Segments : public ::testing::TestWithParam<Compute> {};

TEST_P(Segments, OfOneProductHaveTheBytesOfProductsOfTheirOwn) {
  Workbench cpu(MakeCpuBackend({.compute = GetParam()}));
  ExpectSegmentsAreEqual(cpu);
}

INSTANTIATE_TEST_SUITE_P(Computes, Segments, ::testing::ValuesIn(kComputeModes),
                         [](const ::testing::TestParamInfo<Compute>& info) {
                           return NameOf(info.param);
                         });

class Texts : public ::testing::TestWithParam<Compute> {};

TEST_P(Texts, AloneEqualTheSameTextsInABatch) {
  Workbench cpu(MakeCpuBackend({.compute = GetParam()}));
  ExpectTextsAloneAreEqual(cpu);
}

INSTANTIATE_TEST_SUITE_P(Computes, Texts, ::testing::ValuesIn(kComputeModes),
                         [](const ::testing::TestParamInfo<Compute>& info) {
                           return NameOf(info.param);
                         });

}  // namespace
}  // namespace lacos::testing
