// How many rows of a batch go into one product, chosen so that a row's result does not depend on
// the other rows.
//
// Measured with oneDNN 2.6.3, one thread a product, K = 64 to 16384, N = 1 to 256, both
// orientations:
// - `brg:avx512*` gives byte-equal rows for any number of rows. It is offered only for sources
//   without gaps between their rows.
// - `gemm:jit` on AVX-512 does not: it has a kernel of its own for up to 15 rows, another for one
//   row, and at K = 1024, N >= 130 one for fewer than 208. So no source there has gaps.
// - `gemm:jit` on AVX2 gives byte-equal rows for every multiple of 12 up to 480, but not for 1, 32
//   or 128.
// With oneDNN 3.2, 3.7.2 and 3.12.1 (K = 520 to 4096, N = 72 and 256):
// - Brgemm gives byte-equal rows for every multiple of 12 or 16. Since 3.7 one row is a case of its
//   own, with other bytes and often another implementation. 3.12 has brgemm for AVX2 too.
// - `gemm:jit:f32` on AVX2 (up to 3.7) is as in 2.6.3.
// So brgemm rounds the last tile up to 16 rows and gemm to 12, where a check at start-up confirms
// on this CPU that rows agree; else all tiles are 96 rows, zero-padded.
#pragma once

#include <cstdint>
#include <string>

#include "lacos/kernels/cpu/linear/primitive_cache.h"

namespace lacos::cpu {

struct RowTiles {
  int64_t rows = 96;  // rows in a whole tile
  // the rows of the last tile are padded with zeros to a multiple of this
  int64_t granularity = 96;
  bool dense = false;  // inputs of float products must not have gaps between their rows

  // The number of rows in the tile that holds `valid` rows.
  int64_t Padded(int64_t valid) const {
    return (valid + granularity - 1) / granularity * granularity;
  }
  int64_t Count(int64_t total) const { return (total + rows - 1) / rows; }
};

// The tiling for products of this type. Runs a few small products. `implementation` receives the
// name of the implementation that oneDNN uses.
RowTiles ChooseRowTiles(PrimitiveCache& cache, ProductElement element, std::string& implementation);

// Whether bf16 products are native here (`brg:avx512_core_bf16`) and correct, which is checked
// against exact integers.
bool NativeBF16Works(PrimitiveCache& cache);

// Whether the s8 products of oneDNN are exact and fast here. Without VNNI they add pairs in 16
// bits, which saturates.
bool NativeInt8Works(PrimitiveCache& cache);

// Whether our own products with vpdpbusd are used: this CPU has it, and ONEDNN_MAX_CPU_ISA, which
// makes the CPU like an older one, does not exclude it.
bool Int8QuadsAllowed();

}  // namespace lacos::cpu
