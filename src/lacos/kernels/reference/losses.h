// The losses with their gradients, equal to the formulas of torch and sentence-transformers, with
// mean reduction.
//
// How to use it: S is the type of the arithmetic (double, or std::complex<double> for complex
// step), T the type in memory. For example, a backend with float tensors calls
// `ref::SoftmaxCrossEntropy<double>(scores, mask, targets, N, M, dscores)`, where T = float is
// deduced. Everything is sequential and in index order, so a call gives the same bytes on all
// machines with the same libm. A gradient pointer may be null. Functions return the loss.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// One row: `weight` times (the log-sum-exp of the unmasked scores, minus the target's score);
// dscores = weight (softmax - one-hot). scores, mask, dscores [cols]. The target counts as unmasked
// in any case; a null mask leaves all columns in.
template <class S, class T>
S SoftmaxCrossEntropyRow(const T* scores, const uint8_t* mask, int32_t target, int64_t cols,
                         double weight, T* dscores) {
  const auto in = [&](int64_t j) { return mask == nullptr || mask[j] != 0 || j == target; };
  int64_t largest = target;
  for (int64_t j = 0; j < cols; ++j) {
    if (in(j) && Real(scores[j]) > Real(scores[largest])) largest = j;
  }
  const S shift = S(scores[largest]);
  S sum = 0;
  for (int64_t j = 0; j < cols; ++j) {
    if (in(j)) sum += std::exp(S(scores[j]) - shift);
  }
  if (dscores != nullptr) {
    const S target_score = S(scores[target]);
    for (int64_t j = 0; j < cols; ++j) {
      const S p = in(j) ? std::exp(S(scores[j]) - shift) / sum : S(0);
      dscores[j] = Narrow<T>((p - (j == target ? 1.0 : 0.0)) * weight);
    }
    return (std::log(sum) + shift - target_score) * weight;
  }
  return (std::log(sum) + shift - S(scores[target])) * weight;
}

// The mean over rows; scores, mask, dscores [rows, cols], targets [rows]. dscores may be scores.
template <class S, class T>
S SoftmaxCrossEntropy(const T* scores, const uint8_t* mask, const int32_t* targets, int64_t rows,
                      int64_t cols, T* dscores) {
  S loss = 0;
  for (int64_t i = 0; i < rows; ++i) {
    loss += SoftmaxCrossEntropyRow<S>(
        scores + i * cols, mask == nullptr ? nullptr : mask + i * cols, targets[i], cols,
        1.0 / static_cast<double>(rows), dscores == nullptr ? nullptr : dscores + i * cols);
  }
  return loss;
}

// The mean of (x - target)^2; x, target, dx [n].
template <class S, class T>
S MeanSquaredError(const T* x, const T* target, int64_t n, T* dx) {
  S loss = 0;
  for (int64_t i = 0; i < n; ++i) {
    const S difference = S(x[i]) - S(target[i]);
    loss += difference * difference;
    if (dx != nullptr) dx[i] = Narrow<T>(difference * (2.0 / static_cast<double>(n)));
  }
  return loss / static_cast<double>(n);
}

// log(1 + sum over pairs with label[i] < label[j] of exp(scale (x[i] - x[j]))); x, labels, dx [n].
// O(n^2) time, O(n) memory. Source: Su, "CoSENT" (2022).
template <class S, class T>
S CosentLoss(const T* x, const T* labels, double scale, int64_t n, T* dx) {
  const auto for_each_pair = [&](auto&& visit) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        if (Real(labels[i]) < Real(labels[j])) visit(i, j, (S(x[i]) - S(x[j])) * scale);
      }
    }
  };
  S shift = 0;  // starts at 0, because the 1 is exp(0)
  for_each_pair([&](int64_t, int64_t, const S& score) {
    if (Real(score) > Real(shift)) shift = score;
  });
  S sum = std::exp(-shift);
  for_each_pair([&](int64_t, int64_t, const S& score) { sum += std::exp(score - shift); });
  if (dx != nullptr) {
    std::vector<S> gradient(static_cast<size_t>(n), S(0));
    for_each_pair([&](int64_t i, int64_t j, const S& score) {
      const S p = std::exp(score - shift) / sum * scale;
      gradient[i] += p;
      gradient[j] -= p;
    });
    for (int64_t i = 0; i < n; ++i) dx[i] = Narrow<T>(gradient[i]);
  }
  return shift + std::log(sum);
}

// The distance of torch's pairwise_distance is sqrt(sum (a - b + 1e-6)^2).
constexpr double kDistanceEps = 1e-6;
template <class S, class T>
S PairwiseDistance(const T* a, const T* b, int64_t cols) {
  S sum = 0;
  for (int64_t d = 0; d < cols; ++d) {
    const S difference = S(a[d]) - S(b[d]) + kDistanceEps;
    sum += difference * difference;
  }
  return Real(sum) == 0 ? S(0) : S(std::sqrt(sum));
}

// The mean over rows of max(0, |a - p| - |a - n| + margin); a, p, n, da, dp, dn [rows,
// cols]. The gradient is zero where the maximum is zero (also if both arguments are 0)
// and where a distance is 0.
template <class S, class T>
S TripletLoss(const T* a, const T* p, const T* n, double margin, int64_t rows, int64_t cols, T* da,
              T* dp, T* dn) {
  S loss = 0;
  const double weight = 1.0 / static_cast<double>(rows);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = i * cols;
    const S near = PairwiseDistance<S>(a + row, p + row, cols);
    const S far = PairwiseDistance<S>(a + row, n + row, cols);
    const S hinge = near - far + margin;
    const bool active = Real(hinge) > 0;
    if (active) loss += hinge;
    if (da == nullptr) continue;
    for (int64_t d = row; d < row + cols; ++d) {
      const S toward =
          active && Real(near) > 0 ? (S(a[d]) - S(p[d]) + kDistanceEps) / near * weight : S(0);
      const S away =
          active && Real(far) > 0 ? (S(a[d]) - S(n[d]) + kDistanceEps) / far * weight : S(0);
      da[d] = Narrow<T>(toward - away);
      dp[d] = Narrow<T>(-toward);
      dn[d] = Narrow<T>(away);
    }
  }
  return loss * weight;
}

}  // namespace lacos::ref
