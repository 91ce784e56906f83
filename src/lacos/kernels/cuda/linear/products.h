// Launches of the products on tensor cores, by the stored form of the right matrix and the size of a
// block's tile.
#pragma once

#include "lacos/kernels/cuda/device.h"
#include "lacos/kernels/cuda/linear/product.h"

namespace lacos::cuda {

enum class TileChoice : uint8_t { kSmall, kMedium, kLarge };

// The tile for a product on a device with this many multiprocessors. It changes no byte.
TileChoice ChooseTile(int rows, int columns, int multiprocessors);

// `across` says that the codes are [depth, columns].
void RunInt8Product(gpu::Stream stream, bool across, TileChoice tile, const ProductArguments& p);
// `right` is any form of bf16 numbers, or of codes that are multiplied as bf16.
void RunBF16Product(gpu::Stream stream, Right right, TileChoice tile, const ProductArguments& p);

}  // namespace lacos::cuda
