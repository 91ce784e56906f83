// The base class of backends that add something to another backend, such as timing. It forwards
// every op and tells the derived class about each call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/step_part.h"

namespace lacos {

// The product with a frozen weight that a call computes, if it computes one.
struct ProductCall {
  WeightId weight = -1;  // -1: the call is no such product
  Orientation orientation = Orientation::kForward;
  int64_t rows = 0;
};

// One call of an op.
struct OpCall {
  StepPart part = StepPart::kMemory;
  std::string_view op;  // "LayerNorm"
  int64_t bytes = 0;    // bytes of the tensors in the call, each counted once
  ProductCall product;
};

// Every op gives the results of the inner backend. A derived class overrides Before and After, and
// single ops only if it has to see their arguments.
class ForwardingBackend : public Backend {
 public:
  explicit ForwardingBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  // --- memory and order
  TypeSet Types() const override { return inner_->Types(); }
  KernelInfo Describe() const override { return inner_->Describe(); }
  Buffer Allocate(size_t bytes) override {
    Buffer buffer;
    Run({StepPart::kMemory, "Allocate", static_cast<int64_t>(bytes)},
        [&] { buffer = inner_->Allocate(bytes); });
    return buffer;
  }
  void Upload(std::span<const std::byte> host, View y) override {
    Run({StepPart::kMemory, "Upload", Bytes(y)}, [&] { inner_->Upload(host, y); });
  }
  void Download(View x, std::span<std::byte> host) override {
    Run({StepPart::kMemory, "Download", Bytes(x)}, [&] { inner_->Download(x, host); });
  }
  void Copy(View x, View y) override {
    Run({StepPart::kMemory, "Copy", Bytes(x, y)}, [&] { inner_->Copy(x, y); });
  }
  void Fill(View y, double value) override {
    Run({StepPart::kMemory, "Fill", Bytes(y)}, [&] { inner_->Fill(y, value); });
  }
  void Synchronize() override { inner_->Synchronize(); }
  std::unique_ptr<DryBackend> MakeDry() override { return inner_->MakeDry(); }
  size_t WorkspaceBytes() const override { return inner_->WorkspaceBytes(); }
  size_t WeightBytes() const override { return inner_->WeightBytes(); }
  void LimitWeights(size_t bytes) override { inner_->LimitWeights(bytes); }
  size_t LeastWeightBytes() const override { return inner_->LeastWeightBytes(); }
  BackendMemory Memory() const override { return inner_->Memory(); }
  int64_t SmallestChunkTokens() const override { return inner_->SmallestChunkTokens(); }
  StepPhase ChangePhase(StepPhase phase) override { return inner_->ChangePhase(phase); }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override { return inner_->AddWeight(matrix); }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    inner_->MoveWeight(weight, matrix);
  }
  // PrepareWeight is not counted as an op: it runs ahead, so its time shows up in the product that
  // waits for it.
  void PrepareWeight(WeightId weight, Orientation orientation) override {
    inner_->PrepareWeight(weight, orientation);
  }
  void AwaitWeightMemory(WeightId weight) override { inner_->AwaitWeightMemory(weight); }
  TableId AddTable(const EmbeddingSource& source) override { return inner_->AddTable(source); }

