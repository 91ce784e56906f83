// Losses and optimizer steps on f32 tensors. They use the templates of kernels/reference in double,
// and kernels/adam.h.
#pragma once

#include <span>

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores);
void MeanSquaredError(View x, View target, View loss, View dx);
void CosentLoss(View x, View labels, double scale, View loss, View dx);
void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp, View dn);

void SumSquares(std::span<const TensorView> x, View out, View nonfinite);
void Adam8(const AdamStep& step, View gradient, const Adam8State& state, View parameter);
void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter);

}  // namespace lacos::cpu
