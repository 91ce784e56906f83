// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), with fused epilogues.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/cublaslt.h"
#include "lacos/kernels/cuda/linear/frozen_weights.h"
#include "lacos/kernels/cuda/linear/products.h"

namespace lacos::cuda {

class FrozenLinear {
 public:
  // In bf16 mode, cuBLASLt computes products on GPUs whose tensor cores it uses better than mma.sync
  // does, if it is installed and passes a check.
  FrozenLinear(Compute compute, Context& context);

  // Adds a weight and chooses the algorithms of its products, which Facts names from then on.
  WeightId AddWeight(const QuantizedMatrix& matrix);
  FrozenWeights& weights() { return weights_; }
  const FrozenWeights& weights() const { return weights_; }
  void Forward(View x, WeightId weight, const Epilogue& epilogue, View y);
  void Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx);

  // Tests choose a tile; otherwise it depends on the shape. The bytes are the same.
  void UseTile(std::optional<TileChoice> tile) { tile_ = tile; }
  // A description in one line, and everything else that the bytes of products depend on.
  std::string Describe() const;
  std::vector<KernelInfo::Fact> Facts() const;

 private:
  struct LeftPlan;
  LeftPlan PlanLeft(int64_t rows, int64_t depth, DType type, bool aligned, bool scaled) const;
  // Multiplies with all rows of `left`, in launches of at most kMaxSegments updates each.
  template <class Segment>
  void Run(View left, WeightId weight, Orientation orientation, const EpilogueArguments& epilogue,
           const std::vector<Segment>& segments);

  Compute compute_;
  Context& context_;
  FrozenWeights weights_;
  std::unique_ptr<CublasLtProducts> library_;
  std::optional<TileChoice> tile_;
};

}  // namespace lacos::cuda
