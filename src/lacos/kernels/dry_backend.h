// A backend that computes nothing, so that the model's own code can be asked how much memory it
// would take.
#pragma once

#include <algorithm>
#include <memory>

#include "lacos/kernels/backend.h"

namespace lacos {

// Ops return at once. Backends derive their MakeDry() from it and add up in it what their ops would
// hold.
class DryBackend : public Backend {
 public:
  explicit DryBackend(const TypeSet& types) : types_(types) {}

  TypeSet Types() const override { return types_; }
  KernelInfo Describe() const override { return {.backend = "dry", .isa = "none", .kernels = {}}; }
  // Address space without access rights: costs no memory, and a read would crash instead of giving
  // zeros.
  Buffer Allocate(size_t bytes) override;
  void Upload(std::span<const std::byte>, View) override {}
  void Download(View, std::span<std::byte> host) override {
    std::fill(host.begin(), host.end(), std::byte{0});
  }
  void Copy(View, View) override {}
  void Fill(View, double) override {}
  void Synchronize() override {}
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(types_); }
  // WorkspaceBytes counts from here.
  virtual void ForgetWorkspace() {}
  size_t WorkspaceBytes() const override { return 0; }
  WeightId AddWeight(const QuantizedMatrix&) override { return weights_++; }
  void MoveWeight(WeightId, const QuantizedMatrix&) override {}
  void PrepareWeight(WeightId, Orientation) override {}
  TableId AddTable(const EmbeddingSource&) override { return 0; }
  void Linear(View, WeightId, const Epilogue&, View) override {}
  void LinearBackward(View, WeightId, const BackwardEpilogue&, View) override {}
  void MatMul(View, bool, View, bool, double, double, View) override {}
  void TokenOuter(View, View, const TokenLeaves&, double, View) override {}
  void TokenSum(View, const TokenLeaves&, View) override {}
  void TokenDotSum(View, View, const TokenLeaves&, View) override {}
  void Embed(TableId, View, View) override {}
  void LayerNorm(View, View, View, double, View, View, View) override {}
  void LayerNormBackward(View, View, View, View, bool, View) override {}
  void ScaleShift(View, View, View, View) override {}
  void Gelu(View, View) override {}
  void GeluBackward(View, View, View) override {}
  void AlibiAttention(View, View, int, const DropoutSpec&, View) override {}
  void AlibiAttentionBackward(View, View, int, const DropoutSpec&, View, View) override {}
  void Dropout(View, const DropoutSpec&, View) override {}
  void Add(View, View, View) override {}
  void Pool(View, View, Pooling, View, View) override {}
  void PoolBackward(View, View, Pooling, View, View) override {}
  void L2Normalize(View, View, View) override {}
  void L2NormalizeBackward(View, View, View, bool, View) override {}
  void CopyColumns(View, bool, View) override {}
  void GatherRows(View, View, View) override {}
  void GatherRowsBackward(View, View, View) override {}
  void RowDot(View, View, View) override {}
  void RowScale(View, View, bool, View) override {}
  void AbsDifference(View, View, View) override {}
  void AbsDifferenceBackward(View, View, View, View, View) override {}
  void SoftmaxCrossEntropy(View, View, View, View, View) override {}
  void MeanSquaredError(View, View, View, View) override {}
  void CosentLoss(View, View, double, View, View) override {}
  void TripletLoss(View, View, View, double, View, View, View, View) override {}
  void SumSquares(std::span<const TensorView>, View, View) override {}
  void Adam8(const AdamStep&, View, const Adam8State&, View) override {}
  void Adam(const AdamStep&, View, const AdamState&, View) override {}

 private:
  TypeSet types_;
  WeightId weights_ = 0;
};

}  // namespace lacos
