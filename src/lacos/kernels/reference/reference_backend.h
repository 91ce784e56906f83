// The backend that computes every op in double or complex double with the function templates of
// this folder. It is slow and simple, and it is the reference for tests of the other backends and
// of the model's gradients.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// S is double or std::complex<double>, the type of every role. Weights are decoded to double when
// they are added.
template <class S>
class ReferenceBackend final : public Backend {
 public:
  TypeSet Types() const override;
  KernelInfo Describe() const override;
  Buffer Allocate(size_t bytes) override;
  void Upload(std::span<const std::byte> host, View y) override;
  void Download(View x, std::span<std::byte> host) override;
  void Copy(View x, View y) override;
  void Fill(View y, double value) override;
  void Synchronize() override {}
  std::unique_ptr<DryBackend> MakeDry() override { return std::make_unique<DryBackend>(Types()); }
  size_t WorkspaceBytes() const override { return 0; }
  BackendMemory Memory() const override { return {}; }  // this backend keeps no account
  int64_t SmallestChunkTokens() const override { return 1; }

  WeightId AddWeight(const QuantizedMatrix& matrix) override;
  void MoveWeight(WeightId, const QuantizedMatrix&) override {}  // the values were copied
  void PrepareWeight(WeightId, Orientation) override {}
  void AwaitWeightMemory(WeightId) override {}
  TableId AddTable(const EmbeddingSource& source) override;

  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override;
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx) override;
  void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
              View y) override;
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override;
  void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) override;
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) override;
  void ReadGradient(const GradientSum& sum, View y) override;

  void Embed(TableId table, const TokenIds& ids, View y) override;
  void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) override;
  void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                         View dx) override;
  void ScaleShift(View xhat, View gamma, View beta, View y) override;
  void Gelu(View u, View y) override;
  void GeluBackward(View dy, View u, View du) override;
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                      View y) override;
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View dy, View dqkv) override;
  void Dropout(View x, const DropoutSpec& dropout, View y) override;
  void Add(View a, View b, View y) override;

  void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) override;
  void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                    View dx) override;
  void L2Normalize(View x, View norm, View y) override;
  void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) override;
  void CopyColumns(View x, bool accumulate, View y) override;
  void GatherRows(View x, View index, View y) override;
  void GatherRowsBackward(View dy, View index, View dx) override;
  void RowDot(View a, View b, View y) override;
  void RowScale(View x, View scale, bool accumulate, View y) override;
  void AbsDifference(View a, View b, View y) override;
  void AbsDifferenceBackward(View dy, View a, View b, View da, View db) override;
  void AngleSimilarity(View a, View b, View y) override;
  void AngleSimilarityBackward(View dy, View a, View b, View da, View db) override;

  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override;
  void MeanSquaredError(View x, View target, View loss, View dx) override;
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override;
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override;

  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override;
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state, View parameter) override;
  void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) override;

 private:
  struct Weight {
    int64_t out = 0, in = 0;
    std::vector<double> values;  // [out, in]
  };

  std::deque<Weight> weights_;
  std::vector<const EmbeddingSource*> tables_;
};

}  // namespace lacos::ref
