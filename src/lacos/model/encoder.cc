#include "lacos/model/encoder.h"

#include <algorithm>

#include "lacos/base/check.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/layer_reuse.h"

namespace lacos {

Encoder::Encoder(BloomModel& model, const EncoderOptions& options)
    : model_(model),
      options_(options),
      stream_(model),
      arena_([&model](size_t bytes) { return model.backend().Allocate(bytes); }) {}

int64_t Encoder::RecomputedBlocks() const {
  const int64_t layers = model_.config().layers;
  return options_.recompute_blocks < 0 ? layers : std::min(options_.recompute_blocks, layers);
}

bool Encoder::EmbeddingTrainable() const { return model_.embedding_layernorm().beta.Trainable(); }

int64_t Encoder::LowestTrainableBlock() const {
  const std::vector<BlockLayer>& blocks = model_.blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].LowestTrainable() != BlockLayer::kNone) return static_cast<int64_t>(i);
  }
  return static_cast<int64_t>(blocks.size());
}

int64_t Encoder::LowestBlock() const { return EmbeddingTrainable() ? 0 : LowestTrainableBlock(); }

int64_t Encoder::CachedBlocks() const {
  return options_.layer_cache == nullptr || options_.dropout.Any() ? 0 : LowestBlock();
}

// Blocks below the first one of the schedule are not read as long as the layer cache has all
// their states.
BlockSchedule Encoder::Schedule() const {
  const int64_t layers = model_.config().layers;
  return {.layers = layers,
          .first = std::min(CachedBlocks(), layers - 1),
          .lowest = LowestBlock(),
          .recomputed = RecomputedBlocks()};
}

void Encoder::ReadBase() {
  const BlockSchedule schedule = Schedule();
  for (int64_t i = 0; i < model_.config().layers; ++i) {
    const BlockUse use{.layer = i, .phase = BlockPhase::kForward};
    stream_.Begin(options_.streaming, schedule, use);
    if (options_.streaming == WeightStreaming::kKeepCached) model_.AwaitBlock(i);
    stream_.End(options_.streaming, schedule, use);
  }
}

// --- forward: upload, embed, run, pool

PassContext Encoder::ContextOf(const EncoderPass& pass) {
  return {.backend = model_.backend(),
          .arena = arena_,
          .layout = pass.layout,
          .leaves = pass.leaves,
          .adapters = pass.adapters,
          .token_keys = pass.token_keys,
          .dropout = options_.dropout};
}

PassContext Encoder::Upload(const PackedTexts& texts, EncoderPass& pass) {
  LACOS_CHECK(texts.Tokens() > 0, "a batch has at least one token");
  LACOS_CHECK(
      texts.adapters.empty() || (model_.CanMixAdapters() && options_.layer_cache == nullptr),
      "texts of several adapters share neither biases nor cached states");
  Backend& backend = model_.backend();
  const TensorView ids = arena_.Allocate(DType::kI32, {texts.Tokens()});
  const TensorView offsets = arena_.Allocate(DType::kI32, {texts.Texts() + 1});
  pass.ids = MakeTokenIds(backend, texts.ids, ids);
  pass.offsets = texts.offsets;
  pass.layout = MakeTextLayout(backend, pass.offsets, offsets);
  if (!texts.keys.empty()) {
    pass.token_keys = arena_.Allocate(DType::kI64, {texts.Tokens()});
    backend.Upload(std::as_bytes(std::span(texts.keys)), pass.token_keys);
  }
  pass.leaves = MakeLeaves(texts.offsets);
  pass.adapters = MakeAdapterRows(texts);
  for (const AdapterRows& rows : pass.adapters) {
    LACOS_CHECK(0 <= rows.adapter && rows.adapter < std::max(model_.adapters(), 1),
                "a text's adapter is attached");
  }
  return ContextOf(pass);
}

