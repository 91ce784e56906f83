#include "lacos/model/encoder.h"

#include <algorithm>

#include "lacos/base/check.h"

namespace lacos {

void PackedTexts::Add(std::span<const int32_t> text) {
  ids.insert(ids.end(), text.begin(), text.end());
  offsets.push_back(static_cast<int32_t>(ids.size()));
}

PackedTexts PackedTexts::Slice(int64_t begin, int64_t end) const {
  PackedTexts slice;
  const int32_t first = offsets[begin];
  for (int64_t n = begin; n < end; ++n) slice.offsets.push_back(offsets[n + 1] - first);
  slice.ids.assign(ids.begin() + first, ids.begin() + offsets[end]);
  if (!keys.empty()) slice.keys.assign(keys.begin() + first, keys.begin() + offsets[end]);
  return slice;
}

PackedTexts PackedTexts::Select(std::span<const int64_t> rows) const {
  PackedTexts selected;
  for (const int64_t n : rows) {
    selected.Add(Text(n));
    if (!keys.empty())
      selected.keys.insert(selected.keys.end(), keys.begin() + offsets[n],
                           keys.begin() + offsets[n + 1]);
  }
  return selected;
}

std::vector<int64_t> LeafStarts(std::span<const int32_t> offsets) {
  const int64_t texts = static_cast<int64_t>(offsets.size()) - 1;
  std::vector<int64_t> starts = {0};
  for (int64_t n = 0; n < texts; ++n) {
    // A text joins the open leaf only as a whole; so a cut before it is a cut in every chunking.
    if (n > starts.back() && offsets[n + 1] - offsets[starts.back()] > kLeafTokens)
      starts.push_back(n);
  }
  if (texts > 0) starts.push_back(texts);
  return starts;
}

TokenLeaves MakeLeaves(std::span<const int32_t> offsets) {
  TokenLeaves leaves{.begin = {0}};
  const std::vector<int64_t> starts = LeafStarts(offsets);
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    const int64_t end = offsets[starts[i + 1]];
    for (int64_t cut = offsets[starts[i]] + kLeafTokens; cut < end; cut += kLeafTokens)
      leaves.begin.push_back(cut);
    if (end > leaves.begin.back()) leaves.begin.push_back(end);
  }
  return leaves;
}

Encoder::Encoder(BloomModel& model, const EncoderOptions& options)
    : model_(model),
      options_(options),
      arena_([&model](size_t bytes) { return model.backend().Allocate(bytes); }) {}

int64_t Encoder::RecomputedBlocks() const {
  const int64_t layers = model_.config().layers;
  return options_.recompute_blocks < 0 ? layers : std::min(options_.recompute_blocks, layers);
}

// Blocks below are not read while all their states come from the layer cache.
int64_t Encoder::FirstBlock() const { return std::min(CachedBlocks(), model_.config().layers - 1); }

// Blocks follow one another upwards, and in a backward downwards again to the lowest trained one;
// then the next pass begins. The block at which the direction turns is used twice in a row, and
// stays.
std::vector<int64_t> Encoder::ComingBlocks(int64_t layer, Phase phase, int64_t most) const {
  const int64_t layers = model_.config().layers, count = std::min(most, layers);
  const int64_t lowest = EmbeddingTrainable() ? 0 : LowestTrainableBlock(), first = FirstBlock();
  std::vector<int64_t> coming;
  for (int64_t at = layer; static_cast<int64_t>(coming.size()) < count;) {
    if (phase == Phase::kBackward) {
      if (at > lowest) {
        coming.push_back(--at);
        continue;
      }
      at = at == first ? first : first - 1;
      phase = Phase::kForward;
      if (layers == 1) break;
    }
    if (at + 1 < layers) {
      coming.push_back(++at);
    } else if (phase == Phase::kForwardKept && lowest < layers - 1) {
      phase = Phase::kBackward;
    } else {
      at = first - 1;
      phase = Phase::kForward;
    }
  }
  return coming;
}

void Encoder::BeginBlock(int64_t layer, Phase phase) {
  if (options_.streaming == WeightStreaming::kKeepCached) {
    if (reader_ == nullptr) reader_ = std::make_unique<BlockReader>(model_);
    reader_->Request(ComingBlocks(layer, phase, reader_->ahead()));
  } else if (options_.streaming == WeightStreaming::kDropCached) {
    if (loader_ == nullptr) loader_ = std::make_unique<BlockLoader>(model_);
    const std::vector<int64_t> coming = ComingBlocks(layer, phase, 1);
    loader_->Use(layer, coming.empty() ? layer : coming[0]);
  }
}

void Encoder::EndBlock(int64_t layer, Phase phase) {
  if (options_.streaming == WeightStreaming::kNone) return;
  if (options_.streaming == WeightStreaming::kDropCached) return loader_->Release(layer);
  const int64_t turning = phase == Phase::kForwardKept ? model_.config().layers - 1 : FirstBlock();
  if (phase != Phase::kForward && layer == turning) return;
  model_.DropBlock(layer, /*from_cache=*/false);
  reader_->Dropped(layer);
}

