// Steps that several losses are made of, over the ops of a backend.
#pragma once

#include <cstdint>
#include <span>

#include "lacos/train/losses/loss.h"

namespace lacos {

// A LossResult of `weight` times the value in the one-element tensor `loss`.
LossResult DownloadLoss(Backend& backend, const TensorView& loss, double weight = 1);

// A tensor I32 [N] of `targets`, from `arena`.
TensorView UploadTargets(Backend& backend, Arena& arena, std::span<const int32_t> targets);

// Share of the rows of scores [N, M] whose largest entry is the target's; columns with 0 in
// `mask` [N * M] do not count, and an empty mask leaves none out.
double ShareOfTargetsFirst(Backend& backend, const TensorView& scores,
                           std::span<const int32_t> targets, std::span<const int32_t> mask);

// The rows of vectors [M, D] at length one, with what the way back needs.
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
