// The CUDA backend. This file only connects Backend's ops to the kernels of this folder.
#include "lacos/kernels/cuda/cuda_backend.h"

#include <fmt/core.h>

#include <deque>
#include <memory>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/kernels/cuda/attention/attention.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/dry_cuda_backend.h"
#include "lacos/kernels/cuda/linear/frozen_linear.h"
#include "lacos/kernels/cuda/linear/matmul.h"
#include "lacos/kernels/cuda/linear/token_sums.h"
#include "lacos/kernels/cuda/rows/elementwise.h"
#include "lacos/kernels/cuda/rows/embedding.h"
#include "lacos/kernels/cuda/rows/layer_norm.h"
#include "lacos/kernels/cuda/rows/losses.h"
#include "lacos/kernels/cuda/rows/optimizer.h"
#include "lacos/kernels/cuda/rows/pooling.h"
#include "lacos/kernels/cuda/rows/similarity.h"

namespace lacos::cuda {
namespace {

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::unique_ptr<Context> context, Compute compute)
      : compute_(compute),
        owned_(std::move(context)),
        context_(*owned_),
        linear_(compute, context_),
        attention_(context_) {}

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
    const DeviceFacts& device = context_.facts();
    KernelInfo info{
        .backend = "cuda",
        .facts = {{"card", device.name},
                  {"sm", fmt::format("{}.{}", device.major, device.minor)},
                  {"driver", VersionText(context_.driver_version())},
                  {"cuda_runtime", VersionText(context_.runtime_version())}},
        .kernels = {linear_.Describe(), "attention, LoRA, normalisation, GELU: own kernels"}};
    for (KernelInfo::Fact& fact : linear_.Facts()) info.facts.push_back(std::move(fact));
    return info;
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
  void Copy(View x, View y) override {
    Run("Copy", [&] { CopyTensor(context_, x, y); });
  }
  void Fill(View y, double value) override {
    Run("Fill", [&] { FillTensor(context_, y, value); });
  }
  void Synchronize() override { context_.Synchronize(); }
  std::unique_ptr<DryBackend> MakeDry() override {
    auto inner = std::make_unique<CudaBackend>(Context::MakeDry(context_), compute_);
    Context& dry = inner->context_;
    return std::make_unique<DryCudaBackend>(std::move(inner), [&dry] { dry.ForgetScratch(); });
  }
  size_t WorkspaceBytes() const override {
    size_t bytes = context_.HeldBytes() + codes_.Bytes();
    for (const EmbeddingCache& table : tables_) bytes += table.Bytes();
    return bytes;
  }
  size_t WeightBytes() const override { return linear_.weights().Bytes(); }
  void LimitWeights(size_t bytes) override {
    context_.BeginOp("LimitWeights");
    linear_.weights().Limit(bytes);
  }
  size_t LeastWeightBytes() const override { return linear_.weights().LeastBytes(); }
  BackendMemory Memory() const override { return context_.Memory(); }
  int64_t SmallestChunkTokens() const override { return 2048; }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    WeightId weight = 0;
    Run("AddWeight", [&] { weight = linear_.AddWeight(matrix); });
    return weight;
  }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    linear_.weights().Move(weight, matrix);
  }
  void PrepareWeight(WeightId weight, Orientation) override {
    Run("PrepareWeight", [&] { linear_.weights().Prepare(weight); });
  }
  // An upload has read the host's memory when it returns.
  void AwaitWeightMemory(WeightId) override {}
  TableId AddTable(const EmbeddingSource& source) override {
    tables_.emplace_back(source);
    return static_cast<TableId>(tables_.size()) - 1;
  }

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
  void Embed(TableId table, const TokenIds& ids, View y) override {
    LACOS_CHECK(table >= 0 && static_cast<size_t>(table) < tables_.size(),
                "a table that AddTable returned");
    Run("Embed", [&] { tables_[table].Embed(context_, ids.host_ids, y); });
  }
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
  void Gelu(View u, View y) override {
    Run("Gelu", [&] { cuda::Gelu(context_, u, y); });
  }
  void GeluBackward(View dy, View u, View du) override {
    Run("GeluBackward", [&] { cuda::GeluBackward(context_, dy, u, du); });
  }
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                      View y) override {
    Run("AlibiAttention", [&] { attention_.Forward(qkv, layout, heads, dropout, y); });
  }
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View dy, View dqkv) override {
    Run("AlibiAttentionBackward",
        [&] { attention_.Backward(qkv, layout, heads, dropout, dy, dqkv); });
  }
  void Dropout(View x, const DropoutSpec& dropout, View y) override {
    Run("Dropout", [&] { cuda::Dropout(context_, x, dropout, y); });
  }
  void Add(View a, View b, View y) override {
    Run("Add", [&] { cuda::Add(context_, a, b, y); });
  }

  // --- pooling and similarity
  void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) override {
    Run("Pool", [&] { cuda::Pool(context_, x, layout, pooling, argmax, y); });
  }
  void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                    View dx) override {
    Run("PoolBackward", [&] { cuda::PoolBackward(context_, dy, layout, pooling, argmax, dx); });
  }
  void L2Normalize(View x, View norm, View y) override {
    Run("L2Normalize", [&] { cuda::L2Normalize(context_, x, norm, y); });
  }
  void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) override {
    Run("L2NormalizeBackward",
        [&] { cuda::L2NormalizeBackward(context_, dy, y, norm, accumulate, dx); });
  }
  void CopyColumns(View x, bool accumulate, View y) override {
    Run("CopyColumns", [&] { cuda::CopyColumns(context_, x, accumulate, y); });
  }
  void GatherRows(View x, View index, View y) override {
    Run("GatherRows", [&] { cuda::GatherRows(context_, x, index, y); });
  }
  void GatherRowsBackward(View dy, View index, View dx) override {
    Run("GatherRowsBackward", [&] { cuda::GatherRowsBackward(context_, dy, index, dx); });
  }
  void RowDot(View a, View b, View y) override {
    Run("RowDot", [&] { cuda::RowDot(context_, a, b, y); });
  }
  void RowScale(View x, View scale, bool accumulate, View y) override {
    Run("RowScale", [&] { cuda::RowScale(context_, x, scale, accumulate, y); });
  }
  void AbsDifference(View a, View b, View y) override {
    Run("AbsDifference", [&] { cuda::AbsDifference(context_, a, b, y); });
  }
  void AbsDifferenceBackward(View dy, View a, View b, View da, View db) override {
    Run("AbsDifferenceBackward", [&] { cuda::AbsDifferenceBackward(context_, dy, a, b, da, db); });
  }
  void AngleSimilarity(View a, View b, View y) override {
    Run("AngleSimilarity", [&] { cuda::AngleSimilarity(context_, a, b, y); });
  }
  void AngleSimilarityBackward(View dy, View a, View b, View da, View db) override {
    Run("AngleSimilarityBackward",
        [&] { cuda::AngleSimilarityBackward(context_, dy, a, b, da, db); });
  }

  // --- losses
  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override {
    Run("SoftmaxCrossEntropy",
        [&] { cuda::SoftmaxCrossEntropy(context_, scores, mask, targets, loss, dscores); });
  }
  void MeanSquaredError(View x, View target, View loss, View dx) override {
    Run("MeanSquaredError", [&] { cuda::MeanSquaredError(context_, x, target, loss, dx); });
  }
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override {
    Run("CosentLoss", [&] { cuda::CosentLoss(context_, x, labels, scale, loss, dx); });
  }
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override {
    Run("TripletLoss", [&] { cuda::TripletLoss(context_, a, p, n, margin, loss, da, dp, dn); });
  }

  // --- optimizer
  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override {
    Run("SumSquares", [&] { cuda::SumSquares(context_, x, out, nonfinite); });
  }
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
             View parameter) override {
    Run("Adam8", [&] { cuda::Adam8(context_, codes_, step, gradient, state, parameter); });
  }
  void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) override {
    Run("Adam", [&] { cuda::Adam(context_, step, gradient, state, parameter); });
  }

 private:
  template <class F>
  void Run(const char* op, F&& f) {
    context_.BeginOp(op);
    f();
    context_.EndOp();
  }
  Compute compute_;
  std::unique_ptr<Context> owned_;
  Context& context_;
  FrozenLinear linear_;
  Attention attention_;
  std::deque<EmbeddingCache> tables_;
  CodeTables codes_;
};

}  // namespace

std::unique_ptr<Backend> MakeCudaBackendOn(std::shared_ptr<Runtime> runtime,
                                           const CudaBackendOptions& options) {
  return std::make_unique<CudaBackend>(
      std::make_unique<Context>(std::move(runtime), options.index, options.check_each_op),
      options.compute);
}

}  // namespace lacos::cuda
