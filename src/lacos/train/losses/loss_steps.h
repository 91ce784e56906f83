// Computations that several losses share, made of the ops of a backend.
#pragma once

#include <cstdint>
#include <span>

#include "lacos/train/losses/loss.h"

namespace lacos {

// The LossResult with `weight` times the value in the one-element tensor `loss`.
LossResult DownloadLoss(Backend& backend, const TensorView& loss, double weight = 1);

// Uploads `targets` into a tensor I32 [N] from `arena`.
TensorView UploadTargets(Backend& backend, Arena& arena, std::span<const int32_t> targets);

// The share of rows in scores [N, M] whose largest entry is in the target's column. Entries with 0
// in `mask` [N * M] are ignored; an empty mask ignores none.
double ShareOfTargetsFirst(Backend& backend, const TensorView& scores,
                           std::span<const int32_t> targets, std::span<const int32_t> mask);

// The rows of vectors [M, D] scaled to length 1, with the values that backward needs.
class UnitVectors {
 public:
  // Tensors come from `arena`.
  UnitVectors(Backend& backend, Arena& arena, const TensorView& vectors);

  const TensorView& values() const { return values_; }
  // The gradient with respect to values(), to be filled in before Backward.
  const TensorView& gradient() const { return gradient_; }
  // Overwrites dvectors [M, D] with the gradient with respect to the vectors.
  void Backward(const TensorView& dvectors) const;

 private:
  Backend& backend_;
  TensorView values_, norm_, gradient_;
};

// The cosine of each of N pairs: rows n and N + n of vectors [2N, D].
class PairCosines {
 public:
  // Tensors come from `arena`.
  PairCosines(Backend& backend, Arena& arena, const TensorView& vectors);

  const TensorView& values() const { return values_; }  // [N]
  // The gradient with respect to values(), to be filled in before Backward.
  const TensorView& gradient() const { return gradient_; }
  // Overwrites dvectors [2N, D] with the gradient with respect to the vectors.
  void Backward(const TensorView& dvectors) const;

 private:
  Backend& backend_;
  UnitVectors unit_;
  int64_t pairs_;
  TensorView values_, gradient_;
};

}  // namespace lacos
