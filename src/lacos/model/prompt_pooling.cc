#include "lacos/model/prompt_pooling.h"

#include <algorithm>
#include <vector>

#include "lacos/kernels/transfer.h"

namespace lacos {
namespace {

// Pools the second part of each text. `segments` [2N] holds the first and second parts in turn.
// Returns [N, D].
std::vector<float> PoolTails(Encoder& encoder, const TensorView& hidden, const TextLayout& segments,
                             Pooling pooling) {
  Backend& backend = encoder.model().backend();
  const int64_t d = encoder.model().config().hidden_size, count = segments.texts;
  const ArenaScope scope(encoder.arena());
  const TensorView pooled = encoder.arena().Allocate(backend.Types().residual, {count, d});
  backend.Pool(hidden, segments, pooling, {}, pooled);
  const std::vector<float> all = DownloadFloats(backend, pooled);
  std::vector<float> tails;
  for (int64_t i = 1; i < count; i += 2)
    tails.insert(tails.end(), all.begin() + i * d, all.begin() + (i + 1) * d);
  return tails;
}

}  // namespace

void PoolAfterPrompt(Encoder& encoder, const PackedTexts& texts, int64_t skipped,
                     const TensorView& vectors) {
  Backend& backend = encoder.model().backend();
  const int64_t n = texts.Texts(), d = encoder.model().config().hidden_size;
  const ArenaScope scope(encoder.arena());
  const TensorView hidden = encoder.arena().Allocate(backend.Types().residual, {texts.Tokens(), d});
  encoder.HiddenStates(texts, hidden);

  const Pooling pooling = encoder.options().pooling;
  std::vector<int32_t> cuts = {0};
  for (int64_t i = 0; i < n; ++i) {
    const int64_t begin = texts.offsets[i], end = texts.offsets[i + 1];
    const bool is_whole = pooling == Pooling::kCls && begin + skipped >= end;
    cuts.push_back(static_cast<int32_t>(is_whole ? begin : std::min(begin + skipped, end)));
    cuts.push_back(static_cast<int32_t>(end));
  }
  const PhaseScope phase(backend, StepPhase::kVectors);
  const TextLayout segments =
      MakeTextLayout(backend, cuts, encoder.arena().Allocate(DType::kI32, {2 * n + 1}));

  std::vector<float> pooled = PoolTails(encoder, hidden, segments, pooling);
  if (pooling == Pooling::kWeightedMean) {
    // The weights skipped + 1, skipped + 2, ... are the sum of a constant and 1, 2, ..., so the
    // result is a mixture of two poolings.
    const std::vector<float> mean = PoolTails(encoder, hidden, segments, Pooling::kMean);
    for (int64_t i = 0; i < n; ++i) {
      const double rising = (1.0 + texts.offsets[i + 1] - cuts[2 * i + 1]) / 2;
      const double share = rising / (rising + static_cast<double>(skipped));
      for (int64_t j = i * d; j < (i + 1) * d; ++j)
        pooled[j] = static_cast<float>(share * pooled[j] + (1 - share) * mean[j]);
    }
  }
  UploadFloats(backend, pooled, vectors);
}

}  // namespace lacos
