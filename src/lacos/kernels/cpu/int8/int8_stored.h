// The exact integer product of int8_product.h from stored codes that are not packed: for few rows,
// where packing would cost more than the product.
#pragma once

#include <cstdint>

#include "lacos/kernels/cpu/int8/int8_rows.h"

namespace lacos::cpu {

// sums [left.rows, columns] f32, contiguous = (the row's scale) * (exact integer sum). codes
// [columns, depth] have `stride` codes from row to row. Runs on one thread. `multiply` must be the
// mode that the rows' surpluses were computed for.
void Int8DotProduct(const Int8Rows& left, const int8_t* codes, int64_t stride, int64_t columns,
                    int64_t depth, float* sums, Int8Multiply multiply = BestInt8Multiply());

}  // namespace lacos::cpu
