// BLOOM over a packed batch: token ids in, one vector a text out, and the way back to the adapter's
// gradients.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/model/block_schedule.h"
#include "lacos/model/block_stream.h"
#include "lacos/model/bloom_model.h"
#include "lacos/model/packed_texts.h"
#include "lacos/nn/block.h"
#include "lacos/nn/layers.h"

namespace lacos {

class LayerCache;

struct EncoderOptions {
  Pooling pooling = Pooling::kMean;
  DropoutRates dropout;  // training only; needs PackedTexts::keys
  // Blocks whose activations are recomputed in backward from their saved input, counted from the
  // bottom; -1 = all. The rest is saved. Same bytes either way.
  int64_t recompute_blocks = 0;
  // Each block's matrices are read while the block before it computes, and given up after use: one
  // block of the base is resident at a time, or two where the kernel is not to cache them. Same
  // bytes.
  WeightStreaming streaming = WeightStreaming::kNone;
  // States that enter the lowest trained block, by text: only texts that it does not have run
  // through the blocks below. It must be one of this model and that block, and outlive the encoder.
  // Same bytes.
  LayerCache* layer_cache = nullptr;
};

// What one forward pass keeps for its backward; lives in the model's arena until Release.
struct EncoderPass {
  TokenIds ids;  // the host's side lies in the texts of the forward pass, which alone reads it
  std::vector<int32_t> offsets;  // the host's side of the layout
  TextLayout layout;
  TensorView token_keys;
  TokenLeaves leaves;
  std::vector<AdapterRows> adapters;
  std::vector<BlockSaved> saved;        // per block; views absent where recomputed or not needed
  std::vector<TensorView> block_input;  // [T, D] per recomputed block
  TensorView embedding_xhat, embedding_rstd;  // only when the embedding LayerNorm is trained
  TensorView final_xhat, final_rstd;          // [T, D], [T]
  TensorView argmax;                          // [N, D] for max pooling
};

// What an encoder has computed since it was made; texts alone, whatever the strategy.
struct EncoderWork {
  int64_t tokens = 0;        // tokens whose embeddings were looked up
  int64_t block_tokens = 0;  // tokens that ran forward through a block, summed over the blocks
};

class Encoder {
 public:
  Encoder(BloomModel& model, const EncoderOptions& options);

  // vectors [N, D] residual type, allocated by the caller. With `keep`, what backward needs is kept
  // in it (allocated from arena(): release by an ArenaScope around forward and backward).
  void Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep = nullptr);
  // Adds the gradients of every trainable tensor of the model to its sum. Where the pass was a part
  // of a step, pass.leaves.step_leaves must say how many leaves the whole step has.
  void Backward(const EncoderPass& pass, const TensorView& dvectors);
  // Per-token hidden states after ln_f, [T, D] residual type.
  void HiddenStates(const PackedTexts& texts, const TensorView& hidden);

  // The lowest block with a trained part; the number of layers when no block has one.
  int64_t LowestTrainableBlock() const;
  bool EmbeddingTrainable() const;
  // The block with which a backward ends: LowestTrainableBlock, or 0 when gradients go on to the
  // embedding's LayerNorm.
  int64_t LowestBlock() const;
  // For measurements: drops the whole base from the kernel's cache; reads all of it as a pass
  // would.
  void DropBase() { stream_.DropBase(); }
  void ReadBase();

  Arena& arena() { return arena_; }
  BloomModel& model() { return model_; }
  EncoderOptions& options() { return options_; }
  const EncoderWork& work() const { return work_; }

 private:
  // The stations of a forward.
  PassContext Upload(const PackedTexts& texts, EncoderPass& pass);
  void Embed(const PassContext& context, const EncoderPass& pass, const TensorView& h);
  void RunBlocks(const PassContext& context, const EncoderPass& pass, int64_t begin, int64_t end,
                 const TensorView& h);
  void ReuseBlocks(const PassContext& context, const PackedTexts& texts, const EncoderPass& pass,
                   int64_t blocks, const TensorView& h);
  void Run(const PassContext& context, const PackedTexts& texts, const EncoderPass& pass,
           const TensorView& hidden);
  // Allocates what a backward needs.
  void AllocateKept(const PassContext& context, const Shape& vectors, EncoderPass& pass);
  // The stations of a backward.
  PassContext ContextOf(const EncoderPass& pass);
  void OutputBackward(const PassContext& context, const EncoderPass& pass,
                      const TensorView& dvectors, const TensorView& dh);
  void BlocksBackward(const PassContext& context, const EncoderPass& pass, const TensorView& dh);
  void EmbeddingBackward(const PassContext& context, const TensorView& dh);

  DropoutSpec EmbeddingDropout(const PassContext& context) const;
  // How many blocks' output is a function of a text's ids alone, and cached; 0 = none.
  int64_t CachedBlocks() const;
  int64_t RecomputedBlocks() const;
  BlockSchedule Schedule() const;

  BloomModel& model_;
  EncoderOptions options_;
  BlockStream stream_;
  Arena arena_;
  EncoderWork work_;
};

}  // namespace lacos
