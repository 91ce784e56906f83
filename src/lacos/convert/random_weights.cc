#include "lacos/convert/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "lacos/base/check.h"
#include "lacos/base/name_hash.h"
#include "lacos/base/rng.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

constexpr int kQuantiles = 1 << 16;

// The upper half of the quantiles in rising order: x with P(X > x) = 1 - (i + 0.5) / kQuantiles,
// found by Newton's method on the tail.
std::vector<float> UpperQuantiles() {
  std::vector<float> quantiles(kQuantiles / 2);
  double x = 0;
  for (int i = 0; i < kQuantiles / 2; ++i) {
    const double tail = 0.5 - (i + 0.5) / kQuantiles;
    // Newton's method starts at the previous quantile; 4 steps reach double precision.
    for (int iteration = 0; iteration < 6; ++iteration) {
      const double excess = 0.5 * std::erfc(x / std::numbers::sqrt2) - tail;
      x += excess * std::sqrt(2 * std::numbers::pi) * std::exp(0.5 * x * x);
    }
    quantiles[static_cast<size_t>(i)] = static_cast<float>(x);
  }
  return quantiles;
}

PhiloxKey SeedKey(uint64_t seed) {
  return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
}

// Calls use(16 random bytes, index of these 16 bytes).
template <class F>
void ForEachBlock(uint64_t seed, const std::string& tensor, uint64_t first, uint64_t count,
                  F&& use) {
  const uint64_t stream = Mix64(static_cast<uint64_t>(RandomStream::kWeights), NameHash(tensor));
  for (uint64_t block = first; block < first + count; ++block) {
    use(Philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
               SeedKey(seed)),
        block - first);
  }
}

template <class T>
void LookUp(const std::byte* table, uint64_t seed, const std::string& tensor, int64_t begin,
            std::span<std::byte> out) {
  const auto* values = reinterpret_cast<const T*>(table);
  const uint64_t n = out.size() / sizeof(T);
  ForEachBlock(seed, tensor, static_cast<uint64_t>(begin) / 8, (n + 7) / 8,
               [&](const PhiloxCounter& words, uint64_t block) {
                 T eight[8];
                 for (int i = 0; i < 8; ++i)
                   eight[i] = values[words[i / 2] >> (16 * (i % 2)) & 0xFFFFu];
                 const uint64_t done = block * 8;
                 std::memcpy(out.data() + done * sizeof(T), eight,
                             std::min<uint64_t>(8, n - done) * sizeof(T));
               });
}

}  // namespace

NormalTable::NormalTable(DType dtype, double standard_deviation)
    : dtype_(dtype), values_(kQuantiles * SizeOf(dtype)) {
  LACOS_CHECK(SizeOf(dtype) == 2 || SizeOf(dtype) == 4, "random weights are F32, BF16 or F16");
  const std::vector<float> upper = UpperQuantiles();
  std::vector<float> all(kQuantiles);
  for (size_t i = 0; i < upper.size(); ++i) {
    const auto value = static_cast<float>(upper[i] * standard_deviation);
    all[kQuantiles / 2 + i] = value;
    all[kQuantiles / 2 - 1 - i] = -value;
  }
  const bool encoded = EncodeFromFloat(dtype, all.data(), all.size(), values_.data());
  LACOS_CHECK(encoded, "random weights have a floating type");
}

void NormalTable::Fill(uint64_t seed, const std::string& tensor, int64_t begin,
                       std::span<std::byte> out) const {
  LACOS_CHECK(begin % 8 == 0, "a slice begins at a whole block of random words");
  if (SizeOf(dtype_) == 2) {
    LookUp<uint16_t>(values_.data(), seed, tensor, begin, out);
  } else {
    LookUp<uint32_t>(values_.data(), seed, tensor, begin, out);
  }
}

void FillCodes(uint64_t seed, const std::string& tensor, int64_t begin, std::span<int8_t> out) {
  LACOS_CHECK(begin % 16 == 0, "a slice begins at a whole block of random words");
  const uint64_t n = out.size();
  ForEachBlock(seed, tensor, static_cast<uint64_t>(begin) / 16, (n + 15) / 16,
               [&](const PhiloxCounter& words, uint64_t block) {
                 int8_t sixteen[16];
                 std::memcpy(sixteen, words.data(), sizeof(sixteen));
                 for (int8_t& code : sixteen) code = code == -128 ? int8_t{127} : code;
                 std::memcpy(out.data() + block * 16, sixteen,
                             std::min<uint64_t>(16, n - block * 16));
               });
}

}  // namespace lacos