void Encoder::DropBase() {
  if (reader_ != nullptr) reader_->Request({});
  if (loader_ != nullptr) loader_->Forget();
  for (int64_t i = 0; i < model_.config().layers; ++i) {
    model_.DropBlock(i, /*from_cache=*/true);
    if (reader_ != nullptr) reader_->Dropped(i);
  }
}

void Encoder::ReadBase() {
  for (int64_t i = 0; i < model_.config().layers; ++i) {
    BeginBlock(i, Phase::kForward);
    if (options_.streaming == WeightStreaming::kKeepCached) model_.AwaitBlock(i);
    EndBlock(i, Phase::kForward);
  }
}

bool Encoder::EmbeddingTrainable() const { return model_.embedding_layernorm().beta.Trainable(); }

int64_t Encoder::LowestTrainableBlock() const {
  const std::vector<BlockLayer>& blocks = model_.blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].LowestTrainable() != BlockLayer::kNone) return static_cast<int64_t>(i);
  }
  return static_cast<int64_t>(blocks.size());
}

PassContext Encoder::Upload(const PackedTexts& texts, EncoderPass& pass) {
  LACOS_CHECK(texts.Tokens() > 0, "a batch has at least one token");
  Backend& backend = model_.backend();
  pass.ids = arena_.Allocate(DType::kI32, {texts.Tokens()});
  pass.offsets = arena_.Allocate(DType::kI32, {texts.Texts() + 1});
  backend.Upload(std::as_bytes(std::span(texts.ids)), pass.ids);
  backend.Upload(std::as_bytes(std::span(texts.offsets)), pass.offsets);
  if (!texts.keys.empty()) {
    pass.token_keys = arena_.Allocate(DType::kI64, {texts.Tokens()});
    backend.Upload(std::as_bytes(std::span(texts.keys)), pass.token_keys);
  }
  pass.leaves = MakeLeaves(texts.offsets);
  return {.backend = backend,
          .arena = arena_,
          .offsets = pass.offsets,
          .leaves = pass.leaves,
          .token_keys = pass.token_keys,
          .dropout = options_.dropout,
          .tokens = texts.Tokens()};
}

void Encoder::Embed(const PassContext& context, const EncoderPass& pass, const TensorView& h) {
  Backend& backend = model_.backend();
  const LayerNormLayer& norm = model_.embedding_layernorm();
  backend.Embed(model_.word_embeddings(), pass.ids, h);
  work_.tokens += context.tokens;
  backend.LayerNorm(h, norm.gamma.value, norm.beta.value, norm.epsilon, pass.embedding_xhat,
                    pass.embedding_rstd, h);
  const DropoutSpec dropout = MakeDropout(context, static_cast<int>(model_.config().layers),
                                          DropoutSite::kEmbedding, options_.dropout.embedding);
  if (dropout.Active()) backend.Dropout(h, dropout, h);
}

// What `pass` has places for is kept there; a pass without any keeps nothing.
void Encoder::RunRange(const PassContext& context, const EncoderPass& pass, int64_t begin,
                       int64_t end, const TensorView& h) {
  for (int64_t i = begin; i < end; ++i) {
    const bool keep = !pass.saved.empty();
    const Phase phase = keep ? Phase::kForwardKept : Phase::kForward;
    BeginBlock(i, phase);
    if (keep && pass.block_input[i]) model_.backend().Copy(h, pass.block_input[i]);
    const bool save = keep && static_cast<bool>(pass.saved[i].u);
    BlockForward(context, model_.blocks()[i], static_cast<int>(i), h,
                 save ? &pass.saved[i] : nullptr);
    work_.block_tokens += context.tokens;
    EndBlock(i, phase);
  }
}

// The hidden state runs through all blocks in one buffer; returns it. `output` gets ln_f of it.
TensorView Encoder::RunBlocks(const PassContext& context, const PackedTexts& texts,
                              EncoderPass& pass, bool keep, const TensorView& output_xhat,
                              const TensorView& output_rstd, const TensorView& output) {
  Backend& backend = model_.backend();
  const TypeSet types = backend.Types();
  const int64_t t = context.tokens, d = model_.config().hidden_size;
  const int64_t layers = model_.config().layers;
  const int64_t first_kept = keep ? (EmbeddingTrainable() ? 0 : LowestTrainableBlock()) : layers;
  const int64_t recomputed = RecomputedBlocks();

  if (keep) {  // what outlives this call comes first on the arena's stack
    pass.saved.assign(layers, {});
    pass.block_input.assign(layers, {});
    for (int64_t i = first_kept; i < layers; ++i) {
      if (i < recomputed) {
        pass.block_input[i] = arena_.Allocate(types.residual, {t, d});
      } else {
        pass.saved[i] = AllocateBlockSaved(context, d);
      }
    }
    if (EmbeddingTrainable()) {
      pass.embedding_xhat = arena_.Allocate(types.residual, {t, d});
      pass.embedding_rstd = arena_.Allocate(types.statistic, {t});
    }
  }
  const ArenaScope scope(arena_);
  const TensorView h = arena_.Allocate(types.residual, {t, d});
  const int64_t cached = CachedBlocks();
  if (cached > 0) {
    RunCached(context, texts, pass, cached, h);
  } else {
    Embed(context, pass, h);
  }
  RunRange(context, pass, cached, layers, h);
  const LayerNormLayer& last = model_.final_layernorm();
  backend.LayerNorm(h, last.gamma.value, last.beta.value, last.epsilon, output_xhat, output_rstd,
                    output);
  return h;
}

