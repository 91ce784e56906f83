#include "lacos/kernels/timed_backend.h"

#include <algorithm>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"

namespace lacos {
namespace {

struct PartNames {
  std::string_view name, title;
};
constexpr std::array<PartNames, kStepParts> kPartNames = {{
    {"products_forward", "frozen products, forward"},
    {"products_backward", "frozen products, backward"},
    {"attention_forward", "attention, forward"},
    {"attention_backward", "attention, backward"},
    {"lora", "LoRA's small products"},
    {"normalisation", "LayerNorm"},
    {"elementwise", "other element-wise work"},
    {"embedding", "embedding rows"},
    {"vectors", "pooling, similarity, loss"},
    {"optimizer", "optimizer"},
    {"memory", "copying and zeroing"},
}};

template <class... Views>
int64_t Bytes(const Views&... views) {
  return (int64_t{0} + ... + static_cast<int64_t>(views.Bytes()));
}

class TimedBackend final : public Backend {
 public:
  TimedBackend(std::unique_ptr<Backend> inner, OpTimes& times)
      : inner_(std::move(inner)), times_(times) {}

  // --- memory and order
  TypeSet Types() const override { return inner_->Types(); }
  KernelInfo Describe() const override { return inner_->Describe(); }
  Buffer Allocate(size_t bytes) override {
    const Span span(*this, StepPart::kMemory, "Allocate", static_cast<int64_t>(bytes));
    return inner_->Allocate(bytes);
  }
  void Upload(std::span<const std::byte> host, View y) override {
    const Span span(*this, StepPart::kMemory, "Upload", Bytes(y));
    inner_->Upload(host, y);
  }
  void Download(View x, std::span<std::byte> host) override {
    const Span span(*this, StepPart::kMemory, "Download", Bytes(x));
    inner_->Download(x, host);
  }
  void Copy(View x, View y) override {
    const Span span(*this, StepPart::kMemory, "Copy", Bytes(x, y));
    inner_->Copy(x, y);
  }
  void Fill(View y, double value) override {
    const Span span(*this, StepPart::kMemory, "Fill", Bytes(y));
    inner_->Fill(y, value);
  }
  void Synchronize() override { inner_->Synchronize(); }
  std::unique_ptr<DryBackend> MakeDry() override { return inner_->MakeDry(); }
  size_t WorkspaceBytes() const override { return inner_->WorkspaceBytes(); }

  // --- frozen weights
  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    const WeightId weight = inner_->AddWeight(matrix);
    LACOS_CHECK(weight >= 0, "weights are counted from 0");
    if (static_cast<size_t>(weight) >= shapes_.size())
      shapes_.resize(static_cast<size_t>(weight) + 1);
    shapes_[weight] = {matrix.rows, matrix.cols};
    return weight;
  }
  void MoveWeight(WeightId weight, const QuantizedMatrix& matrix) override {
    inner_->MoveWeight(weight, matrix);
  }
  void PrepareWeight(WeightId weight, Orientation orientation) override {
    const bool forward = orientation == Orientation::kForward;
    const Span span(*this, forward ? StepPart::kProductsForward : StepPart::kProductsBackward,
                    "PrepareWeight", 0, Product(weight, orientation, 0));
    inner_->PrepareWeight(weight, orientation);
  }
  TableId AddTable(const EmbeddingSource& source) override { return inner_->AddTable(source); }

