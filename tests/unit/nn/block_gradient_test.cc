// Gradients of a whole block by complex step: the product's own nn code runs in complex arithmetic.
//
// f(x + ih) = f(x) + ih f'(x) + O(h^2). With h = 1e-50 the imaginary part over h is the derivative
// up to rounding, because nothing is subtracted. Source: Squire and Trapp, "Using complex variables
// to estimate derivatives" (1998).
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <memory>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "lacos/nn/block.h"

namespace lacos {
namespace {

using Complex = std::complex<double>;
constexpr double kStep = 1e-50;
constexpr int64_t kHidden = 12, kHeads = 3, kRank = 2;

std::vector<double> RandomValues(int64_t n, double scale, uint64_t seed) {
  Random random(7, RandomStream::kWeights, seed);
  std::vector<double> values(static_cast<size_t>(n));
  for (double& v : values) v = scale * random.Normal();
  return values;
}

struct BlockCase {
  std::string name;
  bool lora = true;
  bool biases = false;
  bool residual_from_layernorm = false;
  double dropout = 0;
  double lora_dropout = 0;
};

// One block with all its tensors on a complex backend, and a scalar loss of the block's output.
class BlockBench {
 public:
  explicit BlockBench(const BlockCase& block_case)
      : case_(block_case),
        backend_(MakeReferenceBackend(DType::kC128)),
        arena_([this](size_t bytes) { return backend_->Allocate(bytes); }, size_t{1} << 20) {
    layout_ = MakeTextLayout(*backend_, offsets_, New(DType::kI32, {4}));
    std::vector<int64_t> keys(kTokens);
    for (int64_t i = 0; i < kTokens; ++i)
      keys[i] = static_cast<int64_t>(Mix64(static_cast<uint64_t>(i)));
    keys_ = New(DType::kI64, {kTokens});
    backend_->Upload(std::as_bytes(std::span(keys)), keys_);

    block_.heads = kHeads;
    block_.residual_from_layernorm = case_.residual_from_layernorm;
    block_.input_layernorm = MakeNorm();
    block_.query_key_value = MakeLinear(kHidden, 3 * kHidden);
    block_.dense = MakeLinear(kHidden, kHidden);
    block_.post_attention_layernorm = MakeNorm();
    block_.dense_h_to_4h = MakeLinear(kHidden, 4 * kHidden);
    block_.dense_4h_to_h = MakeLinear(4 * kHidden, kHidden);
    input_ = Uploaded(RandomValues(kTokens * kHidden, 1, 100), {kTokens, kHidden});
    weights_ = RandomValues(kTokens * kHidden, 1, 101);  // loss = sum of weights * output
  }

  Complex LossOf() {
    const ArenaScope scope(arena_);
    const TensorView h = arena_.Allocate(DType::kC128, {kTokens, kHidden});
    backend_->Copy(input_, h);
    BlockForward(Pass(), block_, 1, h, nullptr);
    const std::vector<Complex> output = Read(h);
    Complex loss = 0;
    for (size_t i = 0; i < output.size(); ++i) loss += weights_[i] * output[i];
    return loss;
  }

  // Fills every gradient buffer and returns the gradient of the loss with respect to the input.
  std::vector<Complex> Backward() {
    const ArenaScope scope(arena_);
    const PassContext pass = Pass();
    const BlockSaved saved = AllocateBlockSaved(pass, kHidden);
    const TensorView h = arena_.Allocate(DType::kC128, {kTokens, kHidden});
    const TensorView dh = arena_.Allocate(DType::kC128, {kTokens, kHidden});
    backend_->Copy(input_, h);
    BlockForward(pass, block_, 1, h, &saved);
    std::vector<Complex> weights(weights_.begin(), weights_.end());
    backend_->Upload(std::as_bytes(std::span(weights)), dh);
    for (const auto& [name, parameter] : trainable_) backend_->Fill(parameter.gradient.fine, 0);
    BlockBackward(pass, block_, 1, saved, dh, /*input_needed=*/true);
    return Read(dh);
  }

  // Returns the derivative of the loss with respect to one element of `tensor`, by complex step.
  double Derivative(const TensorView& tensor, int64_t element) {
    std::vector<Complex> values = Read(tensor);
    const Complex before = values[element];
    values[element] = before + Complex(0, kStep);
    backend_->Upload(std::as_bytes(std::span(values)), tensor);
    const double derivative = LossOf().imag() / kStep;
    values[element] = before;
    backend_->Upload(std::as_bytes(std::span(values)), tensor);
    return derivative;
  }

  std::vector<Complex> Read(const TensorView& x) {
    std::vector<Complex> values(static_cast<size_t>(x.Elements()));
    backend_->Download(x, std::as_writable_bytes(std::span(values)));
    return values;
  }
  const std::vector<std::pair<std::string, Parameter>>& trainable() const { return trainable_; }
  const TensorView& input() const { return input_; }

  static constexpr int64_t kTokens = 8;

