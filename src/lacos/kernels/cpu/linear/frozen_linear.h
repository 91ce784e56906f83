// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), in tiles with fused
// epilogues.
//
// A tile is RowTiles::rows rows by kTileColumns columns, computed by one thread (tile_plan.h). Tiling
// does not affect the sums of a row: integers are exact, and every float sum is one chain in the order
// of the depth. So the bytes of a row depend only on this row and the weight.
#pragma once

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/linear/frozen_weights.h"
#include "lacos/kernels/cpu/linear/int8_tile.h"
#include "lacos/kernels/cpu/linear/tile_plan.h"
#include "lacos/kernels/cpu/workspace.h"

namespace lacos::cpu {

class FrozenLinear {
 public:
  // The instructions that multiply 8-bit rows. kBest is AMX, or else vpdpbusd, or else those of
  // Int8Product. Tests choose worse ones.
  enum class Int8Choice : uint8_t { kBest, kWithoutAmx, kPacked };

  // kBF16 is emulated exactly on CPUs without bf16 instructions; kInt8 is exact integer arithmetic
  // on every CPU.
  FrozenLinear(Compute compute, Workspace& work, Int8Choice int8 = Int8Choice::kBest);

  FrozenWeights& weights() { return weights_; }
  void Forward(View x, WeightId weight, const Epilogue& epilogue, View y);
  void Backward(View dy, WeightId weight, const BackwardEpilogue& epilogue, View dx);
  // The scratch that a product of x [T, in] (or dy [T, out]) needs with a LoRA update of this rank
  // (0: none).
  WorkspaceNeed Need(View x, WeightId weight, Orientation orientation, int64_t rank);
  // Bytes held now besides the shared workspace: an encoded weight and a packed one.
  size_t HeldBytes() const { return weights_.HeldBytes() + packed_.capacity(); }
  // A description in one line for KernelInfo.
  std::string Describe() const;

 private:
  static ProductType ChooseType(Compute compute);
  RowTiles ChooseTiles() const;

  TileKernel KernelFor(int64_t rows, Orientation orientation) const;
  TilePlan Plan(int64_t rows, WeightId weight, Orientation orientation) const;

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
  // Returns the tile's sums, computed from packed float panels, or from the pieces of the weight that
  // this thread packs one after the other (packed: null).
  float* MultiplyPanelTile(const TilePlan& plan, const Tile& tile, const void* left,
                           WeightId weight, const std::byte* packed);
  // The same from pieces of the tile's stored codes, with AMX.
  float* MultiplyCodePieces(const TilePlan& plan, const Tile& tile, const Int8TileRows& left,
                            const int8_t* codes);
  // Packs all columns of the weight, tile by tile, unless they are packed already.
  const std::byte* PackWhole(const TilePlan& plan, WeightId weight, Orientation orientation);
  bool IsPacked(WeightId weight, Orientation orientation) const {
    return packed_weight_ == weight && packed_orientation_ == orientation;
  }

  Workspace& work_;
  ProductType type_;
  bool int8_by_quads_;  // with vpdpbusd
  bool amx_;            // panels of bf16 numbers or codes
  RowTiles tiles_;
  FrozenWeights weights_;
  // The packed weight. It is kept for the next product with the same weight.
  Scratch packed_;
  WeightId packed_weight_ = -1;
  Orientation packed_orientation_ = Orientation::kForward;
};

}  // namespace lacos::cpu
