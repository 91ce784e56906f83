// The dry copy of the CUDA backend: it computes nothing and adds up the scratch that ops need.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "lacos/kernels/dry_backend.h"

namespace lacos::cuda {

// Passes the ops that take scratch or device memory of the backend on to `inner`, a CUDA backend on a
// dry context, whose own code asks for the memory.
class DryCudaBackend final : public DryBackend {
 public:
  DryCudaBackend(std::unique_ptr<Backend> inner, std::function<void()> forget)
      : DryBackend(inner->Types()), inner_(std::move(inner)), forget_(std::move(forget)) {}

  Buffer Allocate(size_t bytes) override { return inner_->Allocate(bytes); }
  std::unique_ptr<DryBackend> MakeDry() override { return inner_->MakeDry(); }
  size_t WorkspaceBytes() const override { return inner_->WorkspaceBytes(); }
  size_t WeightBytes() const override { return inner_->WeightBytes(); }
  void LimitWeights(size_t bytes) override { inner_->LimitWeights(bytes); }
  size_t LeastWeightBytes() const override { return inner_->LeastWeightBytes(); }
  void ForgetWorkspace() override { forget_(); }

  WeightId AddWeight(const QuantizedMatrix& matrix) override { return inner_->AddWeight(matrix); }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    inner_->MoveWeight(weight, matrix);
  }
  void PrepareWeight(WeightId weight, Orientation orientation) override {
    inner_->PrepareWeight(weight, orientation);
  }
  TableId AddTable(const EmbeddingSource& source) override { return inner_->AddTable(source); }
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    inner_->Linear(x, weight, epilogue, y);
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                      View dx) override {
    inner_->LinearBackward(dy, weight, epilogue, dx);
  }
  void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
              View y) override {
    inner_->MatMul(a, ta, b, tb, alpha, beta, y);
  }
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override {
    inner_->TokenOuter(a, b, leaves, alpha, y);
  }
  void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) override {
    inner_->TokenSum(x, leaves, y);
  }
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) override {
    inner_->TokenDotSum(a, b, leaves, y);
  }
  void Embed(TableId table, const TokenIds& ids, View y) override { inner_->Embed(table, ids, y); }
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                      View y) override {
    inner_->AlibiAttention(qkv, layout, heads, dropout, y);
  }
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View dy, View dqkv) override {
    inner_->AlibiAttentionBackward(qkv, layout, heads, dropout, dy, dqkv);
  }
  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override {
    inner_->SoftmaxCrossEntropy(scores, mask, targets, loss, dscores);
  }
  void MeanSquaredError(View x, View target, View loss, View dx) override {
    inner_->MeanSquaredError(x, target, loss, dx);
  }
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override {
    inner_->CosentLoss(x, labels, scale, loss, dx);
  }
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override {
    inner_->TripletLoss(a, p, n, margin, loss, da, dp, dn);
  }
  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override {
    inner_->SumSquares(x, out, nonfinite);
  }
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
             View parameter) override {
    inner_->Adam8(step, gradient, state, parameter);
  }

 private:
  std::unique_ptr<Backend> inner_;
  std::function<void()> forget_;
};

}  // namespace lacos::cuda
