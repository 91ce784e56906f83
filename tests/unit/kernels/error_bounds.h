// First-order rounding-error bounds, one for each element, of the ops whose errors depend strongly
// on the data; computed in double from the magnitudes of the terms that the ops add up.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lacos::testing {

// Twice the unit roundoff of f32, which leaves a factor of two for second-order terms: a K-term f32
// dot product is within K kEps / 2 of its magnitude in any summation order (Higham, "Accuracy and
// stability of numerical algorithms", 3.1).
inline constexpr double kEps = 0x1p-23;

// With r = (D + 16) eps: mean and rstd are within r relative to the row's root mean square and to
// themselves, so xhat is within 2 r (1 + |xhat|) (these inputs' means are near zero), and dx within
// r of its terms' magnitudes.
struct LayerNormBounds {
  std::vector<double> y, dx;  // [T, D], without the roundings to activation types
};
LayerNormBounds BoundLayerNorm(const std::vector<double>& x, const std::vector<double>& gamma,
                               const std::vector<double>& xhat, const std::vector<double>& dy,
                               double rstd);

// Rows of (dy - y (y . dy)) / norm.
std::vector<double> BoundL2NormalizeBackward(const std::vector<double>& dy,
                                             const std::vector<double>& y,
                                             const std::vector<double>& norm);

// With E a score's error, a probability is within E + (mean of E over its row) + (length + 8) eps
// of itself. `keep` gives the dropout factor of a query's row and a channel.
struct AttentionBounds {
  std::vector<double> y, dqkv;  // [T, H*K], [T, H*3*K]
};
AttentionBounds BoundAttention(const std::vector<double>& qkv, const std::vector<double>& dy,
                               const std::vector<int32_t>& offsets, int heads,
                               const std::function<double(int64_t query, int64_t channel)>& keep);

}  // namespace lacos::testing
