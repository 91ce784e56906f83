// The arguments that all attention kernels share, and their launches.
#pragma once

#include <cstdint>

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/floats.h"
#include "lacos/kernels/cuda/philox.h"

namespace lacos::cuda {

// A text, or a tile of its rows.
struct HeadItem {
  int32_t first = 0;   // the text's first token
  int32_t length = 0;  // tokens in the text, at least 1
  int32_t tile = 0;    // which rows of the text, for kernels that work by tiles
};

// Items in device memory, the ones with most work first.
struct HeadItems {
  const HeadItem* items = nullptr;
  int64_t count = 0;
  int32_t longest = 0;
};

struct HeadArguments {
  DeviceFloats qkv;  // [T, H*3*K]; column (h*3 + p)*K + d holds q, k or v for p = 0, 1, 2
  int32_t heads = 0, dim = 0;
  float scale = 1;                // 1 / sqrt(K)
  const float* slopes = nullptr;  // [H]
  DropoutMask dropout;
  DeviceFloats y;         // [T, H*K], forward
  DeviceFloats dy, dqkv;  // backward
  // [T, H, 3]: for each query the largest score, 1 / the sum of the exponentials, and the sum over
  // keys of probability times its gradient
  float* statistics = nullptr;
  HeadItems items;

  GPU_DEVICE int64_t QkvStride() const { return static_cast<int64_t>(heads) * 3 * dim; }
  GPU_DEVICE int64_t OutStride() const { return static_cast<int64_t>(heads) * dim; }
};

// The factors of two probabilities of a query, by its token and the position of the first key in the
// text, which is even.
struct KeyFactors {
  float factor[2];
};
GPU_DEVICE KeyFactors KeyPairFactors(const DropoutMask& mask, int64_t token, int head, int key) {
  if (mask.token_keys == nullptr) return {{1.0f, 1.0f}};
  const auto channel = static_cast<uint32_t>(head * 65536 + key);
  const PhiloxWords w =
      Philox(channel / 4, mask.site, static_cast<uint64_t>(mask.token_keys[token]));
  const uint32_t first = channel % 4 == 0 ? w.word[0] : w.word[2];
  const uint32_t second = channel % 4 == 0 ? w.word[1] : w.word[3];
  return {
      {first < mask.threshold ? 0.0f : mask.scale, second < mask.threshold ? 0.0f : mask.scale}};
}
// The factor of one of them; `key` is any.
GPU_DEVICE float KeyFactor(const DropoutMask& mask, int64_t token, int head, int key) {
  const KeyFactors pair = KeyPairFactors(mask, token, head, key & ~1);
  return key % 2 == 0 ? pair.factor[0] : pair.factor[1];
}

// The widths of heads that the kernels on tensor cores are compiled for.
constexpr bool HasTensorCoreKernel(int64_t dim) {
  return dim == 32 || dim == 64 || dim == 80 || dim == 96 || dim == 128;
}
// Rows of a tile of the kernels for long texts.
constexpr int kLongRows = 64;
// Texts of up to this length go to the short kernels. The backward pass holds four matrices [length,
// K] in shared memory, of which cards for consumers have 99 KB.
constexpr int ShortLength(int64_t dim, bool backward) { return backward && dim > 80 ? 64 : 128; }

void RunF32Attention(gpu::Stream stream, const HeadArguments& arguments);
void RunF32AttentionBackward(gpu::Stream stream, const HeadArguments& arguments);
// Texts of up to 32 tokens (`shortest`), or of up to ShortLength.
void RunShortAttention(gpu::Stream stream, const HeadArguments& arguments, bool shortest);
void RunShortAttentionBackward(gpu::Stream stream, const HeadArguments& arguments, bool shortest);
// Items are tiles of kLongRows rows.
void RunLongAttention(gpu::Stream stream, const HeadArguments& arguments);
void RunLongAttentionBackward(gpu::Stream stream, const HeadArguments& arguments);

}  // namespace lacos::cuda
