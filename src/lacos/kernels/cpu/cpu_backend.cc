// The CPU backend: kernels of our own, most of them written with Highway. This file only connects Backend's ops to the kernels of this folder.
#include <fmt/core.h>

#include <cstring>
#include <deque>
#include <vector>

#include "lacos/base/process.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/attention/attention.h"
#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/dry_cpu_backend.h"
#include "lacos/kernels/cpu/linear/cpu_products.h"
#include "lacos/kernels/cpu/linear/frozen_linear.h"
#include "lacos/kernels/cpu/linear/matmul.h"
#include "lacos/kernels/cpu/memory.h"
#include "lacos/kernels/cpu/rows/elementwise.h"
#include "lacos/kernels/cpu/rows/embedding.h"
#include "lacos/kernels/cpu/rows/layer_norm.h"
#include "lacos/kernels/cpu/rows/losses.h"
#include "lacos/kernels/cpu/rows/pooling.h"
#include "lacos/kernels/cpu/rows/similarity.h"
#include "lacos/kernels/cpu/rows/token_sums.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/make_backend.h"

namespace lacos {
namespace {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(Compute compute) : compute_(compute), linear_(compute, work_) {}

  // --- memory and order
  TypeSet Types() const override {
    const DType activation = compute_ == Compute::kF32 ? DType::kF32 : DType::kBF16;
    return {.activation = activation,
            .residual = DType::kF32,
            .residual_gradient = DType::kF32,
            .gradient = DType::kF32,
            .parameter = DType::kF32,
            .statistic = DType::kF32,
            .gradient_sum = DType::kI64};
  }
  KernelInfo Describe() const override {
    return {.backend = "cpu",
            .facts = {{"isa", fmt::format("oneDNN {}, Highway {}", cpu::OneDnnIsa(),
                                          cpu::HighwayTarget())}},
            .kernels = {linear_.Describe(), "attention, LoRA, normalisation, GELU: Highway, f32"}};
  }
  Buffer Allocate(size_t bytes) override { return cpu::AllocateZeroed(bytes); }
  void Upload(std::span<const std::byte> host, View y) override {
    LACOS_CHECK(host.size() == y.Bytes(), "as many bytes as the tensor has");
    if (!host.empty()) std::memcpy(y.data, host.data(), host.size());
  }
  void Download(View x, std::span<std::byte> host) override {
    LACOS_CHECK(host.size() == x.Bytes(), "as many bytes as the tensor has");
    if (!host.empty()) std::memcpy(host.data(), x.data, host.size());
  }
  void Copy(View x, View y) override { cpu::CopyTensor(x, y); }
  void Fill(View y, double value) override { cpu::FillTensor(y, value); }
  void Synchronize() override {}  // every op has ended when it returns
  std::unique_ptr<DryBackend> MakeDry() override {
    return cpu::MakeDryCpuBackend(Types(), linear_);
  }
  size_t WorkspaceBytes() const override { return work_.Bytes() + linear_.HeldBytes(); }
  BackendMemory Memory() const override {
    const MemoryUse use = ReadMemoryUse();
    return {.total = MachineMemoryBytes(),
            .free = AvailableMemoryBytes(),
            .held = use.rss_bytes,
            .peak_held = use.peak_rss_bytes};
  }
  // Every chunk consists of whole leaves of the sums over tokens, and a leaf has 512 tokens: there
  // are no smaller chunks.
  int64_t SmallestChunkTokens() const override { return 512; }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    return linear_.weights().Add(matrix);
  }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    linear_.weights().Move(weight, matrix);
  }
  // There is nothing to do ahead: the threads that would decode are the same that multiply.
  void PrepareWeight(WeightId, Orientation) override {}
  void AwaitWeightMemory(WeightId) override {}  // every op has ended when it returns
  TableId AddTable(const EmbeddingSource& source) override {
    tables_.push_back(&source);
    return static_cast<TableId>(tables_.size()) - 1;
  }

  // --- products
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    linear_.Forward(x, weight, epilogue, y);
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                      View dx) override {
    linear_.Backward(dy, weight, epilogue, dx);
  }
  void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
              View y) override {
    cpu::MatMul(a, ta, b, tb, alpha, beta, y, work_);
  }
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override {
    cpu::TokenOuter(a, b, leaves, alpha, y, work_);
  }
  void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) override {
    cpu::TokenSum(x, {}, leaves, y);
  }
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) override {
    cpu::TokenSum(a, b, leaves, y);
  }
  void ReadGradient(const GradientSum& sum, View y) override { cpu::ReadGradient(sum, y); }

  // --- block
  void Embed(TableId table, const TokenIds& ids, View y) override {
    LACOS_CHECK(table >= 0 && static_cast<size_t>(table) < tables_.size(),
                "a table that AddTable returned");
    cpu::Embed(*tables_[table], ids.host_ids, y, work_);
  }
  void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) override {
    cpu::LayerNorm(x, gamma, beta, eps, xhat, rstd, y);
  }
  void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                         View dx) override {
    cpu::LayerNormBackward(dy, xhat, rstd, gamma, accumulate, dx);
  }
  void ScaleShift(View xhat, View gamma, View beta, View y) override {
    cpu::ScaleShift(xhat, gamma, beta, y);
  }
  void Gelu(View u, View y) override { cpu::Gelu(u, y); }
  void GeluBackward(View dy, View u, View du) override { cpu::GeluBackward(dy, u, du); }
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                      View y) override {
    cpu::AlibiAttention(qkv, layout, heads, dropout, y, work_);
  }
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View dy, View dqkv) override {
    cpu::AlibiAttentionBackward(qkv, layout, heads, dropout, dy, dqkv, work_);
  }
  void Dropout(View x, const DropoutSpec& dropout, View y) override { cpu::Dropout(x, dropout, y); }
  void Add(View a, View b, View y) override { cpu::Add(a, b, y); }

  // --- pooling and similarity
  void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) override {
    cpu::Pool(x, layout, pooling, argmax, y);
  }
  void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                    View dx) override {
    cpu::PoolBackward(dy, layout, pooling, argmax, dx);
  }
  void L2Normalize(View x, View norm, View y) override { cpu::L2Normalize(x, norm, y); }
  void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) override {
    cpu::L2NormalizeBackward(dy, y, norm, accumulate, dx);
  }
  void CopyColumns(View x, bool accumulate, View y) override { cpu::CopyColumns(x, accumulate, y); }
  void GatherRows(View x, View index, View y) override { cpu::GatherRows(x, index, y); }
  void GatherRowsBackward(View dy, View index, View dx) override {
    cpu::GatherRowsBackward(dy, index, dx);
  }
  void RowDot(View a, View b, View y) override { cpu::RowDot(a, b, y); }
  void RowScale(View x, View scale, bool accumulate, View y) override {
    cpu::RowScale(x, scale, accumulate, y);
  }
  void AbsDifference(View a, View b, View y) override { cpu::AbsDifference(a, b, y); }
  void AbsDifferenceBackward(View dy, View a, View b, View da, View db) override {
    cpu::AbsDifferenceBackward(dy, a, b, da, db);
  }
  void AngleSimilarity(View a, View b, View y) override { cpu::AngleSimilarity(a, b, y); }
  void AngleSimilarityBackward(View dy, View a, View b, View da, View db) override {
    cpu::AngleSimilarityBackward(dy, a, b, da, db);
  }

  // --- losses
  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override {
    cpu::SoftmaxCrossEntropy(scores, mask, targets, loss, dscores);
  }
  void MeanSquaredError(View x, View target, View loss, View dx) override {
    cpu::MeanSquaredError(x, target, loss, dx);
  }
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override {
    cpu::CosentLoss(x, labels, scale, loss, dx);
  }
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override {
    cpu::TripletLoss(a, p, n, margin, loss, da, dp, dn);
  }

  // --- optimizer
  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override {
    cpu::SumSquares(x, out, nonfinite);
  }
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
             View parameter) override {
    cpu::Adam8(step, gradient, state, parameter);
  }
  void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) override {
    cpu::Adam(step, gradient, state, parameter);
  }

 private:
  Compute compute_;
  cpu::Workspace work_;
  cpu::FrozenLinear linear_;
  std::vector<const EmbeddingSource*> tables_;
};

}  // namespace

std::unique_ptr<Backend> MakeCpuBackend(const CpuBackendOptions& options) {
  return std::make_unique<CpuBackend>(options.compute);
}

}  // namespace lacos
