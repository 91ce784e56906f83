#include "lacos/model/encoder.h"

#include <algorithm>
#include <span>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/layer_reuse.h"

namespace lacos {
namespace {

// Calls run(part, first, last) for one part of the batch after the other: for rows [first, last),
// which are whole leaves. What one part allocates is released before the next, so a block that runs
// in parts needs little memory beside what it saves, and has the same bytes. Each part decodes the
// block's matrices again, so parts are not small: some sixth of the batch, and at least a leaf.
template <class F>
void ForParts(const PassContext& context, F&& run) {
  const std::span<const int32_t> offsets = context.layout.host_offsets;
  for (const auto& [begin, end] :
       WholeLeafRanges(offsets, std::max(kLeafTokens, CeilDivide(context.Tokens(), 6)))) {
    const int64_t first = offsets[begin], last = offsets[end];
    if (first == last) continue;
    const ArenaScope scope(context.arena);
    std::vector<int32_t> own;
    for (int64_t n = begin; n <= end; ++n) own.push_back(offsets[n] - offsets[begin]);
    PassContext part = context;
    part.layout =
        MakeTextLayout(context.backend, own,
                       context.arena.Allocate(DType::kI32, {static_cast<int64_t>(own.size())}));
    part.leaves = MakeLeaves(own);
    part.leaves.step_leaves = context.leaves.StepLeaves();
    if (context.token_keys) part.token_keys = context.token_keys.Rows(first, last);
    part.adapters.clear();
    for (const AdapterRows& rows : context.adapters) {
      const int64_t from = std::max(rows.begin, first), to = std::min(rows.end, last);
      if (from < to) part.adapters.push_back({from - first, to - first, rows.adapter});
    }
    run(part, first, last);
  }
}

}  // namespace

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
    // A batch without a list of adapters has number 0, also on a model without any.
    LACOS_CHECK(model_.HasAdapter(rows.adapter) || (rows.adapter == 0 && model_.adapters() == 0),
                "a text's adapter is attached");
  }
  return ContextOf(pass);
}

void Encoder::AllocateKept(const PassContext& context, const Shape& vectors, EncoderPass& pass) {
  const TypeSet types = model_.backend().Types();
  const int64_t t = context.Tokens(), d = model_.config().hidden_size;
  const int64_t layers = model_.config().layers;
  pass.final_rstd = arena_.Allocate(types.statistic, {t});
  if (options_.pooling == Pooling::kMax) pass.argmax = arena_.Allocate(DType::kI32, vectors);
  if (EmbeddingTrainable()) {
    pass.embedding_xhat = arena_.Allocate(types.residual, {t, d});
    pass.embedding_rstd = arena_.Allocate(types.statistic, {t});
  }
  const bool wider = SizeOf(types.residual_gradient) > SizeOf(types.residual);
  pass.state = arena_.Allocate(wider ? types.residual_gradient : types.residual, {t, d});
  pass.saved.assign(layers, {});
  pass.block_input.assign(layers, {});
  pass.below.assign(layers + 1, arena_.Position());
}