 private:
  PassContext Pass() {
    return {.backend = *backend_,
            .arena = arena_,
            .layout = layout_,
            .leaves = {.begin = {0, 3, 8}},
            .adapters = {{.begin = 0, .end = kTokens}},
            .token_keys = keys_,
            .dropout = {.embedding = 0, .attention = case_.dropout, .residual = case_.dropout}};
  }
  TensorView New(DType dtype, Shape shape) {
    buffers_.push_back(backend_->Allocate(static_cast<size_t>(shape.Elements()) * SizeOf(dtype)));
    return {buffers_.back().data(), dtype, shape};
  }
  TensorView Uploaded(const std::vector<double>& values, Shape shape) {
    const TensorView view = New(DType::kC128, shape);
    const std::vector<Complex> complex(values.begin(), values.end());
    backend_->Upload(std::as_bytes(std::span(complex)), view);
    return view;
  }
  Parameter MakeParameter(const std::string& name, int64_t n, double mean, Shape shape,
                          bool trained) {
    std::vector<double> values = RandomValues(n, 0.3, ++seed_);
    for (double& v : values) v += mean;
    Parameter parameter{.value = Uploaded(values, shape), .gradient = {}};
    if (trained) {
      parameter.gradient = NewGradientSum(*backend_, shape, buffers_);
      trainable_.emplace_back(name, parameter);
    }
    return parameter;
  }
  LayerNormLayer MakeNorm() {
    return {.gamma = MakeParameter("gamma", kHidden, 1, {kHidden}, case_.biases),
            .beta = MakeParameter("beta", kHidden, 0, {kHidden}, case_.biases)};
  }
  LinearLayer MakeLinear(int64_t in, int64_t out) {
    const std::vector<double> wide = RandomValues(in * out, 0.3, ++seed_);
    std::vector<float>& values = *weight_values_.emplace_back(
        std::make_unique<std::vector<float>>(wide.begin(), wide.end()));
    LinearLayer layer{
        .name = "linear",
        .weight = backend_->AddWeight({.name = "linear",
                                       .rows = out,
                                       .cols = in,
                                       .codes = reinterpret_cast<const std::byte*>(values.data())}),
        .in = in,
        .out = out,
        .bias = MakeParameter("bias", out, 0, {out}, case_.biases),
        .lora = {}};
    if (case_.lora) {
      layer.lora[0] = {.a = MakeParameter("lora_A", kRank * in, 0, {kRank, in}, true),
                       .b = MakeParameter("lora_B", out * kRank, 0, {out, kRank}, true),
                       .scale = 1.5,
                       .dropout = case_.lora_dropout};
    }
    return layer;
  }

  BlockCase case_;
  std::unique_ptr<Backend> backend_;
  Arena arena_;
  std::vector<Buffer> buffers_;
  std::vector<std::unique_ptr<std::vector<float>>> weight_values_;
  uint64_t seed_ = 0;
  BlockLayer block_;
  std::vector<int32_t> offsets_ = {0, 3, 3, 8};  // an empty text in the middle
  TextLayout layout_;
  TensorView keys_, input_;
  std::vector<double> weights_;
  std::vector<std::pair<std::string, Parameter>> trainable_;
};

class BlockGradient : public testing::TestWithParam<BlockCase> {};

TEST_P(BlockGradient, EveryGradientEqualsTheComplexStep) {
  BlockBench bench(GetParam());
  const std::vector<Complex> dinput = bench.Backward();
  std::vector<std::vector<Complex>> gradients;
  for (const auto& [name, parameter] : bench.trainable())
    gradients.push_back(bench.Read(parameter.gradient.fine));
  const auto compare = [&](const std::string& name, const TensorView& tensor,
                           const std::vector<Complex>& gradient) {
    double largest = 0, difference = 0;
    // about 24 elements spread over each tensor are compared
    const int64_t n = tensor.Elements(), stride = std::max<int64_t>(1, n / 24);
    for (int64_t i = 0; i < n; i += stride) {
      const double expected = bench.Derivative(tensor, i);
      largest = std::max(largest, std::abs(expected));
      difference = std::max(difference, std::abs(gradient[i].real() - expected));
    }
    EXPECT_LT(difference, 1e-10 * std::max(largest, 1e-3)) << name;
  };
  compare("input", bench.input(), dinput);
  for (size_t i = 0; i < gradients.size(); ++i) {
    compare(bench.trainable()[i].first, bench.trainable()[i].second.value, gradients[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, BlockGradient,
                         testing::Values(BlockCase{.name = "lora"},
                                         BlockCase{.name = "biases", .lora = false, .biases = true},
                                         BlockCase{.name = "residual_from_layernorm",
                                                   .biases = true,
                                                   .residual_from_layernorm = true},
                                         BlockCase{
                                             .name = "dropout", .biases = true, .dropout = 0.3},
                                         BlockCase{.name = "lora_dropout", .lora_dropout = 0.4},
                                         BlockCase{.name = "everything",
                                                   .biases = true,
                                                   .residual_from_layernorm = true,
                                                   .dropout = 0.2,
                                                   .lora_dropout = 0.3}),
                         [](const auto& info) { return info.param.name; });

TEST(BlockGradient, TheStepFindsAWrongGradient) {
  // The comparison itself must be able to fail: an error of one part in a million is detected.
  BlockBench bench(BlockCase{.name = "lora"});
  const std::vector<Complex> dinput = bench.Backward();
  const double right = bench.Derivative(bench.input(), 5);
  EXPECT_LT(std::abs(dinput[5].real() - right), 1e-10 * std::abs(right));
  EXPECT_GT(std::abs(dinput[5].real() * (1 + 1e-6) - right), 1e-10 * std::abs(right));
}

}  // namespace
}  // namespace lacos
