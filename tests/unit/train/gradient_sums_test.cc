// Gradients are summed as integers. Compares these sums with sums of the same leaves in
// f32 and in double.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "lacos/kernels/forwarding_backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "unit/train/training_bench.h"

namespace lacos {
namespace {

using testing::RandomTexts;
using testing::TrainingBench;

// The CPU backend, extended to also sum the leaves' gradients of each LoRA matrix in floats and in
// doubles, in the order of the leaves.
class FloatSums final : public ForwardingBackend {
 public:
  FloatSums() : ForwardingBackend(MakeCpuBackend({.compute = Compute::kF32})) {}

  struct Sums {
    std::vector<float> f32;
    std::vector<double> f64, magnitude;  // `magnitude` is the sum of absolute values
  };
  const Sums& Of(const GradientSum& sum) const { return sums_.at(sum.fine.data); }
  int64_t leaves() const { return leaves_; }

  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override {
    ForwardingBackend::TokenOuter(a, b, leaves, alpha, y);
    leaves_ = leaves.StepLeaves();
    Sums& sums = sums_[y.fine.data];
    sums.f32.resize(static_cast<size_t>(y.fine.Elements()));
    sums.f64.resize(sums.f32.size());
    sums.magnitude.resize(sums.f32.size());
    // A leaf's own sum is scaled by 2^20, so that reading it back does not round it to a multiple
    // of 2^-52.
    constexpr double kUp = 0x1p20;
    for (int64_t i = 0; i < leaves.Count(); ++i) {
      const int64_t begin = leaves.begin[i], end = leaves.begin[i + 1];
      std::vector<Buffer> buffers;
      const GradientSum leaf = NewGradientSum(inner(), y.fine.shape, buffers);
      inner().TokenOuter(a.Rows(begin, end), b.Rows(begin, end), {.begin = {0, end - begin}},
                         alpha * kUp, leaf);
      std::vector<float> values(sums.f32.size());
      inner().ReadGradient(
          leaf, {reinterpret_cast<std::byte*>(values.data()), DType::kF32, y.fine.shape});
      for (size_t v = 0; v < values.size(); ++v) {
        sums.f32[v] += static_cast<float>(values[v] / kUp);
        sums.f64[v] += values[v] / kUp;
        sums.magnitude[v] += std::abs(values[v] / kUp);
      }
    }
  }

 private:
  std::map<const std::byte*, Sums> sums_;
  int64_t leaves_ = 0;
};

double Norm(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

class GradientSums : public ::testing::TestWithParam<double> {};

// With a large scale of the loss, many leaves exceed the range of the fine accumulator.
TEST_P(GradientSums, AreWithinOneRoundingOfDoublesAndHaveTheNormOfF32Sums) {
  auto owned = std::make_unique<FloatSums>();
  const FloatSums& sums = *owned;
  TrainingBench bench(std::move(owned), {.model = "../../../examples/bloom-nano",
                                         .lora = {.rank = 8, .alpha = 16},
                                         .loss = {.scale = GetParam()}});
  std::vector<int> lengths;
  for (int i = 0; i < 128; ++i) lengths.push_back(3 + i * 37 % 40);
  bench.Gradients(RandomTexts(lengths, 12000, false), {.examples = 64}, {});
  EXPECT_GE(sums.leaves(), 6);

  std::vector<double> integer, f32, f64;
  double most_from_f32 = 0, most_from_f64 = 0, largest = 0;
  for (const TrainableTensor& tensor : bench.model->trainable()) {
    const std::vector<double> found = DownloadDoubles(*bench.backend, tensor.gradient);
    const FloatSums::Sums& expected = sums.Of(tensor.sum);
    for (size_t i = 0; i < found.size(); ++i) {
      const double exact = expected.f64[i];
      // Every leaf is rounded to a multiple of 2^-52, every addition of doubles rounds, and the
      // final sum is rounded to f32.
      const double tolerance =
          static_cast<double>(sums.leaves()) * 0x1p-53 * (1 + expected.magnitude[i]) +
          0x1p-24 * std::abs(exact);
      EXPECT_LE(std::abs(found[i] - exact), tolerance);
      largest = std::max(largest, std::abs(exact));
      most_from_f32 = std::max(most_from_f32, std::abs(found[i] - expected.f32[i]));
      most_from_f64 = std::max(most_from_f64, std::abs(found[i] - exact));
      integer.push_back(found[i]);
      f32.push_back(found[i] - expected.f32[i]);
      f64.push_back(found[i] - exact);
    }
  }
  const Optimizer::GradientNorm measured = bench.optimizer->MeasureGradients();
  EXPECT_EQ(measured.nonfinite, 0);
  EXPECT_GT(Norm(integer), 0);
  std::vector<double> old = integer;
  for (size_t i = 0; i < old.size(); ++i) old[i] -= f32[i];
  EXPECT_NEAR(measured.norm / Norm(old), 1, 1e-6);
  // These are the figures that docs/architecture.md quotes.
  RecordProperty("largest_gradient", std::to_string(largest));
  const auto relative = [](double value) { return fmt::format("{:.2g}", value); };
  RecordProperty("max_from_f32", relative(most_from_f32 / largest));
  RecordProperty("rms_from_f32", relative(Norm(f32) / Norm(integer)));
  RecordProperty("max_from_f64", relative(most_from_f64 / largest));
  RecordProperty("rms_from_f64", relative(Norm(f64) / Norm(integer)));
}
INSTANTIATE_TEST_SUITE_P(Scales, GradientSums, ::testing::Values(20.0, 2e3, 2e7),
                         [](const auto& info) {
                           return "Scale" + std::to_string(static_cast<int64_t>(info.param));
                         });

TEST(GradientSumsOfHugeGradients, AreFiniteAndTheSameBytesUnderEveryStrategy) {
  std::vector<int> lengths;
  for (int i = 0; i < 23; ++i) lengths.push_back(1 + i * 37 % 90);
  lengths.push_back(700);
  TrainingBench bench(MakeCpuBackend({.compute = Compute::kBF16}), {.loss = {.scale = 1e9}});
  std::vector<std::byte> first;
  for (const GradientStrategy& strategy :
       {GradientStrategy{}, GradientStrategy{.recompute_blocks = -1},
        GradientStrategy{.chunk_tokens = 1}, GradientStrategy{.chunk_tokens = 700}}) {
    bench.Gradients(RandomTexts(lengths, 300, false), {.examples = 12}, strategy);
    if (first.empty()) first = bench.GradientBytes();
    EXPECT_EQ(bench.GradientBytes(), first) << "chunk " << strategy.chunk_tokens;
    const Optimizer::GradientNorm gradients = bench.optimizer->MeasureGradients();
    EXPECT_EQ(gradients.nonfinite, 0);
    EXPECT_GT(gradients.norm, 1e6);
    EXPECT_TRUE(std::isfinite(gradients.norm));
  }
}

}  // namespace
}  // namespace lacos