void Encoder::AllocateBlock(const PassContext& context, int64_t layer, EncoderPass& pass) {
  const int64_t d = model_.config().hidden_size;
  pass.below[layer] = arena_.Position();
  if (layer < LowestBlock()) return;
  if (layer < RecomputedBlocks()) {
    pass.block_input[layer] =
        arena_.Allocate(model_.backend().Types().residual, {context.Tokens(), d});
  } else {
    pass.saved[layer] = AllocateBlockSaved(context, d);
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

// Runs h through blocks [begin, end), and keeps what a backward needs if `keep` is given.
void Encoder::RunBlocks(const PassContext& context, EncoderPass* keep, int64_t begin, int64_t end,
                        const TensorView& h) {
  const BlockSchedule schedule = Schedule();
  for (int64_t i = begin; i < end; ++i) {
    const BlockUse use{.layer = i, .phase = keep ? BlockPhase::kForwardKept : BlockPhase::kForward};
    stream_.Begin(options_.streaming, schedule, use);
    BlockSaved saved;
    if (keep) {
      AllocateBlock(context, i, *keep);
      if (keep->block_input[i]) model_.backend().Copy(h, keep->block_input[i]);
      saved = keep->saved[i];
    }
    const BlockLayer& block = model_.blocks()[i];
    if (keep && i + 1 == schedule.layers) {
      ForParts(context, [&](const PassContext& part, int64_t first, int64_t last) {
        const BlockSaved rows = saved.u ? saved.Rows(first, last) : BlockSaved();
        BlockForward(part, block, static_cast<int>(i), h.Rows(first, last),
                     saved.u ? &rows : nullptr);
      });
    } else {
      BlockForward(context, block, static_cast<int>(i), h, saved.u ? &saved : nullptr);
    }
    work_.block_tokens += context.Tokens();
    stream_.End(options_.streaming, schedule, use);
    if (!keep && i + 1 < end && options_.after_block != nullptr) {
      LACOS_CHECK(options_.streaming == WeightStreaming::kNone, "a streamed pass is not paused");
      (*options_.after_block)();
    }
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
    RunBlocks(run, nullptr, 0, blocks, states);
  };
  LayerReuse(model_.backend(), arena_, *options_.layer_cache).Fill(texts, h, compute);
}

// Sets h [T, D] to the hidden state after all blocks and ln_f.
void Encoder::Run(const PassContext& context, const PackedTexts& texts, EncoderPass& pass,
                  bool keep, const TensorView& h) {
  const int64_t cached = CachedBlocks(), layers = model_.config().layers;
  if (cached > 0) {
    ReuseBlocks(context, texts, pass, cached, h);
  } else {
    Embed(context, pass, h);
  }
  RunBlocks(context, keep ? &pass : nullptr, cached, layers, h);
  if (keep) {
    pass.below[layers] = arena_.Position();
    pass.final_xhat = arena_.Allocate(h.dtype, h.shape);
  }
  const LayerNormLayer& last = model_.final_layernorm();
  model_.backend().LayerNorm(h, last.gamma.value, last.beta.value, last.epsilon, pass.final_xhat,
                             pass.final_rstd, h);
}

void Encoder::HiddenStates(const PackedTexts& texts, const TensorView& hidden) {
  const ArenaScope scope(arena_);
  EncoderPass pass;
  const PassContext context = Upload(texts, pass);
  Run(context, texts, pass, /*keep=*/false, hidden);
}

void Encoder::Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep) {
  const Arena::Mark mark = arena_.Position();
  EncoderPass local;
  EncoderPass& pass = keep != nullptr ? *keep : local;
  pass = {};
  const PassContext context = Upload(texts, pass);
  const DType residual = model_.backend().Types().residual;
  const Shape shape{texts.Tokens(), model_.config().hidden_size};
  TensorView hidden;
  if (keep != nullptr) {
    AllocateKept(context, vectors.shape, pass);
    hidden = {pass.state.data, residual, shape};
  } else {
    hidden = arena_.Allocate(residual, shape);
  }
  Run(context, texts, pass, keep != nullptr, hidden);
  {
    const PhaseScope phase(model_.backend(), StepPhase::kVectors);
    model_.backend().Pool(hidden, pass.layout, options_.pooling, pass.argmax, vectors);
  }
  if (keep == nullptr) arena_.Release(mark);
}

// --- backward: the steps of the forward in reverse order

void Encoder::Backward(const EncoderPass& pass, const TensorView& dvectors) {
  const PassContext context = ContextOf(pass);
  const TensorView dh{pass.state.data, model_.backend().Types().residual_gradient,
                      pass.state.shape};
  OutputBackward(context, pass, dvectors, dh);
  BlocksBackward(context, pass, dh);
  if (EmbeddingTrainable()) EmbeddingBackward(context, dh);
}

// Sets dh [T, D] to the gradient of the last block's output.
void Encoder::OutputBackward(const PassContext& context, const EncoderPass& pass,
                             const TensorView& dvectors, const TensorView& dh) {
  Backend& backend = model_.backend();
  {
    const PhaseScope phase(backend, StepPhase::kVectors);
    backend.PoolBackward(dvectors, pass.layout, options_.pooling, pass.argmax, dh);
  }
  const LayerNormLayer& last = model_.final_layernorm();
  if (last.beta.Trainable()) backend.TokenSum(dh, context.leaves, last.beta.gradient);
  backend.LayerNormBackward(dh, pass.final_xhat, pass.final_rstd, last.gamma.value,
                            /*accumulate=*/false, dh);
}

// Sets dh to the gradient of the lowest block's input, if the embedding needs it.
void Encoder::BlocksBackward(const PassContext& context, const EncoderPass& pass,
                             const TensorView& dh) {
  const BlockSchedule schedule = Schedule();
  for (int64_t i = schedule.layers - 1; i >= schedule.lowest; --i) {
    arena_.Release(pass.below[i + 1]);
    const BlockUse use{.layer = i, .phase = BlockPhase::kBackward};
    const BlockLayer& block = model_.blocks()[i];
    const int index = static_cast<int>(i);
    const bool input_needed = i > schedule.lowest || EmbeddingTrainable();
    stream_.Begin(options_.streaming, schedule, use);
    if (pass.block_input[i]) {
      RecomputedBackward(context, i, pass.block_input[i], dh, input_needed);
    } else if (i + 1 == schedule.layers) {
      ForParts(context, [&](const PassContext& part, int64_t first, int64_t last) {
        BlockBackward(part, block, index, pass.saved[i].Rows(first, last), dh.Rows(first, last),
                      input_needed);
      });
    } else {
      BlockBackward(context, block, index, pass.saved[i], dh, input_needed);
    }
    stream_.End(options_.streaming, schedule, use);
  }
  arena_.Release(pass.below[schedule.lowest]);
}

// The backward of a block that has kept its input h [T, D] only, which this overwrites.
void Encoder::RecomputedBackward(const PassContext& context, int64_t layer, const TensorView& h,
                                 const TensorView& dh, bool input_needed) {
  const BlockLayer& block = model_.blocks()[layer];
  const int index = static_cast<int>(layer);
  ForParts(context, [&](const PassContext& part, int64_t first, int64_t last) {
    const BlockSaved saved = AllocateBlockSaved(part, dh.cols());
    BlockForward(part, block, index, h.Rows(first, last), &saved);
    BlockBackward(part, block, index, saved, dh.Rows(first, last), input_needed);
  });
  work_.block_tokens += context.Tokens();
}

void Encoder::EmbeddingBackward(const PassContext& context, const TensorView& dh) {
  const DropoutSpec dropout = EmbeddingDropout(context);
  if (dropout.Active()) model_.backend().Dropout(dh, dropout, dh);
  model_.backend().TokenSum(dh, context.leaves, model_.embedding_layernorm().beta.gradient);
}

}  // namespace lacos
