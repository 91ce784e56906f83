// The backend that computes every verb in double or complex double with the function templates of this
// folder: slow, simple, and what the other backends and the gradients of the model are tested against.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// S = double or std::complex<double>: the type of every role; weights are decoded to double when they are
// added.
template <class S>
class ReferenceBackend final : public Backend {
 public:
  TypeSet Types() const override;
  KernelInfo Describe() const override;
  Buffer Allocate(size_t bytes) override;
  void Upload(std::span<const std::byte> host, V y) override;
  void Download(V x, std::span<std::byte> host) override;
  void Copy(V x, V y) override;
  void Fill(V y, double value) override;
  void Synchronize() override {}
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(Types()); }
  size_t WorkspaceBytes() const override { return 0; }

  WeightId AddWeight(const QuantizedMatrix& matrix) override;
  void MoveWeight(WeightId, const QuantizedMatrix&) override {}  // values were copied
  void PrepareWeight(WeightId, Orientation) override {}
  TableId AddTable(const EmbeddingSource& source) override;

  void Linear(V x, WeightId weight, const Epilogue& epilogue, V y) override;
  void LinearBackward(V dy, WeightId weight, const BackwardEpilogue& epilogue, V dx) override;
  void MatMul(V a, bool ta, V b, bool tb, double alpha, double beta, V y) override;
  void TokenOuter(V a, V b, const TokenLeaves& leaves, double alpha, V y) override;
  void TokenSum(V x, const TokenLeaves& leaves, V y) override;
  void TokenDotSum(V a, V b, const TokenLeaves& leaves, V y) override;

  void Embed(TableId table, V ids, V y) override;
  void LayerNorm(V x, V gamma, V beta, double eps, V xhat, V rstd, V y) override;
  void LayerNormBackward(V dy, V xhat, V rstd, V gamma, bool accumulate, V dx) override;
  void ScaleShift(V xhat, V gamma, V beta, V y) override;
  void Gelu(V u, V y) override;
  void GeluBackward(V dy, V u, V du) override;
  void AlibiAttention(V qkv, V offsets, int heads, const DropoutSpec& dropout, V y) override;
  void AlibiAttentionBackward(V qkv, V offsets, int heads, const DropoutSpec& dropout, V dy, V dqkv) override;
  void Dropout(V x, const DropoutSpec& dropout, V y) override;
  void Add(V a, V b, V y) override;

  void Pool(V x, V offsets, Pooling pooling, V argmax, V y) override;
  void PoolBackward(V dy, V offsets, Pooling pooling, V argmax, V dx) override;
  void L2Normalize(V x, V norm, V y) override;
  void L2NormalizeBackward(V dy, V y, V norm, bool accumulate, V dx) override;
  void CopyColumns(V x, bool accumulate, V y) override;
  void GatherRows(V x, V index, V y) override;
  void GatherRowsBackward(V dy, V index, V dx) override;
  void RowDot(V a, V b, V y) override;
  void RowScale(V x, V scale, bool accumulate, V y) override;
  void AbsDifference(V a, V b, V y) override;
  void AbsDifferenceBackward(V dy, V a, V b, V da, V db) override;

  void SoftmaxCrossEntropy(V scores, V mask, V targets, V loss, V dscores) override;
  void MeanSquaredError(V x, V target, V loss, V dx) override;
  void CosentLoss(V x, V labels, double scale, V loss, V dx) override;
  void TripletLoss(V a, V p, V n, double margin, V loss, V da, V dp, V dn) override;

  void SumSquares(std::span<const TensorView> x, V out, V nonfinite) override;
  void Adam8(const AdamStep& step, V gradient, const Adam8State& state, V parameter) override;
  void Adam(const AdamStep& step, V gradient, const AdamState& state, V parameter) override;

 private:
  struct Weight {
    int64_t out = 0, in = 0;
    std::vector<double> values;  // [out, in]
  };

  std::deque<Weight> weights_;
  std::vector<const EmbeddingSource*> tables_;
};

}  // namespace lacos::ref
