// The matrix products of a warp, on the fragments of all lanes, laid out as PTX says for mma.sync.
// They order no accesses of the lanes: ThreadSanitizer does not see that they read the fragments.
#pragma once

#include <cstddef>

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda::emulator {

// m16n8k32 of signed bytes; the sums wrap as the hardware's do.
void MultiplyWarp(gpu::MmaS8* const (&lanes)[gpu::kWarp]);
// m16n8k16 of bf16. Products are exact and are added in f32 in order of k. The hardware's order and
// rounding are not specified, so results of bf16 products have bounds and no fixed bytes.
void MultiplyWarp(gpu::MmaBF16* const (&lanes)[gpu::kWarp]);

// Copies 16 bytes on behalf of the current thread, as the sanitizers see.
void CopyChunk(std::byte* to, const std::byte* from);

}  // namespace lacos::cuda::emulator
