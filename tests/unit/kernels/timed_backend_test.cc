// The timed backend: every op gives the same bytes as before and is counted once, in the part that
// it belongs to, and the parts sum to no more than the time that passed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/timed_backend.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

class TimedBackend : public ::testing::TestWithParam<OpCase> {};

TEST_P(TimedBackend, GivesTheBytesOfTheBackendItTimes) {
  const OpCase& c = GetParam();
  OpTimes times;
  Workbench plain(MakeCpuBackend({.compute = Compute::kInt8}));
  Workbench timed(MakeTimedBackend(MakeCpuBackend({.compute = Compute::kInt8}), times));
  const std::vector<OpOutput> expected = c.run(plain, Compute::kInt8);
  const Stopwatch watch;
  const std::vector<OpOutput> actual = c.run(timed, Compute::kInt8);
  const double total = watch.Seconds();
  EXPECT_GT(times.Seconds(), 0);
  EXPECT_LE(times.Seconds(), total) << "ops lie within what passed around them and do not overlap";
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t k = 0; k < actual.size(); ++k) {
    EXPECT_EQ(timed.Bytes(actual[k].view), plain.Bytes(expected[k].view)) << "output " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, TimedBackend, ::testing::ValuesIn(OpCases()),
                         [](const auto& info) { return info.param.name; });

// Counts the calls of each op over all cases: every op that they reach appears under its name.
TEST(TimedBackendOverAllCases, EveryOpIsCountedAndPartsSumToTheOps) {
  OpTimes times;
  Workbench bench(MakeTimedBackend(MakeCpuBackend({.compute = Compute::kF32}), times));
  for (const OpCase& c : OpCases()) c.run(bench, Compute::kF32);
  const TensorView row = bench.Make(Role::kResidual, {4});
  bench.backend().Copy(row, bench.Make(Role::kResidual, {4}));  // Copy has no case of its own
  std::map<std::string, int64_t> calls;
  for (const OpTime& op : times.ops) calls[std::string(op.op)] += op.calls;
  for (const char* op : {"Allocate",
                         "Upload",
                         "Copy",
                         "Fill",
                         "Linear",
                         "MatMul",
                         "TokenOuter",
                         "TokenSum",
                         "TokenDotSum",
                         "ReadGradient",
                         "LinearBackward",
                         "LayerNorm",
                         "ScaleShift",
                         "Gelu",
                         "GeluBackward",
                         "AlibiAttention",
                         "Dropout",
                         "Add",
                         "Pool",
                         "PoolBackward",
                         "LayerNormBackward",
                         "L2Normalize",
                         "CopyColumns",
                         "RowDot",
                         "RowScale",
                         "AlibiAttentionBackward",
                         "Adam8",
                         "Adam",
                         "AbsDifference",
                         "SumSquares",
                         "L2NormalizeBackward",
                         "TripletLoss",
                         "CosentLoss",
                         "MeanSquaredError",
                         "GatherRows",
                         "AbsDifferenceBackward",
                         "AngleSimilarity",
                         "AngleSimilarityBackward",
                         "Embed",
                         "GatherRowsBackward",
                         "SoftmaxCrossEntropy"}) {
    EXPECT_GT(calls[op], 0) << op;
  }
  const auto parts = times.Parts();
  double seconds = 0;
  for (const OpTimes::Part& part : parts) seconds += part.seconds;
  // The same terms are added in another order, so each sum is within (terms - 1)
  // roundoffs of the exact one.
  const double tolerance = 2 * static_cast<double>(times.ops.size()) * 0x1p-53 * times.Seconds();
  EXPECT_NEAR(seconds, times.Seconds(), tolerance);
}

TEST(TimedBackendProducts, AreKeptByShapeAndDirectionWithTheirRows) {
  OpTimes times;
  Workbench bench(MakeTimedBackend(MakeCpuBackend({.compute = Compute::kF32}), times));
  const WeightId weight = AddTestWeight(bench, 24, 40, WeightFormat::kLinearRows);
  const WeightId other = AddTestWeight(bench, 40, 24, WeightFormat::kLinearRows);
  const TensorView x = bench.Normal(Role::kActivation, {5, 40}, 1),
                   y = bench.Make(Role::kResidual, {5, 24});
  const TensorView dy = bench.Normal(Role::kGradient, {5, 24}, 2),
                   dx = bench.Make(Role::kGradient, {5, 40});
  bench.backend().Linear(x, weight, {}, y);
  bench.backend().Linear(x.Rows(0, 3), weight, {}, y.Rows(0, 3));
  bench.backend().LinearBackward(dy, weight, {}, dx);
  bench.backend().Linear(bench.Normal(Role::kActivation, {7, 24}, 3), other, {},
                         bench.Make(Role::kResidual, {7, 40}));
  ASSERT_EQ(times.products.size(), 3u);
  const ProductTime& forward = times.products[0];
  EXPECT_EQ(forward.orientation, Orientation::kForward);
  EXPECT_EQ(forward.out, 24);
  EXPECT_EQ(forward.in, 40);
  EXPECT_EQ(forward.calls, 2);
  EXPECT_EQ(forward.rows, 8);
  EXPECT_EQ(forward.Flops(), 2.0 * 8 * 24 * 40);
  EXPECT_EQ(times.products[1].orientation, Orientation::kBackward);
  EXPECT_EQ(times.products[1].rows, 5);
  EXPECT_EQ(times.products[2].out, 40);
  const auto parts = times.Parts();
  const double products = times.products[0].seconds + times.products[2].seconds;
  EXPECT_DOUBLE_EQ(parts[static_cast<size_t>(StepPart::kProductsForward)].seconds, products);
  EXPECT_EQ(parts[static_cast<size_t>(StepPart::kProductsBackward)].calls, 1);
  times.Clear();
  EXPECT_EQ(times.Seconds(), 0);
  EXPECT_TRUE(times.products.empty());
}

