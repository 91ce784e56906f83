// The CPU backend: oneDNN for products with frozen weights, Highway for everything else. This file only
// connects Backend's verbs to the kernels of this folder.
#include <fmt/core.h>

#include <cstring>
#include <deque>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/attention.h"
#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/dry_cpu_backend.h"
#include "lacos/kernels/cpu/elementwise.h"
#include "lacos/kernels/cpu/embedding.h"
#include "lacos/kernels/cpu/frozen_linear.h"
#include "lacos/kernels/cpu/layer_norm.h"
#include "lacos/kernels/cpu/losses.h"
#include "lacos/kernels/cpu/matmul.h"
#include "lacos/kernels/cpu/memory.h"
#include "lacos/kernels/cpu/pooling.h"
#include "lacos/kernels/cpu/similarity.h"
#include "lacos/kernels/cpu/token_sums.h"
#include "lacos/kernels/dry_backend.h"

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
            .gradient = DType::kF32,
            .parameter = DType::kF32,
            .statistic = DType::kF32};
  }
  KernelInfo Describe() const override {
    return {.backend = "cpu",
            .isa = fmt::format("oneDNN {}, Highway {}", cpu::OneDnnIsa(), cpu::HighwayTarget()),
            .kernels = {linear_.Describe(), "attention, LoRA, normalisation, GELU: Highway, f32"}};
  }
  Buffer Allocate(size_t bytes) override { return cpu::AllocateZeroed(bytes); }
  void Upload(std::span<const std::byte> host, V y) override {
    LACOS_CHECK(host.size() == y.Bytes(), "as many bytes as the tensor has");
    if (!host.empty()) std::memcpy(y.data, host.data(), host.size());
  }
  void Download(V x, std::span<std::byte> host) override {
    LACOS_CHECK(host.size() == x.Bytes(), "as many bytes as the tensor has");
    if (!host.empty()) std::memcpy(host.data(), x.data, host.size());
  }
  void Copy(V x, V y) override { cpu::CopyTensor(x, y); }
  void Fill(V y, double value) override { cpu::FillTensor(y, value); }
  void Synchronize() override {}  // verbs have ended when they return
  std::unique_ptr<DryBackend> MakeDry() override { return cpu::MakeDryCpuBackend(Types(), linear_); }
  size_t WorkspaceBytes() const override { return work_.Bytes() + linear_.HeldBytes(); }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override { return linear_.weights().Add(matrix); }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    linear_.weights().Move(weight, matrix);
  }
  // Nothing to run ahead with: the threads that would decode are those that multiply.
  void PrepareWeight(WeightId, Orientation) override {}
  TableId AddTable(const EmbeddingSource& source) override {
    tables_.push_back(&source);
    return static_cast<TableId>(tables_.size()) - 1;
  }

  // --- products
  void Linear(V x, WeightId weight, const Epilogue& epilogue, V y) override {
    linear_.Forward(x, weight, epilogue, y);
  }
  void LinearBackward(V dy, WeightId weight, const BackwardEpilogue& epilogue, V dx) override {
    linear_.Backward(dy, weight, epilogue, dx);
  }
  void MatMul(V a, bool ta, V b, bool tb, double alpha, double beta, V y) override {
    cpu::MatMul(a, ta, b, tb, alpha, beta, y, work_);
  }
  void TokenOuter(V a, V b, const TokenLeaves& leaves, double alpha, V y) override {
    cpu::TokenOuter(a, b, leaves, alpha, y, work_);
  }
  void TokenSum(V x, const TokenLeaves& leaves, V y) override { cpu::TokenSum(x, {}, leaves, y); }
  void TokenDotSum(V a, V b, const TokenLeaves& leaves, V y) override { cpu::TokenSum(a, b, leaves, y); }

  // --- block
  void Embed(TableId table, V ids, V y) override {
    LACOS_CHECK(table >= 0 && static_cast<size_t>(table) < tables_.size(), "a table that AddTable returned");
    cpu::Embed(*tables_[table], ids, y, work_);
  }
  void LayerNorm(V x, V gamma, V beta, double eps, V xhat, V rstd, V y) override {
    cpu::LayerNorm(x, gamma, beta, eps, xhat, rstd, y);
  }
  void LayerNormBackward(V dy, V xhat, V rstd, V gamma, bool accumulate, V dx) override {
    cpu::LayerNormBackward(dy, xhat, rstd, gamma, accumulate, dx);
  }
  void ScaleShift(V xhat, V gamma, V beta, V y) override { cpu::ScaleShift(xhat, gamma, beta, y); }
  void Gelu(V u, V y) override { cpu::Gelu(u, y); }
  void GeluBackward(V dy, V u, V du) override { cpu::GeluBackward(dy, u, du); }
  void AlibiAttention(V qkv, V offsets, int heads, const DropoutSpec& dropout, V y) override {
    cpu::AlibiAttention(qkv, offsets, heads, dropout, y, work_);
  }
  void AlibiAttentionBackward(V qkv, V offsets, int heads, const DropoutSpec& dropout, V dy,
                              V dqkv) override {
    cpu::AlibiAttentionBackward(qkv, offsets, heads, dropout, dy, dqkv, work_);
  }
  void Dropout(V x, const DropoutSpec& dropout, V y) override { cpu::Dropout(x, dropout, y); }
  void Add(V a, V b, V y) override { cpu::Add(a, b, y); }

  // --- pooling and similarity
  void Pool(V x, V offsets, Pooling pooling, V argmax, V y) override {
    cpu::Pool(x, offsets, pooling, argmax, y);
  }
  void PoolBackward(V dy, V offsets, Pooling pooling, V argmax, V dx) override {
    cpu::PoolBackward(dy, offsets, pooling, argmax, dx);
  }
  void L2Normalize(V x, V norm, V y) override { cpu::L2Normalize(x, norm, y); }
  void L2NormalizeBackward(V dy, V y, V norm, bool accumulate, V dx) override {
    cpu::L2NormalizeBackward(dy, y, norm, accumulate, dx);
  }
  void CopyColumns(V x, bool accumulate, V y) override { cpu::CopyColumns(x, accumulate, y); }
  void GatherRows(V x, V index, V y) override { cpu::GatherRows(x, index, y); }
  void GatherRowsBackward(V dy, V index, V dx) override { cpu::GatherRowsBackward(dy, index, dx); }
  void RowDot(V a, V b, V y) override { cpu::RowDot(a, b, y); }
  void RowScale(V x, V scale, bool accumulate, V y) override { cpu::RowScale(x, scale, accumulate, y); }
  void AbsDifference(V a, V b, V y) override { cpu::AbsDifference(a, b, y); }
  void AbsDifferenceBackward(V dy, V a, V b, V da, V db) override {
    cpu::AbsDifferenceBackward(dy, a, b, da, db);
  }

  // --- losses
  void SoftmaxCrossEntropy(V scores, V mask, V targets, V loss, V dscores) override {
    cpu::SoftmaxCrossEntropy(scores, mask, targets, loss, dscores);
  }
  void MeanSquaredError(V x, V target, V loss, V dx) override { cpu::MeanSquaredError(x, target, loss, dx); }
  void CosentLoss(V x, V labels, double scale, V loss, V dx) override {
    cpu::CosentLoss(x, labels, scale, loss, dx);
  }
  void TripletLoss(V a, V p, V n, double margin, V loss, V da, V dp, V dn) override {
    cpu::TripletLoss(a, p, n, margin, loss, da, dp, dn);
  }

  // --- optimizer
  void SumSquares(std::span<const TensorView> x, V out, V nonfinite) override {
    cpu::SumSquares(x, out, nonfinite);
  }
  void Adam8(const AdamStep& step, V gradient, const Adam8State& state, V parameter) override {
    cpu::Adam8(step, gradient, state, parameter);
  }
  void Adam(const AdamStep& step, V gradient, const AdamState& state, V parameter) override {
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
