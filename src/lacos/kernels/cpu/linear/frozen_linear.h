// Products with frozen weights, forward (y = x W^T) and backward (dx = dy W), in tiles with fused
// epilogues.
//
// A tile is RowTiles::rows rows by kTileColumns columns, computed by one thread; the tiling of
// columns is fixed by the weight and that of rows cannot be seen in a row's result. So a row's
// bytes depend on that row and the weight only.
#pragma once

#include "lacos/base/checked_math.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/linear/frozen_weights.h"
#include "lacos/kernels/cpu/linear/primitive_cache.h"
#include "lacos/kernels/cpu/linear/row_tiles.h"
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

  struct Operand;  // the left matrix of a product, tile by tile
  template <class Finish>
  void RunTiles(const Operand& left, WeightId weight, Orientation orientation,
                const Finish& finish);
  const void* LeftTile(const Operand& left, int64_t tile, std::vector<int64_t>& held);

  // The same for integer products: both sides are 8-bit, with a scale for each row of `left`.
  template <class Finish>
  void RunInt8Tiles(const Operand& left, WeightId weight, Orientation orientation,
                    const Finish& finish);
  // How an integer product of so many rows is made; all kernels give the same bytes.
  enum class Int8Kernel : uint8_t {
    kPacked,  // 16-bit rows, packed weights
    kStored,  // 16-bit rows, codes as they are stored
    kQuads,   // 8-bit rows, codes as they are stored
    kOneDnn   // 8-bit rows
  };
  Int8Kernel KernelFor(int64_t rows, Orientation orientation) const;
  // A tile's left rows as that kernel takes them: how many, and their bytes.
  struct Int8Left {
    int64_t padded_rows = 0, stride_bytes = 0;
    int64_t Floats() const {
      return CeilDivide(padded_rows * stride_bytes, int64_t{sizeof(float)});
    }
  };
  Int8Left LeftOf(Int8Kernel kernel, int64_t rows, int64_t depth) const;
  // Codes of one row; `column_scale` (backward only) may be null. Returns the row's scale.
  static float QuantizeLeftRow(Int8Kernel kernel, ConstFloats x, const float* column_scale,
                               int64_t depth, std::byte* codes);
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
