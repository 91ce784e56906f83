// A BLOOM ready to run: frozen matrices registered with a backend, small parameters uploaded, an
// adapter attached.
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

  // Attaches LoRA matrices or trained biases; with `trainable`, allocates gradients for them.
  void Attach(const LoraAdapter& adapter, bool trainable);
  // The adapter's present values, downloaded.
  LoraAdapter Detach() const;

  // The matrices of one block, if there is such a block (see BaseWeights::Prefetch and DropPages).
  void PrefetchBlock(int64_t layer) const;
  void DropBlock(int64_t layer, bool from_cache) const;
  void AwaitBlock(int64_t layer) const;  // until they are in the kernel's cache
  // The same, as they lie in the mapped file; and from now on to be read where `matrices` say.
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
  LoraAdapter adapter_;
  std::vector<TrainableTensor> trainable_;
};

}  // namespace lacos
