// The CUDA backend. This file only connects Backend's ops to the kernels of this folder.
#include "lacos/kernels/cuda/cuda_backend.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/frozen_linear.h"
#include "lacos/kernels/cuda/linear/matmul.h"
#include "lacos/kernels/cuda/linear/token_sums.h"
#include "lacos/kernels/cuda/rows/layer_norm.h"
#include "lacos/kernels/dry_backend.h"

namespace lacos::cuda {
namespace {

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::shared_ptr<Runtime> runtime, const CudaBackendOptions& options)
      : compute_(options.compute),
        context_(std::move(runtime), options.index),
        linear_(options.compute, context_) {}

  // --- memory and order
  TypeSet Types() const override {
    const DType half = compute_ == Compute::kF32 ? DType::kF32 : DType::kBF16;
    return {.activation = half,
            .residual = DType::kF32,
            .residual_gradient = DType::kF32,
            .gradient = half,
            .parameter = DType::kF32,
            .statistic = DType::kF32,
            .gradient_sum = DType::kI64};
  }
  KernelInfo Describe() const override {
    const DeviceFacts& facts = context_.facts();
    return {.backend = "cuda",
            .facts = {{"card", facts.name}, {"sm", fmt::format("{}.{}", facts.major, facts.minor)}},
            .kernels = {linear_.Describe()}};
  }
  Buffer Allocate(size_t bytes) override {
    context_.BeginOp("Allocate");
    return context_.Allocate(bytes);
  }
  void Upload(std::span<const std::byte> host, View y) override {
    LACOS_CHECK(host.size() == y.Bytes(), "as many bytes as the tensor has");
    context_.BeginOp("Upload");
    context_.Upload(host, y.data);
  }
  void Download(View x, std::span<std::byte> host) override {
    LACOS_CHECK(host.size() == x.Bytes(), "as many bytes as the tensor has");
    context_.BeginOp("Download");
    context_.Download(x.data, host);
  }
  void Copy(View, View) override { Missing(); }
  void Fill(View, double) override { Missing(); }
  void Synchronize() override { context_.Synchronize(); }
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(Types()); }
  size_t WorkspaceBytes() const override { return context_.HeldBytes(); }
  BackendMemory Memory() const override { return {}; }
  int64_t SmallestChunkTokens() const override { return 2048; }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    return linear_.weights().Add(matrix);
  }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    linear_.weights().Move(weight, matrix);
  }
  void PrepareWeight(WeightId weight, Orientation) override {
    Run("PrepareWeight", [&] { linear_.weights().Prepare(weight); });
  }
  // An upload has read the host's memory when it returns.
  void AwaitWeightMemory(WeightId) override {}
  TableId AddTable(const EmbeddingSource&) override { return Missing(); }

  // --- products
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    Run("Linear", [&] { linear_.Forward(x, weight, epilogue, y); });
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                      View dx) override {
    Run("LinearBackward", [&] { linear_.Backward(dy, weight, epilogue, dx); });
  }
  void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
              View y) override {
    Run("MatMul", [&] { cuda::MatMul(context_, a, ta, b, tb, alpha, beta, y); });
  }
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override {
    Run("TokenOuter", [&] { cuda::TokenOuter(context_, a, b, leaves, alpha, y); });
  }
  void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) override {
    Run("TokenSum", [&] { cuda::TokenSum(context_, x, {}, leaves, y); });
  }
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) override {
    Run("TokenDotSum", [&] { cuda::TokenSum(context_, a, b, leaves, y); });
  }
  void ReadGradient(const GradientSum& sum, View y) override {
    Run("ReadGradient", [&] { cuda::ReadGradient(context_, sum, y); });
  }

  // --- block
  void Embed(TableId, const TokenIds&, View) override { Missing(); }
  void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) override {
    Run("LayerNorm", [&] { cuda::LayerNorm(context_, x, gamma, beta, eps, xhat, rstd, y); });
  }
  void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                         View dx) override {
    Run("LayerNormBackward",
        [&] { cuda::LayerNormBackward(context_, dy, xhat, rstd, gamma, accumulate, dx); });
  }
  void ScaleShift(View xhat, View gamma, View beta, View y) override {
    Run("ScaleShift", [&] { cuda::ScaleShift(context_, xhat, gamma, beta, y); });
  }
  void Gelu(View, View) override { Missing(); }
  void GeluBackward(View, View, View) override { Missing(); }
  void AlibiAttention(View, const TextLayout&, int, const DropoutSpec&, View) override {
    Missing();
  }
  void AlibiAttentionBackward(View, const TextLayout&, int, const DropoutSpec&, View,
                              View) override {
    Missing();
  }
  void Dropout(View, const DropoutSpec&, View) override { Missing(); }
  void Add(View, View, View) override { Missing(); }

  // --- pooling and similarity
  void Pool(View, const TextLayout&, Pooling, View, View) override { Missing(); }
  void PoolBackward(View, const TextLayout&, Pooling, View, View) override { Missing(); }
  void L2Normalize(View, View, View) override { Missing(); }
  void L2NormalizeBackward(View, View, View, bool, View) override { Missing(); }
  void CopyColumns(View, bool, View) override { Missing(); }
  void GatherRows(View, View, View) override { Missing(); }
  void GatherRowsBackward(View, View, View) override { Missing(); }
  void RowDot(View, View, View) override { Missing(); }
  void RowScale(View, View, bool, View) override { Missing(); }
  void AbsDifference(View, View, View) override { Missing(); }
  void AbsDifferenceBackward(View, View, View, View, View) override { Missing(); }
  void AngleSimilarity(View, View, View) override { Missing(); }
  void AngleSimilarityBackward(View, View, View, View, View) override { Missing(); }

  // --- losses
  void SoftmaxCrossEntropy(View, View, View, View, View) override { Missing(); }
  void MeanSquaredError(View, View, View, View) override { Missing(); }
  void CosentLoss(View, View, double, View, View) override { Missing(); }
  void TripletLoss(View, View, View, double, View, View, View, View) override { Missing(); }

  // --- optimizer
  void SumSquares(std::span<const TensorView>, View, View) override { Missing(); }
  void Adam8(const AdamStep&, View, const Adam8State&, View) override { Missing(); }
  void Adam(const AdamStep&, View, const AdamState&, View) override { Missing(); }

 private:
  template <class F>
  void Run(const char* op, F&& f) {
    context_.BeginOp(op);
    f();
    context_.EndOp();
  }
  // No released program makes this backend before all of its ops exist.
  int Missing() {
    LACOS_CHECK(false, "this op of the CUDA backend is being written");
    return 0;
  }

  Compute compute_;
  mutable Context context_;
  FrozenLinear linear_;
};

}  // namespace

std::unique_ptr<Backend> MakeCudaBackendOn(std::shared_ptr<Runtime> runtime,
                                           const CudaBackendOptions& options) {
  return std::make_unique<CudaBackend>(std::move(runtime), options);
}

}  // namespace lacos::cuda
