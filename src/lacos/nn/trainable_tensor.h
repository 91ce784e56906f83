// A tensor that training changes, with the sum of its gradient.
#pragma once

#include <string>
#include <vector>

#include "lacos/kernels/backend.h"

namespace lacos {

// The model or the loss lists each of its trainable tensors once, for the optimizer, checkpoints
// and export. The name is lacos's own and not PEFT's: "h.0.self_attention.query_key_value.lora_A",
// "h.0.mlp.dense_h_to_4h.bias".
struct TrainableTensor {
  std::string name;
  TensorView value;
  GradientSum sum;  // accumulator to which the leaves of a step add the gradient
  // the sum in the parameter's type, valid once the last leaf of the step was added
  TensorView gradient;
  size_t Bytes() const { return value.Bytes() + sum.Bytes() + gradient.Bytes(); }
};

// Returns a tensor of zeros in the backend's type for parameters. Its memory is added to `buffers`.
TensorView NewParameter(Backend& backend, const Shape& shape, std::vector<Buffer>& buffers);

// Returns a trainable tensor of zeros. Its memory is added to `buffers`.
TrainableTensor NewTrainable(Backend& backend, const std::string& name, const Shape& shape,
                             std::vector<Buffer>& buffers);

}  // namespace lacos