  // --- products
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View y) override {
    const Span span(*this, StepPart::kProductsForward, "Linear", Bytes(x, y),
                    Product(weight, Orientation::kForward, x.rows()));
    inner_->Linear(x, weight, epilogue, y);
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue,
                      View dx) override {
    const Span span(*this, StepPart::kProductsBackward, "LinearBackward", Bytes(dy, dx),
                    Product(weight, Orientation::kBackward, dy.rows()));
    inner_->LinearBackward(dy, weight, epilogue, dx);
  }
  void MatMul(View a, bool ta, View b, bool tb, double alpha, double beta, View y) override {
    const Span span(*this, StepPart::kLora, "MatMul", Bytes(a, b, y));
    inner_->MatMul(a, ta, b, tb, alpha, beta, y);
  }
  void TokenOuter(View a, View b, const TokenLeaves& leaves, double alpha, View y) override {
    const Span span(*this, StepPart::kLora, "TokenOuter", Bytes(a, b, y));
    inner_->TokenOuter(a, b, leaves, alpha, y);
  }
  void TokenSum(View x, const TokenLeaves& leaves, View y) override {
    const Span span(*this, StepPart::kElementwise, "TokenSum", Bytes(x, y));
    inner_->TokenSum(x, leaves, y);
  }
  void TokenDotSum(View a, View b, const TokenLeaves& leaves, View y) override {
    const Span span(*this, StepPart::kElementwise, "TokenDotSum", Bytes(a, b, y));
    inner_->TokenDotSum(a, b, leaves, y);
  }

  // --- block
  void Embed(TableId table, View ids, View y) override {
    on_vectors_ = false;
    const Span span(*this, StepPart::kEmbedding, "Embed", Bytes(ids, y));
    inner_->Embed(table, ids, y);
  }
  void LayerNorm(View x, View gamma, View beta, double eps, View xhat, View rstd, View y) override {
    on_vectors_ = false;  // where a block's input was cached, nothing is embedded
    const Span span(*this, StepPart::kNormalization, "LayerNorm",
                    Bytes(x, gamma, beta, xhat, rstd, y));
    inner_->LayerNorm(x, gamma, beta, eps, xhat, rstd, y);
  }
  void LayerNormBackward(View dy, View xhat, View rstd, View gamma, bool accumulate,
                         View dx) override {
    on_vectors_ = false;
    const Span span(*this, StepPart::kNormalization, "LayerNormBackward",
                    Bytes(dy, xhat, rstd, gamma, dx));
    inner_->LayerNormBackward(dy, xhat, rstd, gamma, accumulate, dx);
  }
  void ScaleShift(View xhat, View gamma, View beta, View y) override {
    const Span span(*this, StepPart::kNormalization, "ScaleShift", Bytes(xhat, gamma, beta, y));
    inner_->ScaleShift(xhat, gamma, beta, y);
  }
  void Gelu(View u, View y) override {
    const Span span(*this, StepPart::kElementwise, "Gelu", Bytes(u, y));
    inner_->Gelu(u, y);
  }
  void GeluBackward(View dy, View u, View du) override {
    const Span span(*this, StepPart::kElementwise, "GeluBackward", Bytes(dy, u, du));
    inner_->GeluBackward(dy, u, du);
  }
  void AlibiAttention(View qkv, View offsets, int heads, const DropoutSpec& dropout,
                      View y) override {
    const Span span(*this, StepPart::kAttentionForward, "AlibiAttention", Bytes(qkv, y));
    inner_->AlibiAttention(qkv, offsets, heads, dropout, y);
  }
  void AlibiAttentionBackward(View qkv, View offsets, int heads, const DropoutSpec& dropout,
                              View dy, View dqkv) override {
    const Span span(*this, StepPart::kAttentionBackward, "AlibiAttentionBackward",
                    Bytes(qkv, dy, dqkv));
    inner_->AlibiAttentionBackward(qkv, offsets, heads, dropout, dy, dqkv);
  }
  void Dropout(View x, const DropoutSpec& dropout, View y) override {
    const Span span(*this, StepPart::kElementwise, "Dropout", Bytes(x, y));
    inner_->Dropout(x, dropout, y);
  }
  void Add(View a, View b, View y) override {
    const Span span(*this, StepPart::kElementwise, "Add", Bytes(a, b, y));
    inner_->Add(a, b, y);
  }

