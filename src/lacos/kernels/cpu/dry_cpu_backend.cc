#include "lacos/kernels/cpu/dry_cpu_backend.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "lacos/base/check.h"
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

  // The longest text decides what attention takes: offsets are the ascending I32 vectors among the
  // uploads.
  void Upload(std::span<const std::byte> host, View y) override {
    if (y.dtype != DType::kI32 || host.empty()) return;
    std::vector<int32_t> values(host.size() / sizeof(int32_t));
    std::memcpy(values.data(), host.data(), values.size() * sizeof(int32_t));
    int64_t longest = 0;
    for (size_t i = 1; i < values.size(); ++i) {
      longest = std::max<int64_t>(longest, static_cast<int64_t>(values[i]) - values[i - 1]);
    }
    longest_[y.data] = longest;
  }
  // The host's side of it is a vector of the caller's.
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
  void MatMul(View a, bool ta, View, bool, double, double, View y) override {
    meter_.Add(MatMulNeed(a, ta, y));
  }
  void TokenOuter(View a, View b, const TokenLeaves&, double, const GradientSum&) override {
    meter_.Add(TokenOuterNeed(a, b));
  }
  void Embed(TableId, View ids, View y) override { meter_.Add(EmbedNeed(ids, y)); }
  void AlibiAttention(View qkv, View offsets, int heads, const DropoutSpec&, View) override {
    AddAttention(qkv, offsets, heads, false);
  }
  void AlibiAttentionBackward(View qkv, View offsets, int heads, const DropoutSpec&, View,
                              View) override {
    AddAttention(qkv, offsets, heads, true);
  }

 private:
  void AddAttention(View qkv, View offsets, int heads, bool backward) {
    const auto longest = longest_.find(offsets.data);
    LACOS_CHECK(longest != longest_.end(), "offsets were uploaded");
    meter_.Add(AttentionNeed(qkv, offsets.Elements() - 1, longest->second, heads, backward));
  }

  FrozenLinear& linear_;
  WorkspaceMeter meter_;
  std::map<const void*, int64_t> longest_;  // of the I32 vector uploaded to an address last
};

}  // namespace

std::unique_ptr<DryBackend> MakeDryCpuBackend(const TypeSet& types, FrozenLinear& linear) {
  return std::make_unique<DryCpuBackend>(types, linear);
}

}  // namespace lacos::cpu