// The same op serves LoRA in the blocks and similarities in the loss.
TEST(TimedBackendParts, EveryOpOfThePhaseOfVectorsIsCountedAsWorkOnVectors) {
  OpTimes times;
  Workbench bench(MakeTimedBackend(MakeReferenceBackend(DType::kF64), times));
  const TensorView a = bench.Normal(Role::kParameter, {4, 4}, 1),
                   y = bench.Make(Role::kParameter, {4, 4});
  times.Clear();
  const auto calls = [&](StepPart part) { return times.Parts()[static_cast<size_t>(part)].calls; };
  const auto multiply = [&] {
    bench.backend().MatMul(a, Transpose::kNo, a, Transpose::kNo, 1, 0, y);
  };
  multiply();
  EXPECT_EQ(calls(StepPart::kLora), 1);
  {
    const PhaseScope vectors(bench.backend(), StepPhase::kVectors);
    multiply();
    {
      const PhaseScope tokens(bench.backend(), StepPhase::kTokens);
      multiply();
    }
    multiply();
  }
  multiply();
  EXPECT_EQ(calls(StepPart::kLora), 3);
  EXPECT_EQ(calls(StepPart::kVectors), 2);
}

TEST(TimedBackendParts, AnOpThatThrowsIsCountedToo) {
  class FailingSource final : public EmbeddingSource {
   public:
    int64_t rows() const override { return 4; }
    int64_t cols() const override { return 4; }
    void ReadRow(int64_t, std::span<float>) const override {
      throw std::runtime_error("unreadable");
    }
  };
  OpTimes times;
  const FailingSource source;
  Workbench bench(MakeTimedBackend(MakeReferenceBackend(DType::kF64), times));
  const TableId table = bench.backend().AddTable(source);
  const TensorView y = bench.Make(Role::kResidual, {1, 4});
  EXPECT_THROW(bench.backend().Embed(table, bench.Ids({1}), y), std::runtime_error);
  EXPECT_EQ(times.Parts()[static_cast<size_t>(StepPart::kEmbedding)].calls, 1);
}

// Takes the fastest of many rounds, because other processes may use the machine. A training step
// has some 30 ops for each layer, and each takes half a millisecond or more in a model that is
// worth training; 5 microseconds are 1 % of that.
TEST(TimedBackendCost, IsFarBelowThatOfAnOp) {
  constexpr int kCalls = 1000;
  OpTimes times;
  const TypeSet types = MakeCpuBackend({.compute = Compute::kF32})->Types();
  const auto backend = MakeTimedBackend(std::make_unique<DryBackend>(types), times);
  const TensorView x{.data = nullptr, .dtype = DType::kF32, .shape = {4, 4}};
  double fastest = 1e9;
  for (int round = 0; round < 20; ++round) {
    const Stopwatch watch;
    for (int i = 0; i < kCalls; ++i) backend->Add(x, x, x);
    fastest = std::min(fastest, watch.Seconds() / kCalls);
  }
  RecordProperty("nanoseconds_per_op", std::to_string(fastest * 1e9));
  EXPECT_LT(fastest, 5e-6);
}

TEST(TimedBackendParts, HaveNamesOfTheirOwn) {
  for (int i = 0; i < kStepParts; ++i) {
    EXPECT_FALSE(NameOf(static_cast<StepPart>(i)).empty());
    for (int j = 0; j < i; ++j) {
      EXPECT_NE(NameOf(static_cast<StepPart>(i)), NameOf(static_cast<StepPart>(j)));
      EXPECT_NE(TitleOf(static_cast<StepPart>(i)), TitleOf(static_cast<StepPart>(j)));
    }
  }
}

}  // namespace
}  // namespace lacos::testing
