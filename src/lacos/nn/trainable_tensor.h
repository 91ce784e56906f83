// A tensor that training changes, with its gradient.
#pragma once

#include <string>

#include "lacos/tensor/tensor_view.h"

namespace lacos {

// Listed once, by the model or by the loss, for the optimizer, checkpoints and export. The name is
// lacos's own, not PEFT's: "h.0.self_attention.query_key_value.lora_A", "h.0.mlp.dense_h_to_4h.bias".
struct TrainableTensor {
  std::string name;
  TensorView value;
  TensorView gradient;
};

}  // namespace lacos
