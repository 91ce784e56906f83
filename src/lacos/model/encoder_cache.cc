// The part of the encoder that reads hidden states from a layer cache instead of computing the
// blocks below.
#include "lacos/model/encoder.h"
#include "lacos/model/layer_cache.h"

namespace lacos {

// How many blocks' output is a function of a text's ids alone, and cached; 0 = none.
int64_t Encoder::CachedBlocks() const {
  if (options_.layer_cache == nullptr || EmbeddingTrainable() || options_.dropout.Any()) return 0;
  return LowestTrainableBlock();
}

void Encoder::RunCached(const PassContext& context, const PackedTexts& texts,
                        const EncoderPass& pass, int64_t blocks, const TensorView& h) {
  LayerCache& cache = *options_.layer_cache;
  std::vector<int64_t> found, missing;
  for (int64_t n = 0; n < texts.Texts(); ++n) {
    if (texts.Text(n).empty()) continue;
    (cache.Has(texts.Text(n)) ? found : missing).push_back(n);
  }
  if (found.empty()) {
    Embed(context, pass, h);
    RunRange(context, {}, 0, blocks, h);
    return KeepRows(texts, missing, {}, h);
  }
  // Missing texts are computed in the first rows of h, so that no more memory is taken than without
  // a cache.
  if (!missing.empty()) ComputeRows(texts, missing, blocks, h, h);
  std::vector<int64_t> damaged;
  std::vector<std::byte> rows;
  for (const int64_t n : found) {
    const TensorView place = h.Rows(texts.offsets[n], texts.offsets[n + 1]);
    rows.resize(place.Bytes());
    if (cache.Read(texts.Text(n), rows)) {
      model_.backend().Upload(rows, place);
    } else {
      damaged.push_back(n);
    }
  }
  if (damaged.empty()) return;
  const ArenaScope scope(arena_);
  const int64_t tokens = texts.Select(damaged).Tokens();
  ComputeRows(texts, damaged, blocks, arena_.Allocate(h.dtype, {tokens, h.cols()}), h);
}

// Runs the given texts through the lowest `blocks` blocks in the first rows of `space`, which may
// be h, and puts them into their places in h.
void Encoder::ComputeRows(const PackedTexts& texts, std::span<const int64_t> rows, int64_t blocks,
                          const TensorView& space, const TensorView& h) {
  const ArenaScope scope(arena_);
  PackedTexts selected = texts.Select(rows);
  selected.keys.clear();  // nothing is dropped in these blocks
  EncoderPass pass;
  const PassContext context = Upload(selected, pass);
  const TensorView computed = space.Rows(0, selected.Tokens());
  Embed(context, pass, computed);
  RunRange(context, {}, 0, blocks, computed);
  KeepRows(texts, rows, computed, h);
}

// Adds states to the cache: of rows that lie side by side in `from` (and are copied to their places
// in h), or without `from` in their places. Last to first: `from` may be the first rows of h, and
// no text moves down.
void Encoder::KeepRows(const PackedTexts& texts, std::span<const int64_t> rows,
                       const TensorView& from, const TensorView& h) {
  Backend& backend = model_.backend();
  int64_t end = from ? from.rows() : 0;
  std::vector<std::byte> states;
  for (size_t i = rows.size(); i-- > 0;) {
    const int64_t n = rows[i], length = texts.offsets[n + 1] - texts.offsets[n];
    const TensorView place = h.Rows(texts.offsets[n], texts.offsets[n + 1]);
    const TensorView source = from ? from.Rows(end - length, end) : place;
    states.resize(source.Bytes());
    backend.Download(source, states);
    options_.layer_cache->Add(texts.Text(n), states);
    if (from) backend.Upload(states, place);
    end -= length;
  }
}

}  // namespace lacos
