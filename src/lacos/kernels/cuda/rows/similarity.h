// Ops on one vector for each text: normalization, products of rows, differences, AnglE's similarity,
// gathering of rows. The arguments are those of Backend's ops.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"

namespace lacos::cuda {

void L2Normalize(Context& context, View x, View norm, View y);
void L2NormalizeBackward(Context& context, View dy, View y, View norm, bool accumulate, View dx);
void CopyColumns(Context& context, View x, bool accumulate, View y);
void GatherRows(Context& context, View x, View index, View y);
void GatherRowsBackward(Context& context, View dy, View index, View dx);
void RowDot(Context& context, View a, View b, View y);
void RowScale(Context& context, View x, View scale, bool accumulate, View y);
void AbsDifference(Context& context, View a, View b, View y);
void AbsDifferenceBackward(Context& context, View dy, View a, View b, View da, View db);
void AngleSimilarity(Context& context, View a, View b, View y);
void AngleSimilarityBackward(Context& context, View dy, View a, View b, View da, View db);

}  // namespace lacos::cuda
