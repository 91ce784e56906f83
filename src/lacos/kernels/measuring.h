// What measurements of devices share: numbers to compute with, and the time of a call.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace lacos {

// `bytes` bytes of bf16 normal numbers. A prime number of values repeats, so that the rows of a matrix
// differ. Zeros would not do: a GPU takes less power for them and is faster.
std::vector<std::byte> NormalNumbers(size_t bytes);

// The median duration of `call` in seconds, over three measurements of as many calls as take a
// millisecond. `wait` returns when the work that calls have queued is done. Calls before the
// measurements load kernels.
double MedianSeconds(const std::function<void()>& call, const std::function<void()>& wait);

}  // namespace lacos
