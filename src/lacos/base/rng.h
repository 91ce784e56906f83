// Counter-based random numbers. Every value is a pure function of (key, counter), so runs can be
// resumed and replayed exactly, on any number of threads. Source of Philox4x32-10: Salmon et al.,
// "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace lacos {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

// Ten rounds of Philox4x32, which give four uniform 32-bit words for one counter.
inline PhiloxCounter Philox(PhiloxCounter c, PhiloxKey k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

// A 64-bit mixing function (the finalizer of SplitMix64), which combines ids into one key.
inline uint64_t Mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}
inline uint64_t Mix64(uint64_t a, uint64_t b) {
  return Mix64(Mix64(a) ^ (b + 0x9E3779B97F4A7C15ull));
}

// The purpose of a stream of random numbers. Streams of one seed never share values.
enum class RandomStream : uint32_t {
  kLoraInit = 1,
  kShuffle = 2,
  kDropout = 3,
  kWeights = 4,
  kHead = 5,
  kBatch = 6,
  kClusters = 7,
  kBootstrap = 8,
  kFolds = 9
};

// A sequential view of one stream of one seed. Its position is a counter that can be saved and set.
class Random {
 public:
  Random(uint64_t seed, RandomStream stream, uint64_t substream = 0);

  uint32_t Next32();
  uint64_t Next64();
  // A uniform number in [0, 1) with 53 random bits.
  double Uniform();
  // A uniform integer in [0, n) without modulo bias (Lemire's method); n > 0.
  uint64_t Below(uint64_t n);
  // A standard normal number (Box-Muller on two uniform numbers).
  double Normal();

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter block_{};
  int used_ = 4;
};

// A random permutation of 0..n-1 by Fisher-Yates. std::shuffle would differ between libraries.
std::vector<int64_t> RandomPermutation(int64_t n, Random& random);

}  // namespace lacos
