// Runs BLOOM over a packed batch: token ids go in, one vector per text comes out, and a backward
// pass adds up the gradients of the adapter.
#pragma once

#include <cstdint>
#include <functional>
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
  DropoutRates dropout;  // for training only; requires PackedTexts::keys
  // The number of blocks, counted from the bottom, that save only their input and recompute their
  // activations in the backward; -1 = all. The other blocks save their activations. The result has
  // the same bytes either way.
  int64_t recompute_blocks = 0;
  // Reads the matrices of each block while the block before it computes, and gives them up after
  // use. One block of the base weights is then resident at a time, or two if the kernel is not to
  // cache them. The result has the same bytes.
  WeightStreaming streaming = WeightStreaming::kNone;
  // The states that enter the lowest trained block, by text. Only texts that are missing here run
  // through the blocks below. The cache must belong to this model and that block and must outlive
  // the encoder. The result has the same bytes.
  LayerCache* layer_cache = nullptr;
  // Called after each block but the last of a forward without a backward, if it is given. It may run
  // other passes of the same encoder, which change neither this pass nor its result. Not with
  // streaming, whose blocks are read in the order of one pass. Must outlive the forward.
  const std::function<void()>* after_block = nullptr;
};

// What one forward pass keeps for its backward. The memory is a stack in the encoder's arena: `state`
// is below the tensors of the lowest block, and final_xhat is above those of the highest one. So the
// backward, which goes down, releases the tensors of a block as soon as it has used them, and the
// blocks below work in their memory.
struct EncoderPass {
  TokenIds ids;  // the host copy belongs to the texts of the forward pass, which alone reads it
  std::vector<int32_t> offsets;  // the host copy of the layout's offsets
  TextLayout layout;
  TensorView token_keys;
  TokenLeaves leaves;
  std::vector<AdapterRows> adapters;
  TensorView state;  // [T, D] the hidden state; in the backward its gradient
  // [L+1] For each block, and for final_xhat, the end of what lies below its tensors.
  std::vector<Arena::Mark> below;
  std::vector<BlockSaved> saved;  // one per block; views are absent if recomputed or not needed
  std::vector<TensorView> block_input;        // [T, D] for each recomputed block
  TensorView embedding_xhat, embedding_rstd;  // only when the embedding LayerNorm is trained
  TensorView final_xhat, final_rstd;          // [T, D], [T]
  TensorView argmax;                          // [N, D] for max pooling
};

// The amount of work that an encoder has done since it was made. Depends on the texts only, not on
// the strategy.
struct EncoderWork {
  int64_t tokens = 0;        // tokens whose embeddings were looked up
  int64_t block_tokens = 0;  // tokens that ran forward through a block, summed over the blocks
};

class Encoder {
 public:
  Encoder(BloomModel& model, const EncoderOptions& options);

  // `vectors` [N, D] has the residual type and is allocated by the caller. `keep` receives what the
  // backward needs; its tensors are allocated from arena(), so an ArenaScope around forward and
  // backward releases them.
  void Forward(const PackedTexts& texts, const TensorView& vectors, EncoderPass* keep = nullptr);
  // Adds the gradients of every trainable tensor of the model to its sum, and releases what the pass
  // has kept, together with everything that was allocated from arena() after it. `dvectors` [N, D]
  // is read first. If the pass is only a part of a step, pass.leaves.step_leaves must be the number
  // of leaves in the whole step.
  void Backward(const EncoderPass& pass, const TensorView& dvectors);
  // Per-token hidden states after ln_f, [T, D] residual type.
  void HiddenStates(const PackedTexts& texts, const TensorView& hidden);

  // The lowest block with a trained part, or the number of layers if no block has one.
  int64_t LowestTrainableBlock() const;
  bool EmbeddingTrainable() const;
  // The block with which a backward ends: LowestTrainableBlock, or 0 if gradients continue to the
  // LayerNorm of the embedding.
  int64_t LowestBlock() const;
  // For measurements: DropBase drops all base weights from the kernel's cache; ReadBase reads all of
  // them as a pass would.
  void DropBase() { stream_.DropBase(); }
  void ReadBase();

  Arena& arena() { return arena_; }
  BloomModel& model() { return model_; }
  EncoderOptions& options() { return options_; }
  const EncoderWork& work() const { return work_; }

 private:
  // The steps of a forward.
  PassContext Upload(const PackedTexts& texts, EncoderPass& pass);
  void Embed(const PassContext& context, const EncoderPass& pass, const TensorView& h);
  void RunBlocks(const PassContext& context, EncoderPass* keep, int64_t begin, int64_t end,
                 const TensorView& h);
  void ReuseBlocks(const PassContext& context, const PackedTexts& texts, const EncoderPass& pass,
                   int64_t blocks, const TensorView& h);
  void Run(const PassContext& context, const PackedTexts& texts, EncoderPass& pass, bool keep,
           const TensorView& h);
  // Allocates the tensors that a backward needs: those below the blocks, and those of one block.
  void AllocateKept(const PassContext& context, const Shape& vectors, EncoderPass& pass);
  void AllocateBlock(const PassContext& context, int64_t layer, EncoderPass& pass);
  // The steps of a backward.
  PassContext ContextOf(const EncoderPass& pass);
  void OutputBackward(const PassContext& context, const EncoderPass& pass,
                      const TensorView& dvectors, const TensorView& dh);
  void BlocksBackward(const PassContext& context, const EncoderPass& pass, const TensorView& dh);
  void RecomputedBackward(const PassContext& context, int64_t layer, const TensorView& h,
                          const TensorView& dh, bool input_needed);
  void EmbeddingBackward(const PassContext& context, const TensorView& dh);

  DropoutSpec EmbeddingDropout(const PassContext& context) const;
  // The number of lowest blocks whose output depends only on the ids of a text and is cached, or 0
  // if there are none.
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
