// An optimizer over a few small tensors of the reference backend, for tests that save and restore
// its state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/train/optimizer.h"

namespace lacos {

// F64 tensors "a", "b", ... of the given shapes. All their values and gradients are `value`.
class TinyTraining {
 public:
  TinyTraining(const std::vector<Shape>& shapes, OptimizerKind kind, double value)
      : backend_(MakeReferenceBackend(DType::kF64)) {
    std::vector<TrainableTensor> tensors;
    for (const Shape& shape : shapes) {
      TrainableTensor tensor{.name = std::string(1, static_cast<char>('a' + tensors.size()))};
      for (TensorView* view : {&tensor.value, &tensor.gradient}) {
        buffers_.push_back(
            backend_->Allocate(static_cast<size_t>(shape.Elements()) * sizeof(double)));
        *view = {buffers_.back().data(), DType::kF64, shape};
        backend_->Fill(*view, value);
      }
      tensors.push_back(tensor);
    }
    optimizer_ = std::make_unique<Optimizer>(*backend_, OptimizerOptions{.kind = kind}, tensors);
  }
  Backend& backend() { return *backend_; }
  Optimizer& optimizer() { return *optimizer_; }

 private:
  std::unique_ptr<Backend> backend_;
  std::vector<Buffer> buffers_;
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace lacos
