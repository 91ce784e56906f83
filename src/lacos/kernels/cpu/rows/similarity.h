// Ops on text vectors [N, D]: normalization, dot products, differences. The data is small, so sums
// are in double, in index order.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void L2Normalize(View x, View norm, View y);
void L2NormalizeBackward(View dy, View y, View norm, bool accumulate, View dx);
void CopyColumns(View x, bool accumulate, View y);
void GatherRows(View x, View index, View y);
void GatherRowsBackward(View dy, View index, View dx);
void RowDot(View a, View b, View y);
void RowScale(View x, View scale, bool accumulate, View y);
void AbsDifference(View a, View b, View y);
void AbsDifferenceBackward(View dy, View a, View b, View da, View db);
void AngleSimilarity(View a, View b, View y);
void AngleSimilarityBackward(View dy, View a, View b, View da, View db);

}  // namespace lacos::cpu
