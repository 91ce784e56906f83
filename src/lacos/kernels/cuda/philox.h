// Dropout in kernels: Philox4x32-10 word for word as in base/rng.h, and DropoutSpec's factor.
#pragma once

#include <algorithm>
#include <cmath>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/elements.h"

namespace lacos::cuda {

// A DropoutSpec as kernels read it. Without keys nothing is dropped.
struct DropoutMask {
  const int64_t* token_keys = nullptr;  // [T]
  uint32_t site = 0;
  uint32_t threshold = 0;  // words below it are dropped
  float scale = 1;         // of kept elements
};

inline DropoutMask MaskOf(const DropoutSpec& dropout) {
  if (!dropout.Active()) return {};
  LACOS_CHECK(dropout.rate < 1, "a dropout rate is below 1");
  const double threshold = std::min(std::ceil(dropout.rate * 0x1p32), 0x1p32 - 1);
  return {I64Of(dropout.token_keys), dropout.site, static_cast<uint32_t>(threshold),
          static_cast<float>(1.0 / (1.0 - dropout.rate))};
}

struct PhiloxWords {
  uint32_t word[4];
};
// The words of Philox({counter, site, low(key), high(key)}, {0, 0}).
GPU_DEVICE PhiloxWords Philox(uint32_t counter, uint32_t site, uint64_t key) {
  PhiloxWords c = {{counter, site, static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)}};
  uint32_t k0 = 0, k1 = 0;
  // Attention has a hundred copies of this function. Unrolled, they were half of its code.
  GPU_ROLLED
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c.word[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c.word[2];
    c = {{static_cast<uint32_t>(p1 >> 32) ^ c.word[1] ^ k0, static_cast<uint32_t>(p1),
          static_cast<uint32_t>(p0 >> 32) ^ c.word[3] ^ k1, static_cast<uint32_t>(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}
// The factor of one element.
GPU_DEVICE float DropoutFactor(const DropoutMask& mask, uint64_t key, int64_t channel) {
  const PhiloxWords words = Philox(static_cast<uint32_t>(channel / 4), mask.site, key);
  return words.word[channel % 4] < mask.threshold ? 0.0f : mask.scale;
}

}  // namespace lacos::cuda
