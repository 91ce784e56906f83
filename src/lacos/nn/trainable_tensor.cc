#include "lacos/nn/trainable_tensor.h"
#include "lacos/kernels/transfer.h"

namespace lacos {

TensorView NewParameter(Backend& backend, const Shape& shape, std::vector<Buffer>& buffers) {
  const DType dtype = backend.Types().parameter;
  buffers.push_back(backend.Allocate(static_cast<size_t>(shape.Elements()) * SizeOf(dtype)));
  return {buffers.back().data(), dtype, shape};
}

TrainableTensor NewTrainable(Backend& backend, const std::string& name, const Shape& shape,
                             std::vector<Buffer>& buffers) {
  return {.name = name,
          .value = NewParameter(backend, shape, buffers),
          .sum = NewGradientSum(backend, shape, buffers),
          .gradient = NewParameter(backend, shape, buffers)};
}

}  // namespace lacos
