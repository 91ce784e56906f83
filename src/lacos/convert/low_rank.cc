#include "lacos/convert/low_rank.h"

#include <algorithm>
#include <cmath>

namespace lacos {
namespace {

template <class T>
[[gnu::always_inline]] inline void Product(const T* b, const T* a, int64_t rows, int64_t rank,
                                           int64_t cols, T* out) {
  for (int64_t i = 0; i < rows; ++i) {
    T* __restrict row = out + i * cols;
    std::fill_n(row, cols, T{0});
    for (int64_t k = 0; k < rank; ++k) {
      const T factor = b[i * rank + k];
      const T* __restrict terms = a + k * cols;
      for (int64_t j = 0; j < cols; ++j) row[j] = std::fma(factor, terms[j], row[j]);
    }
  }
}

#if defined(__x86_64__)
// The program is built for any x86-64 processor, where every fma is a call of a library function.
// This copy uses the instruction.
template <class T>
[[gnu::target("avx2,fma")]] void ProductWithFma(const T* b, const T* a, int64_t rows, int64_t rank,
                                                int64_t cols, T* out) {
  Product(b, a, rows, rank, cols, out);
}
#endif

template <class T>
void Dispatch(const T* b, const T* a, int64_t rows, int64_t rank, int64_t cols, T* out) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    ProductWithFma(b, a, rows, rank, cols, out);
    return;
  }
#endif
  Product(b, a, rows, rank, cols, out);
}

}  // namespace

void LowRankProduct(const float* b, const float* a, int64_t rows, int64_t rank, int64_t cols,
                    float* out) {
  Dispatch(b, a, rows, rank, cols, out);
}

void LowRankProduct(const double* b, const double* a, int64_t rows, int64_t rank, int64_t cols,
                    double* out) {
  Dispatch(b, a, rows, rank, cols, out);
}

}  // namespace lacos
