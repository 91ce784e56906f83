// The parts of a training step among which the time of ops is divided.
#pragma once

#include <cstdint>
#include <string_view>

namespace lacos {

// The purposes of ops, in the order in which tables list them.
enum class StepPart : uint8_t {
  // Products with frozen weights, including packing, decoding and quantizing, and the fused
  // epilogues: bias, GELU, the wide half of LoRA, residual.
  kProductsForward,
  kProductsBackward,
  kAttentionForward,  // including its repetition in the backward pass
  kAttentionBackward,
  kLora,           // LoRA's narrow products, and the gradients of its matrices
  kNormalization,  // LayerNorm, its backward pass, and its output recomputed from saved values
  kElementwise,    // separate GELU, dropout and additions, and sums over tokens for bias gradients
  kEmbedding,
  kVectors,  // pooling, similarities, the loss and the backward pass of each
  kOptimizer,
  kMemory,  // copies, uploads, downloads, zeroing
};
inline constexpr int kStepParts = static_cast<int>(StepPart::kMemory) + 1;

// The name for JSON: "products_forward".
std::string_view NameOf(StepPart part);
// The name for people: "frozen products, forward".
std::string_view TitleOf(StepPart part);

}  // namespace lacos
