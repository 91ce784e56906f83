// Verbs on text vectors [N, D]: normalisation, dot products, differences. Small: sums are in double, in index
// order.
#pragma once

#include "lacos/kernels/backend.h"

namespace lacos::cpu {

void L2Normalize(V x, V norm, V y);
void L2NormalizeBackward(V dy, V y, V norm, bool accumulate, V dx);
void CopyColumns(V x, bool accumulate, V y);
void GatherRows(V x, V index, V y);
void GatherRowsBackward(V dy, V index, V dx);
void RowDot(V a, V b, V y);
void RowScale(V x, V scale, bool accumulate, V y);
void AbsDifference(V a, V b, V y);
void AbsDifferenceBackward(V dy, V a, V b, V da, V db);

}  // namespace lacos::cpu
