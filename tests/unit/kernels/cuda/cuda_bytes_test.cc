// Ops whose results on the GPU have the bytes of the CPU's: the optimizer, so that a run may go on on
// another device, dropout, pooling, and copies between types.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/kernels/cuda/test_gpu.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Pair {
  Workbench cpu{MakeCpuBackend({.compute = Compute::kF32})};
  Workbench cuda{MakeTestGpu(Compute::kF32)};

  // Runs f on both and compares the tensors that it returns.
  template <class F>
  void ExpectEqualBytes(F&& f) {
    const std::vector<TensorView> a = f(cpu), b = f(cuda);
    ASSERT_EQ(a.size(), b.size());
    for (size_t k = 0; k < a.size(); ++k)
      EXPECT_TRUE(cpu.Bytes(a[k]) == cuda.Bytes(b[k])) << "output " << k;
  }
};

// Gradients of many magnitudes, with zeros, a block of zeros, and values that are not finite.
std::vector<float> Gradients(int64_t n, uint64_t seed, bool finite) {
  std::vector<float> g = NormalValues(n, seed);
  for (int64_t i = 0; i < n; ++i) {
    g[i] *= std::exp2(static_cast<float>(i % 61 - 40));
    if (i % 7 == 0 || i / 256 == 1) g[i] = 0;
  }
  if (!finite) {
    g[3] = kNaN;
    g[300] = kInf;
    g[n - 1] = -kInf;
  }
  return g;
}

TEST(CudaBytes, OfAdam8AndAdamAreTheCpus) {
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  for (const bool finite : {true, false}) {
    for (const int64_t n : {int64_t{1}, int64_t{256}, int64_t{1000}, int64_t{5003}}) {
      if (!finite && n < 1000) continue;
      Pair pair;
      pair.ExpectEqualBytes([&](Workbench& wb) {
        const int64_t blocks = (n + 255) / 256;
        const Adam8State state8{.m_codes = wb.Make(DType::kU8, {n}),
                                .v_codes = wb.Make(DType::kU8, {n}),
                                .m_absmax = wb.Make(DType::kF32, {blocks}),
                                .v_absmax = wb.Make(DType::kF32, {blocks})};
        const AdamState state{.m = wb.Make(Role::kParameter, {n}),
                              .v = wb.Make(Role::kParameter, {n})};
        const TensorView p8 = wb.Normal(Role::kParameter, {n}, 1),
                         p = wb.Normal(Role::kParameter, {n}, 2);
        for (int step = 1; step <= 4; ++step) {
          const AdamStep options{.step = step,
                                 .learning_rate = 1e-3,
                                 .weight_decay = step % 2 == 0 ? 0.01 : 0,
                                 .gradient_scale = 0.7};
          const TensorView g =
              wb.From(Role::kParameter, {n}, Gradients(n, 10 + step, finite || step != 3));
          wb.backend().Adam8(options, g, state8, p8);
          wb.backend().Adam(options, g, state, p);
        }
        return std::vector<TensorView>{
            p8, state8.m_codes, state8.v_codes, state8.m_absmax, state8.v_absmax,
            p,  state.m,        state.v};
      });
    }
  }
}

TEST(CudaBytes, OfDropoutAreTheCpus) {
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  for (const int64_t cols : {1, 5, 64, 301}) {
    for (const double rate : {0.1, 0.999}) {
      Pair pair;
      pair.ExpectEqualBytes([&](Workbench& wb) {
        const TensorView x = wb.Normal(Role::kResidual, {37, cols}, 1);
        const DropoutSpec dropout{.token_keys = wb.Keys(37, 5), .site = 77, .rate = rate};
        wb.backend().Dropout(x, dropout, x);
        return std::vector<TensorView>{x};
      });
    }
  }
}

TEST(CudaBytes, OfPoolingAndItsBackwardPassAreTheCpus) {
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  const std::vector<int32_t> offsets = {0, 5, 5, 6, 46, 49};
  for (const auto& row : kPoolingNames) {
    const Pooling pooling = row.value;
    for (const float special : {0.0f, kNaN}) {
      Pair pair;
      pair.ExpectEqualBytes([&](Workbench& wb) {
        std::vector<float> values = NormalValues(49 * 33, 1);
        for (size_t i = 0; i < values.size(); i += 5) values[i] = values[0];  // equal maxima
        values[7 * 33 + 2] = special;
        const TensorView x = wb.From(Role::kResidual, {49, 33}, values);
        const TensorView dy = wb.Normal(Role::kStatistic, {5, 33}, 2);
        const TensorView y = wb.Make(Role::kStatistic, {5, 33}),
                         dx = wb.Make(Role::kResidual, {49, 33});
        TensorView argmax;
        if (pooling == Pooling::kMax) argmax = wb.Make(DType::kI32, {5, 33});
        const TextLayout at = wb.Layout(offsets);
        wb.backend().Pool(x, at, pooling, argmax, y);
        wb.backend().PoolBackward(dy, at, pooling, argmax, dx);
        std::vector<TensorView> outputs = {y, dx};
        if (argmax) outputs.push_back(argmax);
        return outputs;
      });
    }
  }
}

