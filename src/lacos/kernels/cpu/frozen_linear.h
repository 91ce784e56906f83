// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), in tiles with fused epilogues.
//
// A tile is RowTiles::rows rows by kTileColumns columns, computed by one thread; the tiling of columns is
// fixed by the weight and that of rows cannot be seen in a row's result. So a row's bytes depend on that row
// and the weight only.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/frozen_weights.h"
#include "lacos/kernels/cpu/primitive_cache.h"
#include "lacos/kernels/cpu/row_tiles.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

class FrozenLinear {
 public:
  // Compute::kF32 or kBF16; the latter emulates bf16 exactly where the CPU has none.
  FrozenLinear(Compute compute, Workspace& work);

  FrozenWeights& weights() { return weights_; }
  void Forward(V x, WeightId weight, const Epilogue& epilogue, V y);
  void Backward(V dy, WeightId weight, const BackwardEpilogue& epilogue, V dx);
  size_t WorkspaceBytes(WeightId weight, int64_t rows, Orientation orientation) const;
  // One line for KernelInfo.
  std::string Describe() const;

 private:
  static ProductType ChooseType(Compute compute, PrimitiveCache& cache);

  struct Operand;  // the left matrix of a product, tile by tile
  template <class Finish>
  void RunTiles(const Operand& left, WeightId weight, Orientation orientation, const Finish& finish);
  const void* LeftTile(const Operand& left, int64_t tile, std::vector<int64_t>& held);

  Workspace& work_;
  PrimitiveCache cache_;
  ProductType type_;
  std::string implementation_;
  RowTiles tiles_;
  FrozenWeights weights_;
};

}  // namespace lacos::cpu
