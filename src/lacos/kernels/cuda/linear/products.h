// Launches of the products on tensor cores, by the stored form of the right matrix and the size of a
// block's tile.
#pragma once

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/product.h"

namespace lacos::cuda {

enum class TileChoice : uint8_t { kSmall, kMedium, kLarge };

// The tile for a product on a device with this many multiprocessors. It changes no byte.
TileChoice ChooseTile(int rows, int columns, int multiprocessors);

void RunInt8Product(gpu::Stream stream, TileChoice tile, const ProductArguments& p);
// `right` is any form but kInt8Along.
void RunBF16Product(gpu::Stream stream, Right right, TileChoice tile, const ProductArguments& p);

}  // namespace lacos::cuda
