// BLOOM over a packed batch: token ids in, one vector a text out, and the way back to the adapter's
// gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lacos/model/block_loader.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/streaming.h"
#include "lacos/nn/block.h"
#include "lacos/nn/layers.h"

namespace lacos {

// All texts of a batch laid end to end, without padding.
struct PackedTexts {
  std::vector<int32_t> ids;            // [T]
  std::vector<int32_t> offsets = {0};  // [N+1]
  std::vector<int64_t> keys;           // [T] dropout keys, or empty
  int64_t Texts() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t Tokens() const { return static_cast<int64_t>(ids.size()); }
  std::span<const int32_t> Text(int64_t n) const {
    return std::span(ids).subspan(static_cast<size_t>(offsets[n]),
                                  static_cast<size_t>(offsets[n + 1] - offsets[n]));
  }
  void Add(std::span<const int32_t> text);
  // Texts [begin, end) as a batch of their own.
  PackedTexts Slice(int64_t begin, int64_t end) const;
  // The given texts, in this order, as a batch of their own.
  PackedTexts Select(std::span<const int64_t> rows) const;
};

// Cut points for sums over tokens: leaves of at most 512 tokens, cut at text boundaries in batch
// order; a longer text is cut at every 512th of its tokens. Chunks of whole texts that start at
// `LeafStarts` have the same leaves as the batch.
inline constexpr int64_t kLeafTokens = 512;
TokenLeaves MakeLeaves(std::span<const int32_t> offsets);
// Indexes of the texts at which a leaf begins, and finally N.
std::vector<int64_t> LeafStarts(std::span<const int32_t> offsets);

class LayerCache;

struct EncoderOptions {
  Pooling pooling = Pooling::kMean;
  DropoutRates dropout;  // training only; needs PackedTexts::keys
  // Blocks whose activations are recomputed in backward from their saved input, counted from the
  // bottom;
  // -1 = all. The rest is saved. Same bytes either way.
  int64_t recompute_blocks = 0;
  // Each block's matrices are read ahead while the one before it computes, and given up after it:
  // one block of the base is resident at a time, or two where the kernel is not to cache them. Same
  // bytes.
  WeightStreaming streaming = WeightStreaming::kNone;
  // States that enter the lowest trained block, by text: only texts that it does not have run
  // through the blocks below. It must be one of this model and that block, and outlive the encoder.
  // Same bytes.
  LayerCache* layer_cache = nullptr;
};

// What one forward pass keeps for its backward; lives in the model's arena until Release.
struct EncoderPass {
  PackedTexts texts;
  TensorView ids, offsets, token_keys;
  TokenLeaves leaves;
  std::vector<BlockSaved> saved;        // per block; views absent where recomputed or not needed
  std::vector<TensorView> block_input;  // [T, D] per recomputed block
  TensorView embedding_xhat, embedding_rstd;  // only when the embedding LayerNorm is trained
  TensorView final_xhat, final_rstd;          // [T, D], [T]
  TensorView argmax;                          // [N, D] for max pooling
};

// What an encoder has computed since it was made; texts alone, whatever the strategy.
struct EncoderWork {
  int64_t tokens = 0;        // whose embeddings were looked up
  int64_t block_tokens = 0;  // tokens that ran forward through a block, summed over the blocks
};

class Encoder {
 public:
  Encoder(BloomModel& model, const EncoderOptions& options);

  // vectors [N, D] residual type, allocated by the caller. With `keep`, what backward needs is kept
  // in it (allocated from arena(): release by an ArenaScope around forward and backward).
  void Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep = nullptr);
  // Adds the gradients of every trainable tensor of the model.
  void Backward(const EncoderPass& pass, const TensorView& dvectors);
  // Per-token hidden states after ln_f, [T, D] residual type.
  void HiddenStates(const PackedTexts& texts, const TensorView& hidden);

  // Where gradients end: the model's number of layers when nothing in a block is trained.
  int64_t LowestTrainableBlock() const;
  bool EmbeddingTrainable() const;
  // For measurements: drops the whole base from the kernel's cache; reads all of it as a pass
  // would.
  void DropBase();
  void ReadBase();

  Arena& arena() { return arena_; }
  BloomModel& model() { return model_; }
  EncoderOptions& options() { return options_; }
  const EncoderWork& work() const { return work_; }

 private:
  PassContext Upload(const PackedTexts& texts, EncoderPass& pass);
  TensorView RunBlocks(const PassContext& context, const PackedTexts& texts, EncoderPass& pass,
                       bool keep, const TensorView& output_xhat, const TensorView& output_rstd,
                       const TensorView& output);
  // The hidden state h [T, D] before the first block, and through blocks [begin, end).
  void Embed(const PassContext& context, const EncoderPass& pass, const TensorView& h);
  void RunRange(const PassContext& context, const EncoderPass& pass, int64_t begin, int64_t end,
                const TensorView& h);
  // encoder_cache.cc: h after the lowest `blocks` blocks, read or computed.
  int64_t CachedBlocks() const;
  void RunCached(const PassContext& context, const PackedTexts& texts, const EncoderPass& pass,
                 int64_t blocks, const TensorView& h);
  void ComputeRows(const PackedTexts& texts, std::span<const int64_t> rows, int64_t blocks,
                   const TensorView& space, const TensorView& h);
  void KeepRows(const PackedTexts& texts, std::span<const int64_t> rows, const TensorView& from,
                const TensorView& h);
  // kForwardKept: a backward follows.
  enum class Phase : uint8_t { kForward, kForwardKept, kBackward };
  // Before and after a block's matrices are used, where they are streamed.
  void BeginBlock(int64_t layer, Phase phase);
  void EndBlock(int64_t layer, Phase phase);
  // The block that the next pass begins with.
  int64_t FirstBlock() const;
  std::vector<int64_t> ComingBlocks(int64_t layer, Phase phase, int64_t most) const;
  int64_t RecomputedBlocks() const;

  BloomModel& model_;
  EncoderOptions options_;
  std::unique_ptr<BlockReader> reader_;  // where weights are streamed through the kernel's cache
  std::unique_ptr<BlockLoader> loader_;  // where they are streamed past it
  Arena arena_;
  EncoderWork work_;
};

}  // namespace lacos
