// A BLOOM model that is ready to run: the frozen matrices are registered with a backend, the small
// parameters uploaded and the adapters attached.
#pragma once

#include <functional>
#include <map>
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
  // The backend must outlive the model. Matrices are not expanded: they stay mapped, in their
  // stored type.
  BloomModel(Backend& backend, std::shared_ptr<BaseWeights> base_weights);

  // Attaches LoRA matrices or trained biases. Returns the number of the adapter for
  // PackedTexts::adapters: the lowest one from 0 on that no attached adapter has. With `trainable`,
  // allocates gradients for the adapter, which must then be the only one. All texts of a batch share
  // biases, so UserError is thrown if one of several adapters changes them. If attaching LoRA
  // matrices fails, the model is as before.
  int32_t Attach(const LoraAdapter& adapter, bool trainable);
  // The current values of the only adapter, downloaded from the backend.
  LoraAdapter Detach() const;
  // Frees the memory of an attached LoRA adapter, which no text may name any more. Another adapter
  // may get its number.
  void Remove(int32_t adapter);
  // How many adapters are attached.
  int32_t adapters() const { return static_cast<int32_t>(adapters_.size()); }
  bool HasAdapter(int32_t number) const { return adapters_.contains(number); }
  // Whether the texts of a batch may have different adapters or none, which requires that no
  // adapter changes biases.
  bool CanMixAdapters() const;

  // Read ahead or drop the matrices of one block; nothing happens if there is no such block. See
  // BaseWeights::Prefetch and BaseWeights::DropPages.
  void PrefetchBlock(int64_t layer) const;
  void DropBlock(int64_t layer, bool from_cache) const;
  void AwaitBlock(int64_t layer) const;  // waits until they are in the kernel's cache
  // Tells the backend that these matrices are used next, in this orientation; waits until no queued
  // work reads their memory.
  void PrepareBlock(int64_t layer, Orientation orientation) const;
  void AwaitBlockMemory(int64_t layer) const;
  // StoredMatrices: the matrices as they lie in the mapped file. MoveBlock sets the place from
  // which they are read.
  std::vector<QuantizedMatrix> StoredMatrices(int64_t layer) const;
  void MoveBlock(int64_t layer, const std::vector<QuantizedMatrix>& matrices);

  const BloomConfig& config() const { return base_weights_->config(); }
  const BaseWeights& base_weights() const { return *base_weights_; }
  Backend& backend() const { return backend_; }
  const std::vector<BlockLayer>& blocks() const { return blocks_; }
  const LayerNormLayer& embedding_layernorm() const { return embedding_layernorm_; }
  const LayerNormLayer& final_layernorm() const { return final_layernorm_; }
  TableId word_embeddings() const { return word_embeddings_; }
  // Every trainable tensor in a fixed order: by layer, then by position in the block.
  const std::vector<TrainableTensor>& trainable() const { return trainable_; }

 private:
  void AttachAs(int32_t number, const LoraAdapter& adapter, bool trainable);
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
  std::map<int32_t, std::vector<Buffer>> adapter_buffers_;  // by the adapter's number
  LayerNormLayer embedding_layernorm_, final_layernorm_;
  std::vector<BlockLayer> blocks_;
  // the matrices of every block, in the order of ForEachMatrix
  std::vector<QuantizedMatrix> stored_;
  TableId word_embeddings_ = -1;
  // The settings and shapes of the attached adapters by their numbers, without the values, which
  // Detach downloads.
  std::map<int32_t, LoraAdapter> adapters_;
  std::vector<TrainableTensor> trainable_;
};

}  // namespace lacos