// Sums with more leaves than kernels take by value, leaves of no rows, and values that are large, NaN
// or infinite.
TEST(CudaBytes, OfSumsOfLeavesOfOneRowAreTheCpus) {
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  for (const int64_t rows : {1, 40, 300}) {
    Pair pair;
    pair.ExpectEqualBytes([&](Workbench& wb) {
      std::vector<float> values = NormalValues(rows * 9, 3);
      values[0] = kNaN;
      if (rows > 1) {
        values[9 + 1] = kInf;
        values[18 + 1] = -kInf;
        values[27 + 2] = 1e30f;
        values[9 + 3] = 3000.25f;
        values[18 + 4] = kInf;
      }
      const TensorView x = wb.From(Role::kStatistic, {rows, 9}, values);
      const TensorView ones = wb.From(Role::kStatistic, {rows, 1}, std::vector<float>(rows, 1.0f));
      TokenLeaves leaves;
      for (int64_t t = 0; t <= rows; ++t) leaves.begin.push_back(t);
      leaves.begin.push_back(rows);
      const GradientSum sum = wb.MakeSum({9}), dot = wb.MakeSum({9}), outer = wb.MakeSum({9, 1});
      wb.backend().TokenSum(x, leaves, sum);
      wb.backend().TokenDotSum(x, x, leaves, dot);
      wb.backend().TokenOuter(x, ones, leaves, 0.5, outer);
      return std::vector<TensorView>{sum.fine,         sum.coarse,       dot.fine,
                                     dot.coarse,       outer.fine,       outer.coarse,
                                     wb.Gradient(sum), wb.Gradient(dot), wb.Gradient(outer)};
    });
  }
}

TEST(CudaBytes, OfCopiesAndFillsAreTheCpus) {
  if (MakeTestGpu(Compute::kF32) == nullptr) GTEST_SKIP() << "this machine has no GPU";
  for (const int64_t n : {1, 7, 64, 1000}) {
    Pair pair;
    pair.ExpectEqualBytes([&](Workbench& wb) {
      std::vector<float> values = NormalValues(n, 4);
      values[0] = kNaN;
      if (n > 1) values[1] = -kInf;
      const TensorView x = wb.From(Role::kStatistic, {n}, values);
      const TensorView half = wb.Make(DType::kBF16, {n}), back = wb.Make(DType::kF32, {n});
      const TensorView filled = wb.Make(DType::kBF16, {n}), ints = wb.Make(DType::kI64, {n});
      wb.backend().Copy(x, half);
      wb.backend().Copy(half, back);
      wb.backend().Fill(filled, 0.3);
      wb.backend().Fill(ints, -5);
      return std::vector<TensorView>{half, back, filled, ints};
    });
  }
}

// More ids than the cache holds make it start anew in mid-batch.
TEST(CudaEmbedding, ReadsRowsAgainThatDoNotFitIntoTheCache) {
  class Table final : public EmbeddingSource {
   public:
    int64_t rows() const override { return 5000; }
    int64_t cols() const override { return 20'000; }
    void ReadRow(int64_t row, std::span<float> out) const override {
      for (size_t c = 0; c < out.size(); ++c)
        out[c] = static_cast<float>(row * 3 + static_cast<int64_t>(c % 100));
    }
  };
  const Table table;
  std::unique_ptr<Backend> gpu = MakeTestGpu(Compute::kF32);
  if (gpu == nullptr) GTEST_SKIP() << "this machine has no GPU";
  Workbench wb(std::move(gpu));
  const TableId id = wb.backend().AddTable(table);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 1100; ++i) ids.push_back(i * 4 % 5000);
  ids.push_back(0);
  const TensorView y = wb.Make(Role::kResidual, {static_cast<int64_t>(ids.size()), table.cols()});
  for (int round = 0; round < 2; ++round) {
    wb.backend().Embed(id, wb.Ids(ids), y);
    for (const size_t t :
         {size_t{0}, size_t{3}, size_t{1023}, size_t{1024}, size_t{1099}, size_t{1100}}) {
      const std::vector<double> row =
          wb.Read(y.Rows(static_cast<int64_t>(t), static_cast<int64_t>(t) + 1));
      EXPECT_EQ(row[0], ids[t] * 3.0);
      EXPECT_EQ(row[19'999], ids[t] * 3.0 + 99);
    }
  }
}

}  // namespace
}  // namespace lacos::testing
