// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), in tiles with fused
// epilogues.
//
// A tile is RowTiles::rows rows by kTileColumns columns, computed by one thread (tile_plan.h); the
// tiling of columns is fixed by the weight and that of rows cannot be seen in a row's result. So a
// row's bytes depend on that row and the weight only.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/linear/frozen_weights.h"
#include "lacos/kernels/cpu/linear/primitive_cache.h"
#include "lacos/kernels/cpu/linear/row_tiles.h"
#include "lacos/kernels/cpu/linear/tile_plan.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

class FrozenLinear {
 public:
  // Who multiplies 8-bit rows: oneDNN where its products are exact (but for a few rows), else
  // Int8Product. Tests ask for one.
  enum class Int8Choice : uint8_t { kBest, kPacked, kOneDnn };

  // kBF16 is emulated exactly where the CPU has none; kInt8 is exact integer arithmetic on every
  // CPU.
  FrozenLinear(Compute compute, Workspace& work, Int8Choice int8 = Int8Choice::kBest);

  FrozenWeights& weights() { return weights_; }
  void Forward(View x, WeightId weight, const Epilogue& epilogue, View y);
  void Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx);
  // What a product of x [T, in] (or dy [T, out]) takes with a LoRA update of this rank (0: none).
  // Makes the products' primitives, as the product itself would.
  WorkspaceNeed Need(View x, WeightId weight, Orientation orientation, int64_t rank);
  // Scratch held now beside the shared workspace: a decoded weight and a packed one.
  size_t HeldBytes() const { return weights_.HeldBytes() + packed_.capacity(); }
  // One line for KernelInfo.
  std::string Describe() const;

 private:
  static ProductType ChooseType(Compute compute, PrimitiveCache& cache);
  RowTiles ChooseTiles();  // sets implementation_

  TileKernel KernelFor(int64_t rows, Orientation orientation) const;
  TilePlan Plan(int64_t rows, DType left, WeightId weight, Orientation orientation);

  struct Operand;  // the left matrix of a product
  // Calls finish(tile, sums, row_scale of the tile's columns or null) for each tile.
  template <class Finish>
  void RunTiles(const Operand& left, WeightId weight, Orientation orientation,
                const Finish& finish);
  // The tile's left rows as its kernel takes them. `held` says which row tile each thread's scratch
  // holds, so that one is converted once for all its columns that a thread computes.
  const void* LeftTile(const TilePlan& plan, const Operand& left, const Tile& tile,
                       std::vector<int64_t>& held);
  // The tile's sums, made by oneDNN; `weight` is the tile's part.
  float* Multiply(const TilePlan& plan, const Tile& tile, const void* left, const void* weight);
  const int8_t* PackWhole(WeightId weight, Orientation orientation, int64_t columns, int64_t depth);

  Workspace& work_;
  PrimitiveCache cache_;
  ProductType type_;
  bool int8_by_onednn_;
  ProductElement element_;  // of oneDNN's products
  std::string implementation_;
  RowTiles tiles_;
  FrozenWeights weights_;
  // The packed weight that an integer product reads; kept for the next product with the same one.
  Scratch packed_;
  WeightId packed_weight_ = -1;
  Orientation packed_orientation_ = Orientation::kForward;
};

}  // namespace lacos::cpu
