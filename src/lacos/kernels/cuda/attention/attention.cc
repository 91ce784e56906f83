#include "lacos/kernels/cuda/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/alibi.h"

namespace lacos::cuda {
namespace {

constexpr int32_t kShortestLength = 32;

}  // namespace

const Attention::Plan& Attention::PlanFor(const TextLayout& layout, int64_t dim, bool tensor_cores,
                                          bool backward) {
  Plan& plan = plans_[backward ? 1 : 0];
  Buffer& buffer = items_[backward ? 1 : 0];
  // The layers of a step have the same texts.
  if (plan.dim == dim && plan.tensor_cores == tensor_cores &&
      std::ranges::equal(plan.offsets, layout.host_offsets)) {
    return plan;
  }
  std::vector<HeadItem> texts, tiles;
  for (int64_t n = 0; n < layout.texts; ++n) {
    const int32_t first = layout.host_offsets[n], length = layout.host_offsets[n + 1] - first;
    if (length > 0) texts.push_back({.first = first, .length = length});
  }
  std::ranges::stable_sort(texts, std::greater(), &HeadItem::length);
  // Texts of decreasing length are: f32, or long, medium and shortest ones.
  const int32_t medium = !tensor_cores ? 0 : static_cast<int32_t>(ShortLength(dim, backward));
  const auto at_most = [&](int32_t length) {
    return std::ranges::find_if(texts, [&](const HeadItem& t) { return t.length <= length; });
  };
  const auto medium_begin = tensor_cores ? at_most(medium) : texts.end();
  const auto shortest_begin = tensor_cores ? at_most(kShortestLength) : texts.end();
  if (tensor_cores) {
    for (auto text = texts.begin(); text != medium_begin; ++text) {
      for (int32_t tile = 0; tile * kLongRows < text->length; ++tile)
        tiles.push_back({.first = text->first, .length = text->length, .tile = tile});
    }
    // The last queries have the most keys. For keys it is the other way round, but then the tiles
    // are of one size for most of the time.
    std::ranges::stable_sort(tiles, std::greater(), &HeadItem::tile);
  }

  std::vector<HeadItem> all = texts;
  all.insert(all.end(), tiles.begin(), tiles.end());
  const size_t bytes = all.size() * sizeof(HeadItem);
  plan = {};
  if (buffer.size() < bytes) buffer = context_.Allocate(std::max<size_t>(bytes * 2, 4096));
  if (bytes > 0) context_.Upload(std::as_bytes(std::span<const HeadItem>(all)), buffer.data());
  const auto* const items = reinterpret_cast<const HeadItem*>(buffer.data());
  const auto range = [&](auto begin, auto end) {
    const int64_t at = begin - texts.begin(), count = end - begin;
    return HeadItems{items + at, count, count > 0 ? begin->length : 0};
  };
  if (tensor_cores) {
    plan.longer = range(texts.begin(), medium_begin);
    plan.medium = range(medium_begin, shortest_begin);
    plan.shortest = range(shortest_begin, texts.end());
    plan.long_rows = {items + texts.size(), static_cast<int64_t>(tiles.size()),
                      plan.longer.longest};
  } else {
    plan.f32 = range(texts.begin(), texts.end());
  }
  plan.dim = dim;
  plan.tensor_cores = tensor_cores;
  plan.offsets.assign(layout.host_offsets.begin(), layout.host_offsets.end());
  return plan;
}

HeadArguments Attention::ArgumentsOf(View qkv, const TextLayout& layout, int heads,
                                     const DropoutSpec& dropout) {
  LACOS_CHECK(heads > 0 && qkv.cols() % (3 * heads) == 0, "qkv is [T, H*3*K]");
  LACOS_CHECK(layout.tokens == qkv.rows(), "the texts cover all tokens");
  if (slope_heads_ != heads) {
    const std::vector<double> exact = AlibiSlopes(heads);
    const std::vector<float> slopes(exact.begin(), exact.end());
    slopes_ = context_.Allocate(slopes.size() * sizeof(float));
    context_.Upload(std::as_bytes(std::span<const float>(slopes)), slopes_.data());
    slope_heads_ = heads;
  }
  const int64_t dim = qkv.cols() / (3 * heads);
  return {.qkv = DeviceFloatsOf(qkv),
          .heads = heads,
          .dim = static_cast<int32_t>(dim),
          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))),
          .slopes = reinterpret_cast<const float*>(slopes_.data()),
          .dropout = MaskOf(dropout)};
}

void Attention::Forward(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                        View y) {
  LACOS_CHECK(y.rows() == qkv.rows() && 3 * y.cols() == qkv.cols(), "y is [T, H*K]");
  HeadArguments a = ArgumentsOf(qkv, layout, heads, dropout);
  a.y = DeviceFloatsOf(y);
  const Plan& plan = PlanFor(layout, a.dim, a.qkv.bf16 && a.y.bf16 && HasTensorCoreKernel(a.dim),
                             /*backward=*/false);
  const auto run = [&](const HeadItems& items, auto&& kernel) {
    if (items.count == 0) return;
    a.items = items;
    kernel();
  };
  const gpu::Stream stream = context_.stream();
  run(plan.f32, [&] { RunF32Attention(stream, a); });
  run(plan.long_rows, [&] { RunLongAttention(stream, a); });
  run(plan.medium, [&] { RunShortAttention(stream, a, /*shortest=*/false); });
  run(plan.shortest, [&] { RunShortAttention(stream, a, /*shortest=*/true); });
}

void Attention::Backward(View qkv, const TextLayout& layout, int heads, const DropoutSpec& dropout,
                         View dy, View dqkv) {
  LACOS_CHECK(dy.rows() == qkv.rows() && 3 * dy.cols() == qkv.cols(), "dy is [T, H*K]");
  LACOS_CHECK(dqkv.Elements() == qkv.Elements(), "dqkv has qkv's shape");
  HeadArguments a = ArgumentsOf(qkv, layout, heads, dropout);
  a.dy = DeviceFloatsOf(dy);
  a.dqkv = DeviceFloatsOf(dqkv);
  a.statistics = context_.ScratchOf<float>(ScratchSlot::kAttention, qkv.rows() * heads * 3);
  const bool tensor_cores = a.qkv.bf16 && a.dy.bf16 && a.dqkv.bf16 && HasTensorCoreKernel(a.dim);
  const Plan& plan = PlanFor(layout, a.dim, tensor_cores, /*backward=*/true);
  const auto run = [&](const HeadItems& items, auto&& kernel) {
    if (items.count == 0) return;
    a.items = items;
    kernel();
  };
  const gpu::Stream stream = context_.stream();
  run(plan.f32, [&] { RunF32AttentionBackward(stream, a); });
  run(plan.long_rows, [&] { RunLongAttentionBackward(stream, a); });
  run(plan.medium, [&] { RunShortAttentionBackward(stream, a, /*shortest=*/false); });
  run(plan.shortest, [&] { RunShortAttentionBackward(stream, a, /*shortest=*/true); });
}

}  // namespace lacos::cuda
