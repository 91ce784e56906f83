// The parts of a step into which the time of ops is divided.
#pragma once

#include <cstdint>
#include <string_view>

namespace lacos {

// What ops are for, in the order in which tables list them.
enum class StepPart : uint8_t {
  // Products with frozen weights; packing, decoding and quantising included, and fused epilogues:
  // bias, GELU, LoRA's wide half, residual.
  kProductsForward,
  kProductsBackward,
  kAttentionForward,  // also where the backward pass runs it again
  kAttentionBackward,
  kLora,           // LoRA's narrow products, and the gradients of its matrices
  kNormalization,  // LayerNorm, its backward, and its output made anew from what was saved
  kElementwise,    // GELU on its own, dropout, sums, sums over tokens for bias gradients
  kEmbedding,
  kVectors,  // pooling, similarities, loss and their backward
  kOptimizer,
  kMemory,  // copies, uploads, downloads, zeroing
};
inline constexpr int kStepParts = static_cast<int>(StepPart::kMemory) + 1;

// "products_forward": for JSON.
std::string_view NameOf(StepPart part);
// "frozen products, forward": for people.
std::string_view TitleOf(StepPart part);

}  // namespace lacos
