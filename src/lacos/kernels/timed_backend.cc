#include "lacos/kernels/timed_backend.h"

#include <algorithm>
#include <utility>

#include "lacos/base/check.h"
#include "lacos/base/process.h"
#include "lacos/kernels/dry_backend.h"
#include "lacos/kernels/forwarding_backend.h"

namespace lacos {
namespace {

class TimedBackend final : public ForwardingBackend {
 public:
  TimedBackend(std::unique_ptr<Backend> inner, OpTimes& times)
      : ForwardingBackend(std::move(inner)), times_(times) {}

  WeightId AddWeight(const QuantizedMatrix& matrix) override {
    const WeightId weight = inner().AddWeight(matrix);
    LACOS_CHECK(weight >= 0, "weights are counted from 0");
    if (static_cast<size_t>(weight) >= shapes_.size())
      shapes_.resize(static_cast<size_t>(weight) + 1);
    shapes_[weight] = {matrix.rows, matrix.cols};
    return weight;
  }
  StepPhase ChangePhase(StepPhase phase) override {
    inner().ChangePhase(phase);
    return std::exchange(phase_, phase);
  }

 protected:
  void Before(const OpCall&) override { watch_ = {}; }
  void After(const OpCall& call) override {
    inner().Synchronize();
    const double seconds = watch_.Seconds();
    // Similarities and the products of LoRA use the same op; the phase tells them apart.
    CountOp(phase_ == StepPhase::kVectors ? StepPart::kVectors : call.part, call, seconds);
    if (call.product.weight >= 0) CountProduct(call.product, seconds);
  }

 private:
  struct MatrixShape {
    int64_t rows = 0, cols = 0;
  };

  void CountOp(StepPart part, const OpCall& call, double seconds) {
    auto op = std::find_if(times_.ops.begin(), times_.ops.end(), [&](const OpTime& other) {
      return other.part == part && other.op == call.op;
    });
    if (op == times_.ops.end()) op = times_.ops.insert(op, {.part = part, .op = call.op});
    op->calls += 1;
    op->seconds += seconds;
    op->bytes += call.bytes;
  }

  void CountProduct(const ProductCall& call, double seconds) {
    LACOS_CHECK(static_cast<size_t>(call.weight) < shapes_.size(),
                "a weight that AddWeight returned");
    const MatrixShape& shape = shapes_[call.weight];
    auto product =
        std::find_if(times_.products.begin(), times_.products.end(), [&](const ProductTime& other) {
          return other.orientation == call.orientation && other.out == shape.rows &&
                 other.in == shape.cols;
        });
    if (product == times_.products.end()) {
      product = times_.products.insert(
          product, {.orientation = call.orientation, .out = shape.rows, .in = shape.cols});
    }
    ++product->calls;
    product->rows += call.rows;
    product->seconds += seconds;
  }

  OpTimes& times_;
  std::vector<MatrixShape> shapes_;  // indexed by WeightId
  Stopwatch watch_;
  StepPhase phase_ = StepPhase::kTokens;
};

}  // namespace

std::array<OpTimes::Part, kStepParts> OpTimes::Parts() const {
  std::array<Part, kStepParts> parts{};
  for (const OpTime& op : ops) {
    Part& part = parts[static_cast<size_t>(op.part)];
    part.calls += op.calls;
    part.seconds += op.seconds;
  }
  return parts;
}

double OpTimes::Seconds() const {
  double seconds = 0;
  for (const OpTime& op : ops) seconds += op.seconds;
  return seconds;
}

void OpTimes::Clear() {
  ops.clear();
  products.clear();
}

std::unique_ptr<Backend> MakeTimedBackend(std::unique_ptr<Backend> backend, OpTimes& times) {
  return std::make_unique<TimedBackend>(std::move(backend), times);
}

}  // namespace lacos
