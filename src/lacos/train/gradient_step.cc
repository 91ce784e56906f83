#include "lacos/train/gradient_step.h"

#include <utility>
#include <vector>

namespace lacos {
namespace {

// Ranges of texts made of whole leaves, each of at most `tokens` tokens where a single leaf allows it.
std::vector<std::pair<int64_t, int64_t>> Chunks(const PackedTexts& texts, int64_t tokens) {
  std::vector<std::pair<int64_t, int64_t>> chunks;
  const std::vector<int64_t> starts = LeafStarts(texts.offsets);
  int64_t begin = 0;
  for (size_t leaf = 1; leaf + 1 < starts.size(); ++leaf) {
    if (texts.offsets[starts[leaf + 1]] - texts.offsets[begin] > tokens) {
      chunks.emplace_back(begin, starts[leaf]);
      begin = starts[leaf];
    }
  }
  chunks.emplace_back(begin, texts.Texts());
  return chunks;
}

}  // namespace

LossResult GradientStep(Encoder& encoder, Loss& loss, const PackedTexts& texts, const LossBatch& batch,
                        const GradientStrategy& strategy) {
  Arena& arena = encoder.arena();
  const ArenaScope scope(arena);
  Backend& backend = encoder.model().backend();
  encoder.options().recompute_blocks = strategy.recompute_blocks;
  const Shape shape{texts.Texts(), encoder.model().config().hidden_size};
  const TensorView vectors = arena.Allocate(backend.Types().residual, shape);
  const TensorView dvectors = arena.Allocate(backend.Types().gradient, shape);

  if (strategy.chunk_tokens <= 0) {
    EncoderPass pass;
    encoder.Forward(texts, vectors, &pass);
    const LossResult result = loss.Compute(arena, batch, vectors, dvectors);
    encoder.Backward(pass, dvectors);
    return result;
  }
  const auto chunks = Chunks(texts, strategy.chunk_tokens);
  for (const auto& [begin, end] : chunks) encoder.Forward(texts.Slice(begin, end), vectors.Rows(begin, end));
  const LossResult result = loss.Compute(arena, batch, vectors, dvectors);
  for (const auto& [begin, end] : chunks) {
    const ArenaScope chunk(arena);
    EncoderPass pass;
    encoder.Forward(texts.Slice(begin, end), vectors.Rows(begin, end), &pass);
    encoder.Backward(pass, dvectors.Rows(begin, end));
  }
  return result;
}

}  // namespace lacos
