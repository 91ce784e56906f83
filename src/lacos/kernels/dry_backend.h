// A backend that computes nothing, so that the model's own code can be asked how much memory it would take.
#pragma once

#include <algorithm>
#include <memory>

#include "lacos/kernels/backend.h"

namespace lacos {

// Verbs return at once. Backends derive their MakeDry() from it and add up in it what their verbs would hold.
class DryBackend : public Backend {
 public:
  explicit DryBackend(const TypeSet& types) : types_(types) {}

  TypeSet Types() const override { return types_; }
  KernelInfo Describe() const override { return {.backend = "dry", .isa = "none", .kernels = {}}; }
  // Address space without access rights: costs no memory, and a read would crash instead of giving zeros.
  Buffer Allocate(size_t bytes) override;
  void Upload(std::span<const std::byte>, V) override {}
  void Download(V, std::span<std::byte> host) override { std::fill(host.begin(), host.end(), std::byte{0}); }
  void Copy(V, V) override {}
  void Fill(V, double) override {}
  void Synchronize() override {}
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(types_); }
  // WorkspaceBytes counts from here.
  virtual void ForgetWorkspace() {}
  size_t WorkspaceBytes() const override { return 0; }
  WeightId AddWeight(const QuantizedMatrix&) override { return weights_++; }
  void MoveWeight(WeightId, const QuantizedMatrix&) override {}
  void PrepareWeight(WeightId, Orientation) override {}
  TableId AddTable(const EmbeddingSource&) override { return 0; }
  void Linear(V, WeightId, const Epilogue&, V) override {}
  void LinearBackward(V, WeightId, const BackwardEpilogue&, V) override {}
  void MatMul(V, bool, V, bool, double, double, V) override {}
  void TokenOuter(V, V, const TokenLeaves&, double, V) override {}
  void TokenSum(V, const TokenLeaves&, V) override {}
  void TokenDotSum(V, V, const TokenLeaves&, V) override {}
  void Embed(TableId, V, V) override {}
  void LayerNorm(V, V, V, double, V, V, V) override {}
  void LayerNormBackward(V, V, V, V, bool, V) override {}
  void ScaleShift(V, V, V, V) override {}
  void Gelu(V, V) override {}
  void GeluBackward(V, V, V) override {}
  void AlibiAttention(V, V, int, const DropoutSpec&, V) override {}
  void AlibiAttentionBackward(V, V, int, const DropoutSpec&, V, V) override {}
  void Dropout(V, const DropoutSpec&, V) override {}
  void Add(V, V, V) override {}
  void Pool(V, V, Pooling, V, V) override {}
  void PoolBackward(V, V, Pooling, V, V) override {}
  void L2Normalize(V, V, V) override {}
  void L2NormalizeBackward(V, V, V, bool, V) override {}
  void CopyColumns(V, bool, V) override {}
  void GatherRows(V, V, V) override {}
  void GatherRowsBackward(V, V, V) override {}
  void RowDot(V, V, V) override {}
  void RowScale(V, V, bool, V) override {}
  void AbsDifference(V, V, V) override {}
  void AbsDifferenceBackward(V, V, V, V, V) override {}
  void SoftmaxCrossEntropy(V, V, V, V, V) override {}
  void MeanSquaredError(V, V, V, V) override {}
  void CosentLoss(V, V, double, V, V) override {}
  void TripletLoss(V, V, V, double, V, V, V, V) override {}
  void SumSquares(std::span<const TensorView>, V, V) override {}
  void Adam8(const AdamStep&, V, const Adam8State&, V) override {}
  void Adam(const AdamStep&, V, const AdamState&, V) override {}

 private:
  TypeSet types_;
  WeightId weights_ = 0;
};

}  // namespace lacos
