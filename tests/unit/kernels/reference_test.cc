// The forward ops of the reference backend against formulas that are written out here, and the
// aliasing that backend.h allows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lacos/kernels/make_backend.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

TEST(ReferenceBackend, IsOfOneTypeThroughout) {
  for (const DType dtype : {DType::kF64, DType::kC128}) {
    const auto backend = MakeReferenceBackend(dtype);
    for (const Role role : {Role::kActivation, Role::kResidual, Role::kGradient, Role::kParameter,
                            Role::kStatistic}) {
      EXPECT_EQ(TypeOfRole(backend->Types(), role), dtype);
    }
    EXPECT_EQ(backend->Describe().backend, "reference");
    const Buffer buffer = backend->Allocate(100);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + 100,
                            [](std::byte b) { return b == std::byte{0}; }));
  }
}

// Each stored format stands for the values that Decode returns: y = x W^T over these values.
TEST(Linear, UsesTheDecodedWeights) {
  const int64_t in = 9, out = 4;
  const std::pair<QuantScheme, int64_t> formats[] = {{QuantScheme::kNone, HostMatrix::kRow},
                                                     {QuantScheme::kLinear, HostMatrix::kRow},
                                                     {QuantScheme::kLinear, 8},
                                                     {QuantScheme::kDynamic, 16}};
  for (const auto& [scheme, block_size] : formats) {
    const HostMatrix matrix(out, in, scheme, block_size, 5);
    const std::vector<float> w = matrix.Decoded();
    Workbench wb(MakeReferenceBackend(DType::kF64));
    const TensorView x = wb.Normal(Role::kActivation, {3, in}, 6),
                     y = wb.Make(Role::kResidual, {3, out});
    wb.backend().Linear(x, wb.backend().AddWeight(matrix.matrix()), {}, y);
    const std::vector<double> xs = wb.Read(x), ys = wb.Read(y);
    for (int64_t t = 0; t < 3; ++t) {
      for (int64_t o = 0; o < out; ++o) {
        double expected = 0;
        for (int64_t i = 0; i < in; ++i) expected += xs[t * in + i] * w[o * in + i];
        EXPECT_NEAR(ys[t * out + o], expected, 1e-14) << Name(scheme) << block_size;
      }
    }
  }
}

TEST(Linear, TheResidualMayBeTheOutput) {
  const HostMatrix matrix(4, 4, QuantScheme::kLinear, HostMatrix::kRow, 5);
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const WeightId weight = wb.backend().AddWeight(matrix.matrix());
  const TensorView x = wb.Normal(Role::kActivation, {3, 4}, 1),
                   h = wb.Normal(Role::kResidual, {3, 4}, 2);
  const TensorView y = wb.Make(Role::kResidual, {3, 4});
  wb.backend().Linear(x, weight, {.residual = h}, y);
  wb.backend().Linear(x, weight, {.residual = h}, h);
  EXPECT_EQ(wb.Read(h), wb.Read(y));
}

TEST(LayerNorm, StandardizesRowsAndScaleShiftRepeatsItsOutput) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView x = wb.Normal(Role::kResidual, {5, 8}, 1, 3),
                   gamma = wb.Normal(Role::kParameter, {8}, 2);
  const TensorView beta = wb.Normal(Role::kParameter, {8}, 3),
                   xhat = wb.Make(Role::kActivation, {5, 8});
  const TensorView rstd = wb.Make(Role::kStatistic, {5}), y = wb.Make(Role::kActivation, {5, 8});
  wb.backend().LayerNorm(x, gamma, beta, 1e-5, xhat, rstd, y);
  const std::vector<double> in = wb.Read(x), hat = wb.Read(xhat);
  for (int64_t t = 0; t < 5; ++t) {
    double mean = 0, square = 0, hat_mean = 0, hat_square = 0;
    for (int64_t c = 0; c < 8; ++c) {
      mean += in[t * 8 + c] / 8, square += in[t * 8 + c] * in[t * 8 + c] / 8;
      hat_mean += hat[t * 8 + c] / 8, hat_square += hat[t * 8 + c] * hat[t * 8 + c] / 8;
    }
    const double variance = square - mean * mean;
    EXPECT_NEAR(hat_mean, 0, 1e-15);
    EXPECT_NEAR(hat_square, variance / (variance + 1e-5), 1e-13);
    EXPECT_NEAR(wb.Read(rstd)[t], 1 / std::sqrt(variance + 1e-5), 1e-13);
  }
  const TensorView again = wb.Make(Role::kActivation, {5, 8});
  wb.backend().ScaleShift(xhat, gamma, beta, again);
  EXPECT_EQ(wb.Read(again), wb.Read(y));
  wb.backend().LayerNorm(x, gamma, beta, 1e-5, {}, {}, x);
  EXPECT_EQ(wb.Read(x), wb.Read(y)) << "y may be x, xhat and rstd may be absent";
}

