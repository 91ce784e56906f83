// The base class of backends that compute nothing: every op returns at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "lacos/kernels/backend.h"

namespace lacos {

// A derived class only has to define its types, its description and the source of its memory.
class NullBackend : public Backend {
 public:
  void Upload(std::span<const std::byte>, View) override {}
  void Download(View, std::span<std::byte> host) override {
    std::fill(host.begin(), host.end(), std::byte{0});  // the host's memory is always written
  }
  void Copy(View, View) override {}
  void Fill(View, double) override {}
  void Synchronize() override {}
  size_t WorkspaceBytes() const override { return 0; }
  BackendMemory Memory() const override { return {}; }
  int64_t SmallestChunkTokens() const override { return 1; }
  WeightId AddWeight(const QuantizedMatrix&) override { return weights_++; }
  void MoveWeight(WeightId, const QuantizedMatrix&) override {}
  void PrepareWeight(WeightId, Orientation) override {}
  void AwaitWeightMemory(WeightId) override {}
  TableId AddTable(const EmbeddingSource&) override { return 0; }
  void Linear(View, WeightId, const Epilogue&, View) override {}
  void LinearBackward(View, WeightId, const BackwardEpilogue&, View) override {}
  void MatMul(View, Transpose, View, Transpose, double, double, View) override {}
  void TokenOuter(View, View, const TokenLeaves&, double, const GradientSum&) override {}
  void TokenSum(View, const TokenLeaves&, const GradientSum&) override {}
  void TokenDotSum(View, View, const TokenLeaves&, const GradientSum&) override {}
  void ReadGradient(const GradientSum&, View) override {}
  void Embed(TableId, const TokenIds&, View) override {}
  void LayerNorm(View, View, View, double, View, View, View) override {}
  void LayerNormBackward(View, View, View, View, bool, View) override {}
  void ScaleShift(View, View, View, View) override {}
  void Gelu(View, View) override {}
  void GeluBackward(View, View, View) override {}
  void AlibiAttention(View, const TextLayout&, int, const DropoutSpec&, View) override {}
  void AlibiAttentionBackward(View, const TextLayout&, int, const DropoutSpec&, View,
                              View) override {}
  void Dropout(View, const DropoutSpec&, View) override {}
  void Add(View, View, View) override {}
  void Pool(View, const TextLayout&, Pooling, View, View) override {}
  void PoolBackward(View, const TextLayout&, Pooling, View, View) override {}
  void L2Normalize(View, View, View) override {}
  void L2NormalizeBackward(View, View, View, bool, View) override {}
  void CopyColumns(View, bool, View) override {}
  void GatherRows(View, View, View) override {}
  void GatherRowsBackward(View, View, View) override {}
  void RowDot(View, View, View) override {}
  void RowScale(View, View, bool, View) override {}
  void AbsDifference(View, View, View) override {}
  void AbsDifferenceBackward(View, View, View, View, View) override {}
  void AngleSimilarity(View, View, View) override {}
  void AngleSimilarityBackward(View, View, View, View, View) override {}
  void SoftmaxCrossEntropy(View, View, View, View, View) override {}
  void MeanSquaredError(View, View, View, View) override {}
  void CosentLoss(View, View, double, View, View) override {}
  void TripletLoss(View, View, View, double, View, View, View, View) override {}
  void SumSquares(std::span<const TensorView>, View, View) override {}
  void Adam8(const AdamStep&, View, const Adam8State&, View) override {}
  void Adam(const AdamStep&, View, const AdamState&, View) override {}

 private:
  WeightId weights_ = 0;
};

}  // namespace lacos
