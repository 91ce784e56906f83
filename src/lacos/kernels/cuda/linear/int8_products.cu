// The integer products on tensor cores (product.h), with exact 32-bit sums.
//
// Grid, bytes and FLOP: see product.h. Saves nothing. Only wgmma, which this kernel does not use, has
// the full rate on compute capability 9.0. Share of the int8 rate: not measured yet.
#include "lacos/kernels/cuda/linear/products.h"

namespace lacos::cuda {

TileChoice ChooseTile(int rows, int columns, int multiprocessors) {
  const auto tiles = [&](int size) {
    return int64_t{(rows + size - 1) / size} * ((columns + size - 1) / size);
  };
  if (rows <= SmallTile::kRows) return TileChoice::kSmall;
  return tiles(LargeTile::kRows) >= multiprocessors ? TileChoice::kLarge : TileChoice::kMedium;
}

namespace {

template <Right kRight>
void RunInt8Tile(gpu::Stream stream, TileChoice tile, const ProductArguments& p) {
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

void RunInt8Product(gpu::Stream stream, bool across, TileChoice tile, const ProductArguments& p) {
  if (across) return RunInt8Tile<Right::kInt8Across>(stream, tile, p);
  RunInt8Tile<Right::kInt8Along>(stream, tile, p);
}

}  // namespace lacos::cuda
