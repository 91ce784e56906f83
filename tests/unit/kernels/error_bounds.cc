// The error bounds of error_bounds.h, computed like each op's own sums but with absolute values.
#include "unit/kernels/error_bounds.h"

#include <cmath>

#include "lacos/kernels/alibi.h"
#include "lacos/kernels/backend.h"

namespace lacos::testing {
namespace {

// One query row of one head: its probabilities, the magnitudes of dp, and relative errors.
class QueryRow {
 public:
  QueryRow(const std::vector<double>& qkv, const std::vector<double>& dy, int heads, int64_t dim,
           int h, double slope, double roundoff)
      : qkv_(qkv), dy_(dy), heads_(heads), dim_(dim), h_(h), slope_(slope), roundoff_(roundoff) {}

  // Index of an element in qkv (part 0, 1, 2 is q, k, v), and in the output.
  size_t In(int64_t t, int part, int64_t d) const {
    return static_cast<size_t>((t * heads_ * 3 + h_ * 3 + part) * dim_ + d);
  }
  size_t Out(int64_t t, int64_t d) const {
    return static_cast<size_t>((t * heads_ + h_) * dim_ + d);
  }

  void Add(int64_t first, int64_t i, const std::function<double(int64_t)>& keep,
           AttentionBounds& bounds) const {
    const int64_t count = i - first + 1;
    const auto length = static_cast<double>(count);
    const double sum_error = (length + 8) * kEps;
    const double dot_error = (static_cast<double>(dim_) + 4) * kEps;
    const double scale = 1 / std::sqrt(static_cast<double>(dim_));
    std::vector<double> p(count), error(count), dp(count), score(count);
    std::vector<double> kept(count);
    for (int64_t j = 0; j < count; ++j) {
      kept[j] = keep(j);
      double magnitude = 0;
      for (int64_t d = 0; d < dim_; ++d) {
        const double term = qkv_[In(i, 0, d)] * qkv_[In(first + j, 1, d)];
        score[j] += term * scale;
        magnitude += std::abs(term) * scale;
        dp[j] += std::abs(dy_[Out(i, d)] * qkv_[In(first + j, 2, d)]) * kept[j];
      }
      score[j] -= slope_ * static_cast<double>(i - first - j);
      error[j] = dot_error * magnitude + 4 * slope_ * length * kEps;
    }
    double total = 0, mean_error = 0, mean = 0, mean_dp_error = 0;
    for (int64_t j = 0; j < count; ++j) total += p[j] = std::exp(score[j]);
    for (int64_t j = 0; j < count; ++j) mean_error += (p[j] /= total) * error[j];
    for (int64_t j = 0; j < count; ++j) {
      error[j] += mean_error + 2 * sum_error;
      mean += p[j] * dp[j];
      mean_dp_error += p[j] * dp[j] * (error[j] + dot_error);
    }
    for (int64_t j = 0; j < count; ++j) {
      const double weight = p[j] * kept[j] * (error[j] + roundoff_);
      const double ds =
          p[j] * scale *
          ((dp[j] + mean) * (error[j] + roundoff_) + dot_error * dp[j] + mean_dp_error);
      for (int64_t d = 0; d < dim_; ++d) {
        bounds.y[Out(i, d)] += weight * std::abs(qkv_[In(first + j, 2, d)]);
        bounds.dqkv[In(first + j, 2, d)] += weight * std::abs(dy_[Out(i, d)]);
        bounds.dqkv[In(i, 0, d)] += ds * std::abs(qkv_[In(first + j, 1, d)]);
        bounds.dqkv[In(first + j, 1, d)] += ds * std::abs(qkv_[In(i, 0, d)]);
      }
    }
  }

 private:
  const std::vector<double>& qkv_;
  const std::vector<double>& dy_;
  int64_t heads_, dim_;
  int h_;
  double slope_;
  double roundoff_;
};

}  // namespace

LayerNormBounds BoundLayerNorm(const std::vector<double>& x, const std::vector<double>& gamma,
                               const std::vector<double>& xhat, const std::vector<double>& dy,
                               double rstd) {
  const size_t cols = gamma.size();
  const auto n = static_cast<double>(cols);
  const double r = (n + 16) * kEps;
  LayerNormBounds bounds{std::vector<double>(x.size()), std::vector<double>(x.size())};
  for (size_t row = 0; row < x.size(); row += cols) {
    double mean = 0, square = 0, dy_mean = 0, projection = 0;
    for (size_t c = 0; c < cols; ++c) {
      mean += x[row + c] / n;
      square += x[row + c] * x[row + c] / n;
      dy_mean += std::abs(gamma[c] * dy[row + c]) / n;
      projection += std::abs(gamma[c] * dy[row + c] * xhat[row + c]) / n;
    }
    const double deviation = std::sqrt(square - mean * mean);
    for (size_t c = 0; c < cols; ++c) {
      bounds.y[row + c] =
          2 * r * std::abs(gamma[c]) * (1 + std::abs(x[row + c] - mean) / deviation);
      bounds.dx[row + c] =
          r * rstd *
          (std::abs(gamma[c] * dy[row + c]) + dy_mean + std::abs(xhat[row + c]) * projection);
    }
  }
  return bounds;
}

std::vector<double> BoundL2NormalizeBackward(const std::vector<double>& dy,
                                             const std::vector<double>& y,
                                             const std::vector<double>& norm) {
  const size_t cols = y.size() / norm.size();
  const double r = (static_cast<double>(cols) + 16) * kEps;
  std::vector<double> bounds(y.size());
  for (size_t row = 0; row < y.size(); row += cols) {
    double projection = 0;
    for (size_t c = row; c < row + cols; ++c) projection += std::abs(y[c] * dy[c]);
    for (size_t c = row; c < row + cols; ++c) {
      bounds[c] = r * (std::abs(dy[c]) + std::abs(y[c]) * projection) / norm[row / cols];
    }
  }
  return bounds;
}

AttentionBounds BoundAttention(const std::vector<double>& qkv, const std::vector<double>& dy,
                               const std::vector<int32_t>& offsets, int heads,
                               const std::function<double(int64_t query, int64_t channel)>& keep,
                               double roundoff) {
  AttentionBounds bounds{std::vector<double>(dy.size()), std::vector<double>(qkv.size())};
  const int64_t dim = static_cast<int64_t>(dy.size()) / offsets.back() / heads;
  const std::vector<double> slopes = AlibiSlopes(heads);
  for (int h = 0; h < heads; ++h) {
    const QueryRow row(qkv, dy, heads, dim, h, slopes[h], roundoff);
    for (size_t n = 0; n + 1 < offsets.size(); ++n) {
      for (int64_t i = offsets[n]; i < offsets[n + 1]; ++i) {
        row.Add(
            offsets[n], i, [&](int64_t j) { return keep(i, h * 65536 + j); }, bounds);
      }
    }
  }
  return bounds;
}

}  // namespace lacos::testing