void Encoder::HiddenStates(const PackedTexts& texts, const TensorView& hidden) {
  const ArenaScope scope(arena_);
  EncoderPass pass;
  const PassContext context = Upload(texts, pass);
  RunBlocks(context, texts, pass, false, {}, {}, hidden);
}

void Encoder::Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep) {
  const Arena::Mark mark = arena_.Position();
  EncoderPass local;
  EncoderPass& pass = keep != nullptr ? *keep : local;
  pass = {};
  const PassContext context = Upload(texts, pass);
  const TypeSet types = model_.backend().Types();
  const Shape shape{texts.Tokens(), model_.config().hidden_size};
  if (keep != nullptr) {
    pass.texts = texts;
    pass.final_xhat = arena_.Allocate(types.residual, shape);
    pass.final_rstd = arena_.Allocate(types.statistic, {texts.Tokens()});
    if (options_.pooling == Pooling::kMax)
      pass.argmax = arena_.Allocate(DType::kI32, vectors.shape);
  }
  // Everything RunBlocks keeps is allocated before its own scope; the hidden states are not needed
  // after pooling, but they must lie above what is kept, so they are pooled from a buffer that
  // backward does not read.
  TensorView hidden = arena_.Allocate(types.residual, shape);
  RunBlocks(context, texts, pass, keep != nullptr, pass.final_xhat, pass.final_rstd, hidden);
  model_.backend().Pool(hidden, pass.offsets, options_.pooling, pass.argmax, vectors);
  if (keep == nullptr) arena_.Release(mark);
}

void Encoder::Backward(const EncoderPass& pass, const TensorView& dvectors) {
  const ArenaScope scope(arena_);
  Backend& backend = model_.backend();
  const TypeSet types = backend.Types();
  const int64_t t = pass.texts.Tokens(), d = model_.config().hidden_size;
  const int64_t layers = model_.config().layers;
  const PassContext context{.backend = backend,
                            .arena = arena_,
                            .offsets = pass.offsets,
                            .leaves = pass.leaves,
                            .token_keys = pass.token_keys,
                            .dropout = options_.dropout,
                            .tokens = t};
  const TensorView dh = arena_.Allocate(types.gradient, {t, d});
  {
    const ArenaScope pooling(arena_);
    const TensorView dhidden = arena_.Allocate(types.gradient, {t, d});
    backend.PoolBackward(dvectors, pass.offsets, options_.pooling, pass.argmax, dhidden);
    const LayerNormLayer& last = model_.final_layernorm();
    if (last.beta.Trainable()) backend.TokenSum(dhidden, context.leaves, last.beta.gradient);
    backend.LayerNormBackward(dhidden, pass.final_xhat, pass.final_rstd, last.gamma.value, false,
                              dh);
  }
  const bool embedding = EmbeddingTrainable();
  const int64_t lowest = embedding ? 0 : LowestTrainableBlock();
  for (int64_t i = layers - 1; i >= lowest; --i) {
    const BlockLayer& block = model_.blocks()[i];
    const bool input_needed = i > lowest || embedding;
    const ArenaScope block_scope(arena_);
    BeginBlock(i, Phase::kBackward);
    if (pass.block_input[i]) {
      const BlockSaved saved = AllocateBlockSaved(context, d);
      const ArenaScope recompute(arena_);
      BlockForward(context, block, static_cast<int>(i), pass.block_input[i],
                   &saved);  // its input is needed no more
      work_.block_tokens += t;
      BlockBackward(context, block, static_cast<int>(i), saved, dh, input_needed);
    } else {
      BlockBackward(context, block, static_cast<int>(i), pass.saved[i], dh, input_needed);
    }
    EndBlock(i, Phase::kBackward);
  }
  if (embedding) {
    const DropoutSpec dropout = MakeDropout(context, static_cast<int>(layers),
                                            DropoutSite::kEmbedding, options_.dropout.embedding);
    if (dropout.Active()) backend.Dropout(dh, dropout, dh);
    backend.TokenSum(dh, context.leaves, model_.embedding_layernorm().beta.gradient);
  }
}

}  // namespace lacos