  // --- products
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    Run({StepPart::kProductsForward,
         "Linear",
         Bytes(x, y),
         {weight, Orientation::kForward, x.rows()}},
        [&] { inner_->Linear(x, weight, epilogue, y); });
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                      View dx) override {
    Run({StepPart::kProductsBackward,
         "LinearBackward",
         Bytes(dy, dx),
         {weight, Orientation::kBackward, dy.rows()}},
        [&] { inner_->LinearBackward(dy, weight, epilogue, dx); });
  }
  void MatMul(View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
              View y) override {
    Run({StepPart::kLora, "MatMul", Bytes(a, b, y)},
        [&] { inner_->MatMul(a, ta, b, tb, alpha, beta, y); });
  }
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha,
                  const GradientSum& y) override {
    Run({StepPart::kLora, "TokenOuter", Bytes(a, b, y.fine)},
        [&] { inner_->TokenOuter(a, b, leaves, alpha, y); });
  }
  void TokenSum(View x, const TokenLeaves& leaves, const GradientSum& y) override {
    Run({StepPart::kElementwise, "TokenSum", Bytes(x, y.fine)},
        [&] { inner_->TokenSum(x, leaves, y); });
  }
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, const GradientSum& y) override {
    Run({StepPart::kElementwise, "TokenDotSum", Bytes(a, b, y.fine)},
        [&] { inner_->TokenDotSum(a, b, leaves, y); });
  }
  void ReadGradient(const GradientSum& sum, View y) override {
    Run({StepPart::kOptimizer, "ReadGradient", Bytes(sum, y)},
        [&] { inner_->ReadGradient(sum, y); });
  }

  // --- block
  void Embed(TableId table, const TokenIds& ids, View y) override {
    Run({StepPart::kEmbedding, "Embed", Bytes(ids.ids, y)}, [&] { inner_->Embed(table, ids, y); });
  }
  void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) override {
    Run({StepPart::kNormalization, "LayerNorm", Bytes(x, gamma, beta, xhat, rstd, y)},
        [&] { inner_->LayerNorm(x, gamma, beta, eps, xhat, rstd, y); });
  }
  void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                         View dx) override {
    Run({StepPart::kNormalization, "LayerNormBackward", Bytes(dy, xhat, rstd, gamma, dx)},
        [&] { inner_->LayerNormBackward(dy, xhat, rstd, gamma, accumulate, dx); });
  }
  void ScaleShift(View xhat, View gamma, View beta, View y) override {
    Run({StepPart::kNormalization, "ScaleShift", Bytes(xhat, gamma, beta, y)},
        [&] { inner_->ScaleShift(xhat, gamma, beta, y); });
  }
  void Gelu(View u, View y) override {
    Run({StepPart::kElementwise, "Gelu", Bytes(u, y)}, [&] { inner_->Gelu(u, y); });
  }
  void GeluBackward(View dy, View u, View du) override {
    Run({StepPart::kElementwise, "GeluBackward", Bytes(dy, u, du)},
        [&] { inner_->GeluBackward(dy, u, du); });
  }
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                      View y) override {
    Run({StepPart::kAttentionForward, "AlibiAttention", Bytes(qkv, y)},
        [&] { inner_->AlibiAttention(qkv, layout, heads, dropout, y); });
  }
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads,
                              const DropoutSpec& dropout, View dy, View dqkv) override {
    Run({StepPart::kAttentionBackward, "AlibiAttentionBackward", Bytes(qkv, dy, dqkv)},
        [&] { inner_->AlibiAttentionBackward(qkv, layout, heads, dropout, dy, dqkv); });
  }
  void Dropout(View x, const DropoutSpec& dropout, View y) override {
    Run({StepPart::kElementwise, "Dropout", Bytes(x, y)}, [&] { inner_->Dropout(x, dropout, y); });
  }
  void Add(View a, View b, View y) override {
    Run({StepPart::kElementwise, "Add", Bytes(a, b, y)}, [&] { inner_->Add(a, b, y); });
  }

  // --- pooling and similarity
  void Pool(View x, const TextLayout& layout, Pooling pooling, View argmax, View y) override {
    Run({StepPart::kVectors, "Pool", Bytes(x, argmax, y)},
        [&] { inner_->Pool(x, layout, pooling, argmax, y); });
  }
  void PoolBackward(View dy, const TextLayout& layout, Pooling pooling, View argmax,
                    View dx) override {
    Run({StepPart::kVectors, "PoolBackward", Bytes(dy, argmax, dx)},
        [&] { inner_->PoolBackward(dy, layout, pooling, argmax, dx); });
  }
  void L2Normalize(View x, View norm, View y) override {
    Run({StepPart::kVectors, "L2Normalize", Bytes(x, norm, y)},
        [&] { inner_->L2Normalize(x, norm, y); });
  }
  void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) override {
    Run({StepPart::kVectors, "L2NormalizeBackward", Bytes(dy, y, norm, dx)},
        [&] { inner_->L2NormalizeBackward(dy, y, norm, accumulate, dx); });
  }
  void CopyColumns(View x, bool accumulate, View y) override {
    Run({StepPart::kVectors, "CopyColumns", Bytes(x, y)},
        [&] { inner_->CopyColumns(x, accumulate, y); });
  }
  void GatherRows(View x, View index, View y) override {
    Run({StepPart::kVectors, "GatherRows", Bytes(index, y)},
        [&] { inner_->GatherRows(x, index, y); });
  }
  void GatherRowsBackward(View dy, View index, View dx) override {
    Run({StepPart::kVectors, "GatherRowsBackward", Bytes(dy, index, dx)},
        [&] { inner_->GatherRowsBackward(dy, index, dx); });
  }
  void RowDot(View a, View b, View y) override {
    Run({StepPart::kVectors, "RowDot", Bytes(a, b, y)}, [&] { inner_->RowDot(a, b, y); });
  }
  void RowScale(View x, View scale, bool accumulate, View y) override {
    Run({StepPart::kVectors, "RowScale", Bytes(x, scale, y)},
        [&] { inner_->RowScale(x, scale, accumulate, y); });
  }
  void AbsDifference(View a, View b, View y) override {
    Run({StepPart::kVectors, "AbsDifference", Bytes(a, b, y)},
        [&] { inner_->AbsDifference(a, b, y); });
  }
  void AbsDifferenceBackward(View dy, View a, View b, View da, View db) override {
    Run({StepPart::kVectors, "AbsDifferenceBackward", Bytes(dy, a, b, da, db)},
        [&] { inner_->AbsDifferenceBackward(dy, a, b, da, db); });
  }
  void AngleSimilarity(View a, View b, View y) override {
    Run({StepPart::kVectors, "AngleSimilarity", Bytes(a, b, y)},
        [&] { inner_->AngleSimilarity(a, b, y); });
  }
  void AngleSimilarityBackward(View dy, View a, View b, View da, View db) override {
    Run({StepPart::kVectors, "AngleSimilarityBackward", Bytes(dy, a, b, da, db)},
        [&] { inner_->AngleSimilarityBackward(dy, a, b, da, db); });
  }

  // --- losses
  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override {
    Run({StepPart::kVectors, "SoftmaxCrossEntropy", Bytes(scores, mask, targets, loss, dscores)},
        [&] { inner_->SoftmaxCrossEntropy(scores, mask, targets, loss, dscores); });
  }
  void MeanSquaredError(View x, View target, View loss, View dx) override {
    Run({StepPart::kVectors, "MeanSquaredError", Bytes(x, target, loss, dx)},
        [&] { inner_->MeanSquaredError(x, target, loss, dx); });
  }
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override {
    Run({StepPart::kVectors, "CosentLoss", Bytes(x, labels, loss, dx)},
        [&] { inner_->CosentLoss(x, labels, scale, loss, dx); });
  }
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override {
    Run({StepPart::kVectors, "TripletLoss", Bytes(a, p, n, loss, da, dp, dn)},
        [&] { inner_->TripletLoss(a, p, n, margin, loss, da, dp, dn); });
  }

  // --- optimizer
  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override {
    int64_t bytes = Bytes(out, nonfinite);
    for (const TensorView& tensor : x) bytes += Bytes(tensor);
    Run({StepPart::kOptimizer, "SumSquares", bytes},
        [&] { inner_->SumSquares(x, out, nonfinite); });
  }
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
             View parameter) override {
    Run({StepPart::kOptimizer, "Adam8",
         Bytes(gradient, state.m_codes, state.v_codes, state.m_absmax, state.v_absmax, parameter)},
        [&] { inner_->Adam8(step, gradient, state, parameter); });
  }
  void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) override {
    Run({StepPart::kOptimizer, "Adam", Bytes(gradient, state.m, state.v, parameter)},
        [&] { inner_->Adam(step, gradient, state, parameter); });
  }

 protected:
  // Called around every op that works on tensors. After is also called if the op throws.
  virtual void Before(const OpCall&) {}
  virtual void After(const OpCall&) {}

  Backend& inner() { return *inner_; }

 private:
  template <class Op>
  void Run(const OpCall& call, const Op& op) {
    Before(call);
    try {
      op();
    } catch (...) {
      After(call);
      throw;
    }
    After(call);
  }

  template <class... Views>
  static int64_t Bytes(const Views&... views) {
    return (int64_t{0} + ... + static_cast<int64_t>(views.Bytes()));
  }

  std::unique_ptr<Backend> inner_;
};

}  // namespace lacos
