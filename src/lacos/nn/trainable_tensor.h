// A tensor that training changes, with the sum of its gradient.
#pragma once

#include <string>
#include <vector>

#include "lacos/kernels/backend.h"

namespace lacos {

// Listed once, by the model or by the loss, for the optimizer, checkpoints and export. The name is
// lacos's own, not PEFT's: "h.0.self_attention.query_key_value.lora_A", "h.0.mlp.dense_h_to_4h.bias".
struct TrainableTensor {
  std::string name;
  TensorView value;
  GradientSum sum;      // the accumulator to which the leaves of a step add the gradient
  TensorView gradient;  // the sum in the parameter's type, once the step's last leaf was added
  size_t Bytes() const { return value.Bytes() + sum.Bytes() + gradient.Bytes(); }
};

// A tensor of zeros in the backend's type for parameters. Its memory is added to `buffers`.
TensorView NewParameter(Backend& backend, const Shape& shape, std::vector<Buffer>& buffers);

// A trainable tensor of zeros. Its memory is added to `buffers`.
TrainableTensor NewTrainable(Backend& backend, const std::string& name, const Shape& shape,
                             std::vector<Buffer>& buffers);

}  // namespace lacos
