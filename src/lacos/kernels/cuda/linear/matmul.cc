#include "lacos/kernels/cuda/linear/matmul.h"

#include "lacos/kernels/cuda/linear/f32_product.h"

namespace lacos::cuda {

void MatMul(Context& context, View a, Transpose ta, View b, Transpose tb, double alpha, double beta,
            View y) {
  const bool a_transposed = ta == Transpose::kYes, b_transposed = tb == Transpose::kYes;
  const int64_t rows = y.rows(), columns = y.cols();
  const int64_t depth = a_transposed ? a.rows() : a.cols();
  LACOS_CHECK((a_transposed ? a.cols() : a.rows()) == rows, "op(a) has y's rows");
  LACOS_CHECK((b_transposed ? b.rows() : b.cols()) == columns &&
                  (b_transposed ? b.cols() : b.rows()) == depth,
              "op(b) has y's columns");
  LACOS_CHECK(
      rows < (int64_t{1} << 30) && columns < (int64_t{1} << 30) && depth < (int64_t{1} << 30),
      "sizes fit in 32 bit");
  if (rows == 0 || columns == 0) return;
  // Both steps of a matrix with one row or column are correct; 1 along the depth is the faster one.
  const int64_t a_step = a_transposed ? rows : 1, b_step = b_transposed ? 1 : columns;
  RunMatMul(context.stream(),
            {.left = {DeviceFloatsOf(a), a_transposed ? 1 : depth, a_step},
             .right = {DeviceFloatsOf(b), b_step, b_transposed ? depth : 1},
             .rows = static_cast<int32_t>(rows),
             .columns = static_cast<int32_t>(columns),
             .depth = static_cast<int32_t>(depth)},
            static_cast<float>(alpha), static_cast<float>(beta), DeviceFloatsOf(y));
}

}  // namespace lacos::cuda
