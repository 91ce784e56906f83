// Adam over the trainable tensors, with block-wise 8-bit or f32 moments.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/nn/trainable_tensor.h"
#include "lacos/train/kinds.h"

namespace lacos {

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdam8;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // decoupled weight decay
};

// Tensors below this many elements keep f32 moments under kAdam8 (bitsandbytes' min_8bit_size).
inline constexpr int64_t kMin8BitElements = 4096;
inline constexpr int64_t kAdam8Block = 256;

class Optimizer {
 public:
  Optimizer(Backend& backend, const OptimizerOptions& options,
            std::vector<TrainableTensor> tensors);

  struct GradientNorm {
    double norm = 0;
    int64_t nonfinite = 0;  // number of values that are NaN or infinite
  };
  GradientNorm MeasureGradients();
  struct Nonfinite {
    std::string tensor;
    int64_t nonfinite_values = 0;  // NaN or infinite values in this tensor
  };
  // The first tensor, in the order of tensors(), with a gradient or a value that is not finite.
  std::optional<Nonfinite> FirstNonfiniteGradient();
  std::optional<Nonfinite> FirstNonfiniteValue();
  // Makes one update with this learning rate. Gradients are first multiplied by `gradient_scale`,
  // for clipping.
  void Step(double learning_rate, double gradient_scale);

  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  const std::vector<TrainableTensor>& tensors() const { return tensors_; }
  int64_t StateBytes() const { return state_bytes_; }
  // Visits every state tensor with its name ("<tensor>.m_codes", ...). Saving and loading use this
  // list.
  void ForEachState(
      const std::function<void(const std::string& name, const TensorView& state)>& visit) const;

 private:
  struct State {
    bool eight_bit = false;
    Adam8State adam8;
    AdamState adam;
  };
  std::optional<Nonfinite> FirstNonfinite(TensorView TrainableTensor::*view);
  TensorView NewState(DType dtype, int64_t elements);

  Backend& backend_;
  OptimizerOptions options_;
  std::vector<TrainableTensor> tensors_;
  std::vector<State> states_;
  std::vector<Buffer> buffers_;
  TensorView sum_, nonfinite_;  // tensors with one element each
  int64_t steps_ = 0;
  int64_t state_bytes_ = 0;
};

}  // namespace lacos