  // --- pooling and similarity
  void Pool(View x, View offsets, Pooling pooling, View argmax, View y) override {
    on_vectors_ = true;
    const Span span(*this, StepPart::kVectors, "Pool", Bytes(x, argmax, y));
    inner_->Pool(x, offsets, pooling, argmax, y);
  }
  void PoolBackward(View dy, View offsets, Pooling pooling, View argmax, View dx) override {
    on_vectors_ = false;
    const Span span(*this, StepPart::kVectors, "PoolBackward", Bytes(dy, argmax, dx));
    inner_->PoolBackward(dy, offsets, pooling, argmax, dx);
  }
  void L2Normalize(View x, View norm, View y) override {
    const Span span(*this, StepPart::kVectors, "L2Normalize", Bytes(x, norm, y));
    inner_->L2Normalize(x, norm, y);
  }
  void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx) override {
    const Span span(*this, StepPart::kVectors, "L2NormalizeBackward", Bytes(dy, y, norm, dx));
    inner_->L2NormalizeBackward(dy, y, norm, accumulate, dx);
  }
  void CopyColumns(View x, bool accumulate, View y) override {
    const Span span(*this, StepPart::kVectors, "CopyColumns", Bytes(x, y));
    inner_->CopyColumns(x, accumulate, y);
  }
  void GatherRows(View x, View index, View y) override {
    const Span span(*this, StepPart::kVectors, "GatherRows", Bytes(index, y));
    inner_->GatherRows(x, index, y);
  }
  void GatherRowsBackward(View dy, View index, View dx) override {
    const Span span(*this, StepPart::kVectors, "GatherRowsBackward", Bytes(dy, index, dx));
    inner_->GatherRowsBackward(dy, index, dx);
  }
  void RowDot(View a, View b, View y) override {
    const Span span(*this, StepPart::kVectors, "RowDot", Bytes(a, b, y));
    inner_->RowDot(a, b, y);
  }
  void RowScale(View x, View scale, bool accumulate, View y) override {
    const Span span(*this, StepPart::kVectors, "RowScale", Bytes(x, scale, y));
    inner_->RowScale(x, scale, accumulate, y);
  }
  void AbsDifference(View a, View b, View y) override {
    const Span span(*this, StepPart::kVectors, "AbsDifference", Bytes(a, b, y));
    inner_->AbsDifference(a, b, y);
  }
  void AbsDifferenceBackward(View dy, View a, View b, View da, View db) override {
    const Span span(*this, StepPart::kVectors, "AbsDifferenceBackward", Bytes(dy, a, b, da, db));
    inner_->AbsDifferenceBackward(dy, a, b, da, db);
  }

  // --- losses
  void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) override {
    const Span span(*this, StepPart::kVectors, "SoftmaxCrossEntropy",
                    Bytes(scores, mask, targets, loss, dscores));
    inner_->SoftmaxCrossEntropy(scores, mask, targets, loss, dscores);
  }
  void MeanSquaredError(View x, View target, View loss, View dx) override {
    const Span span(*this, StepPart::kVectors, "MeanSquaredError", Bytes(x, target, loss, dx));
    inner_->MeanSquaredError(x, target, loss, dx);
  }
  void CosentLoss(View x, View labels, double scale, View loss, View dx) override {
    const Span span(*this, StepPart::kVectors, "CosentLoss", Bytes(x, labels, loss, dx));
    inner_->CosentLoss(x, labels, scale, loss, dx);
  }
  void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp,
                   View dn) override {
    const Span span(*this, StepPart::kVectors, "TripletLoss", Bytes(a, p, n, loss, da, dp, dn));
    inner_->TripletLoss(a, p, n, margin, loss, da, dp, dn);
  }

  // --- optimizer
  void SumSquares(std::span<const TensorView> x, View out, View nonfinite) override {
    on_vectors_ = false;
    int64_t bytes = Bytes(out, nonfinite);
    for (const TensorView& tensor : x) bytes += Bytes(tensor);
    const Span span(*this, StepPart::kOptimizer, "SumSquares", bytes);
    inner_->SumSquares(x, out, nonfinite);
  }
  void Adam8(const AdamStep& step, View gradient, const Adam8State& state,
             View parameter) override {
    on_vectors_ = false;
    const Span span(
        *this, StepPart::kOptimizer, "Adam8",
        Bytes(gradient, state.m_codes, state.v_codes, state.m_absmax, state.v_absmax, parameter));
    inner_->Adam8(step, gradient, state, parameter);
  }
  void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) override {
    on_vectors_ = false;
    const Span span(*this, StepPart::kOptimizer, "Adam",
                    Bytes(gradient, state.m, state.v, parameter));
    inner_->Adam(step, gradient, state, parameter);
  }

 private:
  struct MatrixShape {
    int64_t rows = 0, cols = 0;
  };

  // From its construction until it goes out of scope, whether by return or by an exception.
  class Span {
   public:
    Span(TimedBackend& owner, StepPart part, std::string_view op, int64_t bytes,
         ProductTime product = {})
        : owner_(owner),
          op_{.part = owner.on_vectors_ ? StepPart::kVectors : part,
              .op = op,
              .calls = 1,
              .bytes = bytes},
          product_(product) {}
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;
    ~Span() {
      owner_.inner_->Synchronize();
      op_.seconds = product_.seconds = watch_.Seconds();
      owner_.Count(op_, product_);
    }

   private:
    TimedBackend& owner_;
    OpTime op_;
    ProductTime product_;
    Stopwatch watch_;  // last: what stands above is not measured
  };

  ProductTime Product(WeightId weight, Orientation orientation, int64_t rows) const {
    LACOS_CHECK(weight >= 0 && static_cast<size_t>(weight) < shapes_.size(),
                "a weight that AddWeight returned");
    const MatrixShape& shape = shapes_[weight];
    return {.orientation = orientation,
            .out = shape.rows,
            .in = shape.cols,
            .calls = rows > 0 ? 1 : 0,
            .rows = rows};
  }

  void Count(const OpTime& op, const ProductTime& product) {
    const auto same_op = [&](const OpTime& v) { return v.part == op.part && v.op == op.op; };
    auto v = std::find_if(times_.ops.begin(), times_.ops.end(), same_op);
    if (v == times_.ops.end()) {
      v = times_.ops.insert(v, {.part = op.part, .op = op.op});
    }
    v->calls += op.calls;
    v->seconds += op.seconds;
    v->bytes += op.bytes;
    if (product.out == 0) return;
    const auto same_shape = [&](const ProductTime& p) {
      return p.orientation == product.orientation && p.out == product.out && p.in == product.in;
    };
    auto p = std::find_if(times_.products.begin(), times_.products.end(), same_shape);
    if (p == times_.products.end()) {
      p = times_.products.insert(
          p, {.orientation = product.orientation, .out = product.out, .in = product.in});
    }
    p->calls += product.calls;
    p->rows += product.rows;
    p->seconds += product.seconds;
  }

  std::unique_ptr<Backend> inner_;
  OpTimes& times_;
  std::vector<MatrixShape> shapes_;  // by WeightId
  bool on_vectors_ = false;          // between pooling and its backward, or the next texts
};

}  // namespace

std::string_view NameOf(StepPart part) { return kPartNames[static_cast<size_t>(part)].name; }
std::string_view TitleOf(StepPart part) { return kPartNames[static_cast<size_t>(part)].title; }

std::array<OpTimes::Part, kStepParts> OpTimes::Parts() const {
  std::array<Part, kStepParts> parts{};
  for (const OpTime& op : ops) {
    Part& part = parts[static_cast<size_t>(op.part)];
    part.calls += op.calls;
    part.seconds += op.seconds;
  }
  return parts;
}

double OpTimes::Seconds() const {
  double seconds = 0;
  for (const OpTime& op : ops) seconds += op.seconds;
  return seconds;
}

void OpTimes::Clear() {
  ops.clear();
  products.clear();
}

std::unique_ptr<Backend> MakeTimedBackend(std::unique_ptr<Backend> backend, OpTimes& times) {
  return std::make_unique<TimedBackend>(std::move(backend), times);
}

}  // namespace lacos