void Encoder::AllocateKept(const PassContext& context, const Shape& vectors, EncoderPass& pass) {
  const TypeSet types = model_.backend().Types();
  const int64_t t = context.Tokens(), d = model_.config().hidden_size;
  const int64_t layers = model_.config().layers, recomputed = RecomputedBlocks();
  pass.final_xhat = arena_.Allocate(types.residual, {t, d});
  pass.final_rstd = arena_.Allocate(types.statistic, {t});
  if (options_.pooling == Pooling::kMax) pass.argmax = arena_.Allocate(DType::kI32, vectors);
  pass.saved.assign(layers, {});
  pass.block_input.assign(layers, {});
  for (int64_t i = LowestBlock(); i < layers; ++i) {
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

DropoutSpec Encoder::EmbeddingDropout(const PassContext& context) const {
  return MakeDropout(context, static_cast<int>(model_.config().layers), DropoutSite::kEmbedding,
                     options_.dropout.embedding);
}

// Sets h [T, D] to the hidden state that enters the first block.
void Encoder::Embed(const PassContext& context, const EncoderPass& pass, const TensorView& h) {
  Backend& backend = model_.backend();
  const LayerNormLayer& norm = model_.embedding_layernorm();
  backend.Embed(model_.word_embeddings(), pass.ids, h);
  work_.tokens += context.Tokens();
  backend.LayerNorm(h, norm.gamma.value, norm.beta.value, norm.epsilon, pass.embedding_xhat,
                    pass.embedding_rstd, h);
  const DropoutSpec dropout = EmbeddingDropout(context);
  if (dropout.Active()) backend.Dropout(h, dropout, h);
}

// Runs h through blocks [begin, end). Keeps what `pass` has allocated tensors for; a pass without
// any keeps nothing.
void Encoder::RunBlocks(const PassContext& context, const EncoderPass& pass, int64_t begin,
                        int64_t end, const TensorView& h) {
  const BlockSchedule schedule = Schedule();
  const bool keep = !pass.saved.empty();
  for (int64_t i = begin; i < end; ++i) {
    const BlockUse use{.layer = i, .phase = keep ? BlockPhase::kForwardKept : BlockPhase::kForward};
    stream_.Begin(options_.streaming, schedule, use);
    if (keep && pass.block_input[i]) model_.backend().Copy(h, pass.block_input[i]);
    const bool save = keep && static_cast<bool>(pass.saved[i].u);
    BlockForward(context, model_.blocks()[i], static_cast<int>(i), h,
                 save ? &pass.saved[i] : nullptr);
    work_.block_tokens += context.Tokens();
    stream_.End(options_.streaming, schedule, use);
  }
}

// Sets h to the hidden state after the cached blocks, either from the cache or computed as in a
// pass without a backward.
void Encoder::ReuseBlocks(const PassContext& context, const PackedTexts& texts,
                          const EncoderPass& pass, int64_t blocks, const TensorView& h) {
  const auto compute = [&](const PackedTexts& some, const TensorView& states) {
    const ArenaScope scope(arena_);
    EncoderPass part;
    const bool all = &some == &texts;
    const PassContext run = all ? context : Upload(some, part);
    Embed(run, all ? pass : part, states);
    RunBlocks(run, {}, 0, blocks, states);
  };
  LayerReuse(model_.backend(), arena_, *options_.layer_cache).Fill(texts, h, compute);
}

// Sets `hidden` [T, D] to the hidden state after all blocks and ln_f.
void Encoder::Run(const PassContext& context, const PackedTexts& texts, const EncoderPass& pass,
                  const TensorView& hidden) {
  const ArenaScope scope(arena_);
  const TensorView h = arena_.Allocate(hidden.dtype, hidden.shape);
  const int64_t cached = CachedBlocks();
  if (cached > 0) {
    ReuseBlocks(context, texts, pass, cached, h);
  } else {
    Embed(context, pass, h);
  }
  RunBlocks(context, pass, cached, model_.config().layers, h);
  const LayerNormLayer& last = model_.final_layernorm();
  model_.backend().LayerNorm(h, last.gamma.value, last.beta.value, last.epsilon, pass.final_xhat,
                             pass.final_rstd, hidden);
}

void Encoder::HiddenStates(const PackedTexts& texts, const TensorView& hidden) {
  const ArenaScope scope(arena_);
  EncoderPass pass;
  const PassContext context = Upload(texts, pass);
  Run(context, texts, pass, hidden);
}

void Encoder::Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep) {
  const Arena::Mark mark = arena_.Position();
  EncoderPass local;
  EncoderPass& pass = keep != nullptr ? *keep : local;
  pass = {};
  const PassContext context = Upload(texts, pass);
  if (keep != nullptr) AllocateKept(context, vectors.shape, pass);
  const TensorView hidden = arena_.Allocate(model_.backend().Types().residual,
                                            {texts.Tokens(), model_.config().hidden_size});
  Run(context, texts, pass, hidden);
  {
    const PhaseScope phase(model_.backend(), StepPhase::kVectors);
    model_.backend().Pool(hidden, pass.layout, options_.pooling, pass.argmax, vectors);
  }
  if (keep == nullptr) arena_.Release(mark);
}

// --- backward: the steps of the forward in reverse order

void Encoder::Backward(const EncoderPass& pass, const TensorView& dvectors) {
  const ArenaScope scope(arena_);
  const PassContext context = ContextOf(pass);
  const TensorView dh = arena_.Allocate(model_.backend().Types().residual_gradient,
                                        {context.Tokens(), model_.config().hidden_size});
  OutputBackward(context, pass, dvectors, dh);
  BlocksBackward(context, pass, dh);
  if (EmbeddingTrainable()) EmbeddingBackward(context, dh);
}

// Sets dh [T, D] to the gradient of the last block's output.
void Encoder::OutputBackward(const PassContext& context, const EncoderPass& pass,
                             const TensorView& dvectors, const TensorView& dh) {
  const ArenaScope scope(arena_);
  Backend& backend = model_.backend();
  const TensorView dhidden = arena_.Allocate(dh.dtype, dh.shape);
  {
    const PhaseScope phase(backend, StepPhase::kVectors);
    backend.PoolBackward(dvectors, pass.layout, options_.pooling, pass.argmax, dhidden);
  }
  const LayerNormLayer& last = model_.final_layernorm();
  if (last.beta.Trainable()) backend.TokenSum(dhidden, context.leaves, last.beta.gradient);
  backend.LayerNormBackward(dhidden, pass.final_xhat, pass.final_rstd, last.gamma.value,
                            /*accumulate=*/false, dh);
}

// Sets dh to the gradient of the lowest block's input, if the embedding needs it.
void Encoder::BlocksBackward(const PassContext& context, const EncoderPass& pass,
                             const TensorView& dh) {
  const BlockSchedule schedule = Schedule();
  for (int64_t i = schedule.layers - 1; i >= schedule.lowest; --i) {
    const ArenaScope scope(arena_);
    const BlockUse use{.layer = i, .phase = BlockPhase::kBackward};
    const BlockLayer& block = model_.blocks()[i];
    const int index = static_cast<int>(i);
    const bool input_needed = i > schedule.lowest || EmbeddingTrainable();
    stream_.Begin(options_.streaming, schedule, use);
    if (pass.block_input[i]) {
      const BlockSaved saved = AllocateBlockSaved(context, dh.cols());
      // this overwrites the block's input
      BlockForward(context, block, index, pass.block_input[i], &saved);
      work_.block_tokens += context.Tokens();
      BlockBackward(context, block, index, saved, dh, input_needed);
    } else {
      BlockBackward(context, block, index, pass.saved[i], dh, input_needed);
    }
    stream_.End(options_.streaming, schedule, use);
  }
}

void Encoder::EmbeddingBackward(const PassContext& context, const TensorView& dh) {
  const DropoutSpec dropout = EmbeddingDropout(context);
  if (dropout.Active()) model_.backend().Dropout(dh, dropout, dh);
  model_.backend().TokenSum(dh, context.leaves, model_.embedding_layernorm().beta.gradient);
}

}  // namespace lacos
