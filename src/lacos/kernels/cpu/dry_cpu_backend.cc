#include "lacos/kernels/cpu/dry_cpu_backend.h"

#include <memory>

#include "lacos/kernels/cpu/attention/attention.h"
#include "lacos/kernels/cpu/linear/matmul.h"
#include "lacos/kernels/cpu/rows/embedding.h"
#include "lacos/kernels/cpu/rows/token_sums.h"
#include "lacos/kernels/dry_backend.h"

namespace lacos::cpu {
namespace {

class DryCpuBackend final : public DryBackend {
 public:
  DryCpuBackend(const TypeSet& types, FrozenLinear& linear) : DryBackend(types), linear_(linear) {}

  size_t WorkspaceBytes() const override { return meter_.Bytes(); }
  void ForgetWorkspace() override { meter_ = {}; }
  std::unique_ptr<DryBackend> MakeDry() override { return MakeDryCpuBackend(Types(), linear_); }

  // Counts the bytes on the host too, because callers download into a temporary vector.
  void Download(View x, std::span<std::byte> host) override {
    DryBackend::Download(x, host);
    meter_.Add({.passing = host.size()});
  }
  void Linear(View x, WeightId weight, const Epilogue& epilogue, View) override {
    int64_t rank = 0;
    for (const LoraSegment& segment : epilogue.lora) rank = std::max(rank, segment.z.cols());
    meter_.Add(linear_.Need(x, weight, Orientation::kForward, rank));
  }
  void LinearBackward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View) override {
    int64_t rank = 0;
    for (const LoraBackwardSegment& segment : epilogue.lora) {
      rank = std::max(rank, segment.dz.cols());
    }
    meter_.Add(linear_.Need(dy, weight, Orientation::kBackward, rank));
  }
  void MatMul(View a, Transpose ta, View, Transpose, double, double, View y) override {
    meter_.Add(MatMulNeed(a, ta, y));
  }
  void TokenOuter(View a, View b, const TokenLeaves&, double, const GradientSum&) override {
    meter_.Add(TokenOuterNeed(a, b));
  }
  void Embed(TableId, const TokenIds&, View y) override { meter_.Add(EmbedNeed(y)); }
  void AlibiAttention(View qkv, const TextLayout& layout, int heads, const DropoutSpec&,
                      View) override {
    meter_.Add(AttentionNeed(qkv, layout, heads, /*backward=*/false));
  }
  void AlibiAttentionBackward(View qkv, const TextLayout& layout, int heads, const DropoutSpec&,
                              View, View) override {
    meter_.Add(AttentionNeed(qkv, layout, heads, /*backward=*/true));
  }

 private:
  FrozenLinear& linear_;
  WorkspaceMeter meter_;
};

}  // namespace

std::unique_ptr<DryBackend> MakeDryCpuBackend(const TypeSet& types, FrozenLinear& linear) {
  return std::make_unique<DryCpuBackend>(types, linear);
}

}  // namespace lacos::cpu
