// A backend that computes nothing, so that the model's own code can be asked how much memory it would take.
#include <sys/mman.h>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/kernels/backend.h"

namespace lacos {
namespace {

class DryBackend final : public Backend {
 public:
  explicit DryBackend(const TypeSet& types) : types_(types) {}

  TypeSet Types() const override { return types_; }
  KernelInfo Describe() const override { return {.backend = "dry", .isa = "none", .kernels = {}}; }
  // Address space without access rights: costs no memory, and a read would crash instead of giving zeros.
  Buffer Allocate(size_t bytes) override {
    void* address = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
      throw UserError("[plan] could not reserve address space; expected a 64-bit system without a ulimit -v");
    return {static_cast<std::byte*>(address), bytes,
            [](std::byte* data, size_t size) { munmap(data, size); }};
  }
  void Upload(std::span<const std::byte>, V) override {}
  void Download(V, std::span<std::byte> host) override { std::fill(host.begin(), host.end(), std::byte{0}); }
  void Copy(V, V) override {}
  void Fill(V, double) override {}
  void Synchronize() override {}
  WeightId AddWeight(const QuantizedMatrix&) override { return weights_++; }
  void PrepareWeight(WeightId, Orientation) override {}
  size_t WorkspaceBytes(WeightId, int64_t, Orientation) const override { return 0; }
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

}  // namespace

std::unique_ptr<Backend> MakeDryBackend(const TypeSet& types) { return std::make_unique<DryBackend>(types); }

}  // namespace lacos
