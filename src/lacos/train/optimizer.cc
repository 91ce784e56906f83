#include "lacos/train/optimizer.h"

#include <cmath>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/transfer.h"

namespace lacos {

Optimizer::Optimizer(Backend& backend, const OptimizerOptions& options,
                     std::vector<TrainableTensor> tensors)
    : backend_(backend), options_(options), tensors_(std::move(tensors)) {
  const TypeSet types = backend_.Types();
  for (const TrainableTensor& tensor : tensors_) {
    const int64_t n = tensor.value.Elements();
    State state;
    state.eight_bit = options_.kind == OptimizerKind::kAdam8 && n >= kMin8BitElements;
    if (state.eight_bit) {
      const int64_t blocks = CeilDivide(n, kAdam8Block);
      state.adam8 = {.m_codes = NewState(DType::kU8, n),
                     .v_codes = NewState(DType::kU8, n),
                     .m_absmax = NewState(DType::kF32, blocks),
                     .v_absmax = NewState(DType::kF32, blocks)};
    } else {
      state.adam = {.m = NewState(types.parameter, n), .v = NewState(types.parameter, n)};
    }
    states_.push_back(state);
  }
  sum_ = NewState(types.statistic, 1);
  nonfinite_ = NewState(types.statistic, 1);
}

TensorView Optimizer::NewState(DType dtype, int64_t elements) {
  const size_t bytes = static_cast<size_t>(elements) * SizeOf(dtype);
  // The memory is zeroed. Code 0 with absmax 0 is the state with which bitsandbytes starts.
  buffers_.push_back(backend_.Allocate(bytes));
  state_bytes_ += static_cast<int64_t>(bytes);
  return {buffers_.back().data(), dtype, Shape{elements}};
}

Optimizer::GradientNorm Optimizer::MeasureGradients() {
  std::vector<TensorView> gradients;
  for (const TrainableTensor& tensor : tensors_) gradients.push_back(tensor.gradient);
  backend_.SumSquares(gradients, sum_, nonfinite_);
  return {.norm = std::sqrt(DownloadDoubles(backend_, sum_)[0]),
          .nonfinite = static_cast<int64_t>(DownloadDoubles(backend_, nonfinite_)[0])};
}

std::optional<Optimizer::Nonfinite> Optimizer::FirstNonfinite(TensorView TrainableTensor::*view) {
  for (const TrainableTensor& tensor : tensors_) {
    const std::vector<TensorView> one = {tensor.*view};
    backend_.SumSquares(one, sum_, nonfinite_);
    const auto values = static_cast<int64_t>(DownloadDoubles(backend_, nonfinite_)[0]);
    if (values > 0) return Nonfinite{.tensor = tensor.name, .nonfinite_values = values};
  }
  return std::nullopt;
}

std::optional<Optimizer::Nonfinite> Optimizer::FirstNonfiniteGradient() {
  return FirstNonfinite(&TrainableTensor::gradient);
}

std::optional<Optimizer::Nonfinite> Optimizer::FirstNonfiniteValue() {
  return FirstNonfinite(&TrainableTensor::value);
}

void Optimizer::Step(double learning_rate, double gradient_scale) {
  ++steps_;
  const AdamStep step{.step = steps_,
                      .learning_rate = learning_rate,
                      .beta1 = options_.beta1,
                      .beta2 = options_.beta2,
                      .eps = options_.eps,
                      .weight_decay = options_.weight_decay,
                      .gradient_scale = gradient_scale};
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (states_[i].eight_bit) {
      backend_.Adam8(step, tensors_[i].gradient, states_[i].adam8, tensors_[i].value);
    } else {
      backend_.Adam(step, tensors_[i].gradient, states_[i].adam, tensors_[i].value);
    }
  }
}

void Optimizer::ForEachState(
    const std::function<void(const std::string&, const TensorView&)>& visit) const {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const std::string& name = tensors_[i].name;
    if (states_[i].eight_bit) {
      visit(name + ".m_codes", states_[i].adam8.m_codes);
      visit(name + ".v_codes", states_[i].adam8.v_codes);
      visit(name + ".m_absmax", states_[i].adam8.m_absmax);
      visit(name + ".v_absmax", states_[i].adam8.v_absmax);
    } else {
      visit(name + ".m", states_[i].adam.m);
      visit(name + ".v", states_[i].adam.v);
    }
  }
}

}  // namespace lacos
