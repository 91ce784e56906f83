// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), in tiles with fused
// epilogues.
//
// A tile is RowTiles::rows rows by kTileColumns columns, computed by one thread (tile_plan.h). The
// weight alone determines the tiling of columns, and the tiling of rows does not affect the result
// of a row. So the bytes of a row depend only on this row and the weight.
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
  // The implementation that multiplies 8-bit rows. kBest is oneDNN where it has AMX, else our own
  // kernels: with vpdpbusd, or Int8Product. kPacked is always Int8Product. Tests choose one.
  enum class Int8Choice : uint8_t { kBest, kPacked, kOneDnn };

  // kBF16 is emulated exactly on CPUs without bf16 instructions; kInt8 is exact integer arithmetic
  // on every CPU.
  FrozenLinear(Compute compute, Workspace& work, Int8Choice int8 = Int8Choice::kBest);

  FrozenWeights& weights() { return weights_; }
  void Forward(View x, WeightId weight, const Epilogue& epilogue, View y);
  void Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx);
  // The scratch that a product of x [T, in] (or dy [T, out]) needs with a LoRA update of this rank
  // (0: none). Creates the oneDNN primitives of the product, as the product itself would.
  WorkspaceNeed Need(View x, WeightId weight, Orientation orientation, int64_t rank);
  // Bytes held now besides the shared workspace: a decoded weight and a packed one.
  size_t HeldBytes() const { return weights_.HeldBytes() + packed_.capacity(); }
  // A description in one line for KernelInfo.
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
  // Returns the tile's left rows in the form that its kernel needs. `held` has for each
  // thread the row tile in its scratch, so that rows are converted once for all columns
  // that the thread computes.
  const void* LeftTile(const TilePlan& plan, const Operand& left, const Tile& tile,
                       std::vector<int64_t>& held);
  // Returns the tile's sums, computed by oneDNN. `weight` is the tile's part of the weight.
  float* Multiply(const TilePlan& plan, const Tile& tile, const void* left, const void* weight);
  const int8_t* PackWhole(const TilePlan& plan, WeightId weight, Orientation orientation);

  Workspace& work_;
  PrimitiveCache cache_;
  ProductType type_;
  bool int8_by_onednn_;
  bool int8_by_quads_;      // by our own kernels with vpdpbusd
  ProductElement element_;  // element type of oneDNN's products
  std::string implementation_;
  RowTiles tiles_;
  FrozenWeights weights_;
  // The packed weight for integer products. It is kept for the next product with the same weight.
  Scratch packed_;
  WeightId packed_weight_ = -1;
  Orientation packed_orientation_ = Orientation::kForward;
};

}  // namespace lacos::cpu
