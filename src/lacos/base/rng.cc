#include "lacos/base/rng.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace lacos {

Random::Random(uint64_t seed, RandomStream stream, uint64_t substream)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {
  const uint64_t mixed = Mix64(static_cast<uint64_t>(stream), substream);
  counter_ = {0, 0, static_cast<uint32_t>(mixed), static_cast<uint32_t>(mixed >> 32)};
}

uint32_t Random::Next32() {
  if (used_ == 4) {
    block_ = Philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Random::Next64() {
  const uint64_t high = Next32();
  return high << 32 | Next32();
}

double Random::Uniform() { return static_cast<double>(Next64() >> 11) * 0x1.0p-53; }

uint64_t Random::Below(uint64_t n) {
  const uint64_t threshold = (0 - n) % n;
  while (true) {
    const auto product = static_cast<unsigned __int128>(Next64()) * n;
    if (static_cast<uint64_t>(product) >= threshold) return static_cast<uint64_t>(product >> 64);
  }
}

double Random::Normal() {
  const double u = 1.0 - Uniform();  // in (0, 1], so that its logarithm is finite
  const double v = Uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::vector<int64_t> RandomPermutation(int64_t n, Random& random) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(order[i], order[static_cast<int64_t>(random.Below(static_cast<uint64_t>(i) + 1))]);
  }
  return order;
}

}  // namespace lacos
