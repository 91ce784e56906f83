// Computes rows of the product B A of a LoRA module in the summation order of PyTorch's float
// matrix product, so that a merged weight has the same bits as PEFT's.
#pragma once

#include <cstdint>

namespace lacos {

// out [rows, cols] = b [rows, rank] * a [rank, cols], row-major. Each value is a chain of fused
// multiply-adds over the rank in increasing order, starting at zero. MKL and oneDNN compute the
// same for small ranks. The result is identical on every machine, because fma rounds once, in
// hardware and in software.
void LowRankProduct(const float* b, const float* a, int64_t rows, int64_t rank, int64_t cols,
                    float* out);
void LowRankProduct(const double* b, const double* a, int64_t rows, int64_t rank, int64_t cols,
                    double* out);

}  // namespace lacos
