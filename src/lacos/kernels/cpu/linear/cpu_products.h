// Which of the instructions that products can use this CPU has, and may use.
#pragma once

#include "lacos/kernels/cpu/linear/primitive_cache.h"

namespace lacos::cpu {

// Whether the s8 products of oneDNN are exact and fast here. Without VNNI they add pairs in 16
// bits, which saturates.
bool NativeInt8Works(PrimitiveCache& cache);

// Whether our own products with vpdpbusd, and with vdpbf16ps, are used: this CPU has the
// instruction, and ONEDNN_MAX_CPU_ISA, which makes the CPU like an older one, does not exclude it.
bool Int8QuadsAllowed();
bool BF16PairsAllowed();

}  // namespace lacos::cpu
