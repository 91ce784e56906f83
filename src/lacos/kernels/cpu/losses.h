// Losses and optimizer steps on f32 tensors: the shared templates of kernels/reference in double, and
// kernels/adam.h.
#pragma once

#include <span>

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void SoftmaxCrossEntropy(V scores, V mask, V targets, V loss, V dscores);
void MeanSquaredError(V x, V target, V loss, V dx);
void CosentLoss(V x, V labels, double scale, V loss, V dx);
void TripletLoss(V a, V p, V n, double margin, V loss, V da, V dp, V dn);

void SumSquares(std::span<const TensorView> x, V out, V nonfinite);
void Adam8(const AdamStep& step, V gradient, const Adam8State& state, V parameter);
void Adam(const AdamStep& step, V gradient, const AdamState& state, V parameter);

}  // namespace lacos::cpu
