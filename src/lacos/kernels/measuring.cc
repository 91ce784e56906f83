#include "lacos/kernels/measuring.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "lacos/base/check.h"
#include "lacos/base/process.h"
#include "lacos/base/rng.h"
#include "lacos/tensor/convert.h"

namespace lacos {

std::vector<std::byte> NormalNumbers(size_t bytes) {
  constexpr size_t kPeriod = 65521;
  Random random(1, RandomStream::kWeights, 5);
  std::vector<float> values(kPeriod);
  for (float& value : values) value = static_cast<float>(random.Normal());
  std::vector<std::byte> numbers(2 * kPeriod);
  const bool known = EncodeFromFloat(DType::kBF16, values.data(), kPeriod, numbers.data());
  LACOS_CHECK(known, "bf16 is a floating type");
  numbers.resize(bytes);
  for (size_t done = 2 * kPeriod; done < bytes;) {
    const size_t piece = std::min(done, bytes - done);
    std::copy_n(numbers.begin(), piece, numbers.begin() + static_cast<std::ptrdiff_t>(done));
    done += piece;
  }
  return numbers;
}

double MedianSeconds(const std::function<void()>& call, const std::function<void()>& wait) {
  constexpr double kLongEnough = 1e-3;
  const auto timed = [&](int64_t calls) {
    const Stopwatch watch;
    for (int64_t i = 0; i < calls; ++i) call();
    wait();
    return watch.Seconds() / static_cast<double>(calls);
  };
  timed(1);
  const double once = std::max(timed(1), 1e-7);
  const auto calls = std::clamp<int64_t>(static_cast<int64_t>(kLongEnough / once), 1, 32);
  std::array<double, 3> seconds = {timed(calls), timed(calls), timed(calls)};
  std::sort(seconds.begin(), seconds.end());
  return std::max(seconds[1], 1e-9);
}

}  // namespace lacos
