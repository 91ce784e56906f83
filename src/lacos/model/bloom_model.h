// A BLOOM ready to run: frozen matrices registered with a backend, small parameters uploaded,
// adapters attached.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lacos/formats/base_weights.h"
#include "lacos/formats/lora_adapter.h"
#include "lacos/nn/layers.h"
#include "lacos/nn/trainable_tensor.h"
#include "lacos/tensor/arena.h"

namespace lacos {

class BloomModel {
 public:
  // The backend must outlive the model. Nothing is expanded: matrices stay mapped, in their stored
  // type.
  BloomModel(Backend& backend, std::shared_ptr<BaseWeights> base_weights);

  // Attaches LoRA matrices or trained biases and returns the adapter's number, counted from 0, for
  // PackedTexts::adapters. With `trainable`, allocates gradients for them; such an adapter is the
  // only one. Texts of a batch share biases: throws UserError when one of several adapters changes
  // them.
  int32_t Attach(const LoraAdapter& adapter, bool trainable);
  // The only adapter's present values, downloaded.
  LoraAdapter Detach() const;
  int32_t adapters() const { return static_cast<int32_t>(adapters_.size()); }
  // Whether a batch's texts may have different adapters, or none: no adapter changes biases.
  bool CanMixAdapters() const;

  // The matrices of one block, if there is such a block (see BaseWeights::Prefetch and DropPages).
  void PrefetchBlock(int64_t layer) const;
  void DropBlock(int64_t layer, bool from_cache) const;
  void AwaitBlock(int64_t layer) const;  // until they are in the kernel's cache
  // Tells the backend that they are used next so; waits until no queued work reads their memory.
  void PrepareBlock(int64_t layer, Orientation orientation) const;
  void AwaitBlockMemory(int64_t layer) const;
  // The matrices as they lie in the mapped file; where they are to be read from now on.
  std::vector<QuantizedMatrix> StoredMatrices(int64_t layer) const;
  void MoveBlock(int64_t layer, const std::vector<QuantizedMatrix>& matrices);

  const BloomConfig& config() const { return base_weights_->config(); }
  const BaseWeights& base_weights() const { return *base_weights_; }
  Backend& backend() const { return backend_; }
  const std::vector<BlockLayer>& blocks() const { return blocks_; }
  const LayerNormLayer& embedding_layernorm() const { return embedding_layernorm_; }
  const LayerNormLayer& final_layernorm() const { return final_layernorm_; }
  TableId word_embeddings() const { return word_embeddings_; }
  // Every trainable tensor, in a fixed order (by layer, then by place in the block).
  const std::vector<TrainableTensor>& trainable() const { return trainable_; }

 private:
  TensorView NewTensor(Shape shape);
  TensorView Load(const std::string& name);
  void ForEachLinear(const std::function<void(const std::string& module, LinearLayer&)>& visit);
  void ForEachMatrix(int64_t layer,
                     const std::function<void(const std::string& name)>& visit) const;
  void ForEachBias(const std::function<void(const std::string& name, Parameter&)>& visit);

  Backend& backend_;
  std::shared_ptr<BaseWeights> base_weights_;
  std::unique_ptr<EmbeddingSource> embedding_source_;
  std::vector<Buffer> buffers_;
  LayerNormLayer embedding_layernorm_, final_layernorm_;
  std::vector<BlockLayer> blocks_;
  std::vector<QuantizedMatrix> stored_;  // every block's, in the order of ForEachMatrix
  TableId word_embeddings_ = -1;
  // settings and shapes of what is attached, without the values that Detach downloads
  std::vector<LoraAdapter> adapters_;
  std::vector<TrainableTensor> trainable_;
};

}  // namespace lacos
