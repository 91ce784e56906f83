// First-order bounds of the rounding errors, one for each element, of the ops with errors that
// depend strongly on the data. They are computed in double from the magnitudes of the terms that
// the ops add up.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lacos::testing {

// Twice the unit roundoff of f32, which leaves a factor of two for second-order terms. In any
// summation order, the error of an f32 dot product of K terms is within K kEps / 2 of its magnitude
// (Higham, "Accuracy and stability of numerical algorithms", 3.1).
inline constexpr double kEps = 0x1p-23;

// Let r = (D + 16) eps. The error of mean is within r of the row's root mean square, and the error
// of rstd within r of rstd. So the error of xhat is within 2 r (1 + |xhat|), because the means of
// these inputs are near zero, and the error of dx is within r of the magnitudes of its terms.
struct LayerNormBounds {
  std::vector<double> y, dx;  // [T, D], without the roundings to activation types
};
LayerNormBounds BoundLayerNorm(const std::vector<double>& x, const std::vector<double>& gamma,
                               const std::vector<double>& xhat, const std::vector<double>& dy,
                               double rstd);

// The bounds for the rows of (dy - y (y . dy)) / norm.
std::vector<double> BoundL2NormalizeBackward(const std::vector<double>& dy,
                                             const std::vector<double>& y,
                                             const std::vector<double>& norm);

// Let E be the error of a score. The relative error of a probability is within E + (mean of E over
// its row) + (length + 8) eps. `keep` gives the dropout factor of a query's row and a channel.
// `roundoff` is the relative error of probabilities and of the scores' gradients that a kernel rounds
// before it multiplies with them.
struct AttentionBounds {
  std::vector<double> y, dqkv;  // [T, H*K], [T, H*3*K]
};
AttentionBounds BoundAttention(const std::vector<double>& qkv, const std::vector<double>& dy,
                               const std::vector<int32_t>& offsets, int heads,
                               const std::function<double(int64_t query, int64_t channel)>& keep,
                               double roundoff);

}  // namespace lacos::testing
