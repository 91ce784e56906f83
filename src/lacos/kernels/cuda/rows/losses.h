// The losses, with the gradients of their inputs. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void SoftmaxCrossEntropy(Context& context, View scores, View mask, View targets, View loss,
                         View dscores);
void MeanSquaredError(Context& context, View x, View target, View loss, View dx);
void CosentLoss(Context& context, View x, View labels, double scale, View loss, View dx);
void TripletLoss(Context& context, View a, View p, View n, double margin, View loss, View da,
                 View dp, View dn);

}  // namespace lacos::cuda
