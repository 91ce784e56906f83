// The bf16 products on tensor cores (product.h), with weights as codes or as bf16 numbers, for the
// forward pass (along the depth) and the backward pass (across it).
//
// Codes are exact in bf16. So a product with codes has only the rounding of its left side and of f32
// sums; the scale of a weight's row is applied to the sums (forward) or to the left side before it is
// rounded (backward). Reading codes instead of a decoded matrix saves 3 bytes of traffic a weight.
// Grid, bytes and FLOP: see product.h. Saves nothing. Share of the bf16 rate: not measured yet.
#include "lacos/kernels/cuda/linear/products.h"

namespace lacos::cuda {
namespace {

template <Right kRight>
void RunTile(gpu::Stream stream, TileChoice tile, const ProductArguments& p) {
  switch (tile) {
    case TileChoice::kSmall:
      return LaunchProduct<SmallTile, kRight>(stream, p);
    case TileChoice::kMedium:
      return LaunchProduct<MediumTile, kRight>(stream, p);
    case TileChoice::kLarge:
      return LaunchProduct<LargeTile, kRight>(stream, p);
  }
}

}  // namespace

void RunBF16Product(gpu::Stream stream, Right right, TileChoice tile, const ProductArguments& p) {
  switch (right) {
    case Right::kCodesAlong:
      return RunTile<Right::kCodesAlong>(stream, tile, p);
    case Right::kCodesAcross:
      return RunTile<Right::kCodesAcross>(stream, tile, p);
    case Right::kBF16Along:
      return RunTile<Right::kBF16Along>(stream, tile, p);
    case Right::kBF16Across:
      return RunTile<Right::kBF16Across>(stream, tile, p);
    case Right::kInt8Along:
    case Right::kInt8Across:
      break;
  }
}

}  // namespace lacos::cuda
