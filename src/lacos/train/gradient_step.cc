#include "lacos/train/gradient_step.h"

#include <functional>
#include <vector>

#include "lacos/kernels/transfer.h"
#include "lacos/model/repeats.h"

namespace lacos {
namespace {

// Computes the loss over the texts' vectors [N, D] and writes the gradient with respect to them.
using VectorLoss = std::function<LossResult(const TensorView& vectors, const TensorView& dvectors)>;

LossResult ForwardBackward(Encoder& encoder, const PackedTexts& texts, const VectorLoss& loss,
                           const GradientStrategy& strategy) {
  Arena& arena = encoder.arena();
  const TypeSet types = encoder.model().backend().Types();
  encoder.options().recompute_blocks = strategy.recompute_blocks;
  const Shape shape{texts.Texts(), encoder.model().config().hidden_size};
  const TensorView vectors = arena.Allocate(types.residual, shape);
  const TensorView dvectors = arena.Allocate(types.statistic, shape);

  if (strategy.chunk_tokens <= 0) {
    EncoderPass pass;
    encoder.Forward(texts, vectors, &pass);
    const LossResult result = loss(vectors, dvectors);
    encoder.Backward(pass, dvectors);
    return result;
  }
  const auto chunks = WholeLeafRanges(texts.offsets, strategy.chunk_tokens);
  const int64_t step_leaves = MakeLeaves(texts.offsets).Count();
  for (const auto& [begin, end] : chunks)
    encoder.Forward(texts.Slice(begin, end), vectors.Rows(begin, end));
  const LossResult result = loss(vectors, dvectors);
  for (const auto& [begin, end] : chunks) {
    const ArenaScope chunk(arena);
    EncoderPass pass;
    encoder.Forward(texts.Slice(begin, end), vectors.Rows(begin, end), &pass);
    pass.leaves.step_leaves = step_leaves;
    encoder.Backward(pass, dvectors.Rows(begin, end));
  }
  return result;
}

// Adds the gradients of the model's and the loss's parameters to their sums.
LossResult SumGradients(Encoder& encoder, Loss& loss, const PackedTexts& texts,
                        const LossBatch& batch, const GradientStrategy& strategy) {
  Arena& arena = encoder.arena();
  Backend& backend = encoder.model().backend();
  const ArenaScope scope(arena);
  const Repeats repeats = texts.keys.empty() ? FindRepeats(texts) : Repeats();
  if (!repeats.Any()) {
    const VectorLoss over_texts = [&](const TensorView& vectors, const TensorView& dvectors) {
      const PhaseScope phase(backend, StepPhase::kVectors);
      return loss.Compute(arena, batch, vectors, dvectors);
    };
    return ForwardBackward(encoder, texts, over_texts, strategy);
  }
  const TensorView index = arena.Allocate(DType::kI32, {texts.Texts()});
  UploadInts(backend, repeats.text, index);
  const VectorLoss over_rows = [&](const TensorView& vectors, const TensorView& dvectors) {
    const PhaseScope phase(backend, StepPhase::kVectors);
    const ArenaScope rows(arena);
    const Shape shape{texts.Texts(), vectors.cols()};
    const TensorView all = arena.Allocate(vectors.dtype, shape);
    const TensorView dall = arena.Allocate(dvectors.dtype, shape);
    backend.GatherRows(vectors, index, all);
    const LossResult result = loss.Compute(arena, batch, all, dall);
    backend.Fill(dvectors, 0);
    backend.GatherRowsBackward(dall, index, dvectors);
    return result;
  };
  return ForwardBackward(encoder, texts.Select(repeats.first), over_rows, strategy);
}

}  // namespace

LossResult GradientStep(Encoder& encoder, Loss& loss, const PackedTexts& texts,
                        const LossBatch& batch, const GradientStrategy& strategy) {
  Backend& backend = encoder.model().backend();
  std::vector<TrainableTensor> tensors = encoder.model().trainable();
  for (const TrainableTensor& tensor : loss.parameters()) tensors.push_back(tensor);
  for (const TrainableTensor& tensor : tensors) {
    backend.Fill(tensor.sum.fine, 0);
    if (tensor.sum.coarse) backend.Fill(tensor.sum.coarse, 0);
  }
  const LossResult result = SumGradients(encoder, loss, texts, batch, strategy);
  for (const TrainableTensor& tensor : tensors) backend.ReadGradient(tensor.sum, tensor.gradient);
  return result;
}

}  // namespace lacos