TEST(Gelu, HasTheTanhFormsValues) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView u = wb.From(Role::kActivation, {4}, std::vector<float>{0, 1, -1, 30});
  const TensorView y = wb.Make(Role::kActivation, {4});
  wb.backend().Gelu(u, y);
  const std::vector<double> g = wb.Read(y);
  EXPECT_EQ(g[0], 0);
  // torch's gelu(1, approximate="tanh"), which has a constant with more digits
  EXPECT_NEAR(g[1], 0.8411919906, 5e-9);
  EXPECT_NEAR(g[2], -0.1588080094, 5e-9);
  EXPECT_EQ(g[3], 30);
}

TEST(Pool, FollowsEachDefinitionAndGivesZerosForAnEmptyText) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView x =
      wb.From(Role::kResidual, {4, 2}, std::vector<float>{1, 8, 2, 4, 6, 4, 5, -1});
  const TextLayout layout = wb.Layout({0, 3, 3, 4});
  const TensorView y = wb.Make(Role::kResidual, {3, 2}), argmax = wb.Make(DType::kI32, {3, 2});
  const auto pool = [&](Pooling pooling) {
    wb.backend().Fill(y, 7);
    wb.backend().Pool(x, layout, pooling, argmax, y);
    return wb.Read(y);
  };
  const double r = std::sqrt(3.0);
  const auto expect = [&](Pooling pooling, std::vector<double> expected) {
    const std::vector<double> actual = pool(pooling);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-14) << i;
  };
  expect(Pooling::kMean, {3, 16.0 / 3, 0, 0, 5, -1});
  expect(Pooling::kWeightedMean, {(1 + 4 + 18) / 6.0, (8 + 8 + 12) / 6.0, 0, 0, 5, -1});
  expect(Pooling::kLast, {6, 4, 0, 0, 5, -1});
  expect(Pooling::kCls, {1, 8, 0, 0, 5, -1});
  expect(Pooling::kMeanSqrtLen, {9 / r, 16 / r, 0, 0, 5, -1});
  expect(Pooling::kMax, {6, 8, 0, 0, 5, -1});
  const std::vector<int32_t> rows = wb.ReadInts(argmax);
  EXPECT_EQ((std::vector<int32_t>{rows[0], rows[1], rows[4], rows[5]}),
            (std::vector<int32_t>{2, 0, 3, 3}));
}

TEST(MatMul, DoesNotReadTheOldOutputWhenBetaIsZero) {
  Workbench wb(MakeReferenceBackend(DType::kF64));
  const TensorView a = wb.From(Role::kStatistic, {1, 1}, std::vector<float>{2});
  const TensorView y = wb.From(Role::kStatistic, {1, 1}, std::vector<float>{NAN});
  wb.backend().MatMul(a, Transpose::kNo, a, Transpose::kNo, 1, 0, y);
  EXPECT_EQ(wb.Read(y)[0], 4);
}

class Rows final : public EmbeddingSource {
 public:
  int64_t rows() const override { return 10; }
  int64_t cols() const override { return 3; }
  void ReadRow(int64_t row, std::span<float> out) const override {
    for (int c = 0; c < 3; ++c) out[c] = static_cast<float>(row * 10 + c);
  }
};

TEST(Embed, CopiesRowsOfTheTable) {
  const Rows rows;
  Workbench wb(MakeReferenceBackend(DType::kC128));
  const TensorView y = wb.Make(Role::kResidual, {3, 3});
  wb.backend().Embed(wb.backend().AddTable(rows), wb.Ids({4, 0, 4}), y);
  EXPECT_EQ(wb.Read(y), (std::vector<double>{40, 41, 42, 0, 1, 2, 40, 41, 42}));
}

}  // namespace
}  // namespace lacos::testing
