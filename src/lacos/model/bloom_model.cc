#include "lacos/model/bloom_model.h"

#include <algorithm>

#include <fmt/format.h>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/formats/base_embedding.h"
#include "lacos/kernels/transfer.h"

namespace lacos {
BloomModel::BloomModel(Backend& backend, std::shared_ptr<BaseWeights> base_weights)
    : backend_(backend),
      base_weights_(std::move(base_weights)),
      embedding_source_(MakeEmbeddingSource(base_weights_)) {
  const BloomConfig& config = base_weights_->config();
  word_embeddings_ = backend_.AddTable(*embedding_source_);
  const auto layer_norm = [&](const std::string& name) {
    return LayerNormLayer{.gamma = {.value = Load(name + ".weight")},
                          .beta = {.value = Load(name + ".bias")},
                          .epsilon = config.layer_norm_epsilon};
  };
  const auto linear = [&](const std::string& name) {
    const QuantizedMatrix matrix = base_weights_->Matrix(name + ".weight");
    const WeightId weight = backend_.AddWeight(matrix);
    stored_.push_back(matrix);
    base_weights_->DropPages(name + ".weight",
                             // Matrix() has checked the scales, which are not used yet
                             /*from_cache=*/false);
    return LinearLayer{.name = name,
                       .weight = weight,
                       .in = matrix.cols,
                       .out = matrix.rows,
                       .bias = {.value = Load(name + ".bias")},
                       .lora = {}};
  };
  embedding_layernorm_ = layer_norm("word_embeddings_layernorm");
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string prefix = fmt::format("h.{}.", i);
    blocks_.push_back({.input_layernorm = layer_norm(prefix + "input_layernorm"),
                       .query_key_value = linear(prefix + "self_attention.query_key_value"),
                       .dense = linear(prefix + "self_attention.dense"),
                       .post_attention_layernorm = layer_norm(prefix + "post_attention_layernorm"),
                       .dense_h_to_4h = linear(prefix + "mlp.dense_h_to_4h"),
                       .dense_4h_to_h = linear(prefix + "mlp.dense_4h_to_h"),
                       .heads = static_cast<int>(config.heads),
                       .residual_from_layernorm = config.residual_from_layernorm});
  }
  final_layernorm_ = layer_norm("ln_f");
}

TensorView BloomModel::NewTensor(Shape shape) { return NewParameter(backend_, shape, buffers_); }

TensorView BloomModel::Load(const std::string& name) {
  const std::vector<float> values = base_weights_->Vector(name);
  const TensorView view = NewTensor({static_cast<int64_t>(values.size())});
  UploadFloats(backend_, values, view);
  return view;
}

void BloomModel::ForEachLinear(const std::function<void(const std::string&, LinearLayer&)>& visit) {
  for (BlockLayer& block : blocks_) {
    for (LinearLayer* layer : block.Linears()) visit(layer->name, *layer);
  }
}

void BloomModel::ForEachBias(const std::function<void(const std::string&, Parameter&)>& visit) {
  visit("word_embeddings_layernorm.bias", embedding_layernorm_.beta);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    BlockLayer& block = blocks_[i];
    visit(fmt::format("h.{}.input_layernorm.bias", i), block.input_layernorm.beta);
    visit(block.query_key_value.name + ".bias", block.query_key_value.bias);
    visit(block.dense.name + ".bias", block.dense.bias);
    visit(fmt::format("h.{}.post_attention_layernorm.bias", i),
          block.post_attention_layernorm.beta);
    visit(block.dense_h_to_4h.name + ".bias", block.dense_h_to_4h.bias);
    visit(block.dense_4h_to_h.name + ".bias", block.dense_4h_to_h.bias);
  }
  visit("ln_f.bias", final_layernorm_.beta);
}

namespace {

HostMatrix WithoutValues(const HostMatrix& host) {
  return {.shape = host.shape, .values = {}, .stored = host.stored};
}

// The adapter without the values that Detach downloads: those of matrices and of trained biases.
LoraAdapter WithoutValues(const LoraAdapter& adapter, bool trainable) {
  LoraAdapter kept{.settings = adapter.settings,
                   .modules = {},
                   .biases = {},
                   .idle_modules = adapter.idle_modules,
                   .causal_keys = adapter.causal_keys,
                   .left_out_heads = adapter.left_out_heads};
  for (const auto& [name, module] : adapter.modules) {
    kept.modules[name] = {.a = WithoutValues(module.a),
                          .b = WithoutValues(module.b),
                          .b_bias = module.b_bias,
                          .scale = module.scale,
                          .dropout = module.dropout};
  }
  for (const auto& [name, bias] : adapter.biases)
    kept.biases[name] = trainable ? WithoutValues(bias) : bias;
  return kept;
}

}  // namespace

bool BloomModel::CanMixAdapters() const {
  return std::none_of(adapters_.begin(), adapters_.end(),
                      [](const auto& attached) { return ChangesBiases(attached.second); });
}

void BloomModel::AttachAs(int32_t number, const LoraAdapter& adapter, bool trainable) {
  LACOS_CHECK(trainable_.empty() && (!trainable || adapters_.empty()),
              "an adapter in training is the only one");
  if (!adapters_.empty() && (ChangesBiases(adapter) || !CanMixAdapters())) {
    throw UserError(
        "[adapter] changes biases, which all texts of a batch share; expected adapters of LoRA "
        "matrices alone where several are attached; open this one alone, or merge it into its "
        "base first");
  }
  std::vector<Buffer>& buffers = adapter_buffers_[number];
  const auto upload = [&](const std::string& name, const HostMatrix& host) {
    const Shape shape =
        host.shape.size() == 2 ? Shape{host.shape[0], host.shape[1]} : Shape{host.shape[0]};
    Parameter parameter;
    if (trainable) {
      const TrainableTensor tensor = NewTrainable(backend_, name, shape, buffers);
      parameter = {.value = tensor.value, .gradient = tensor.sum};
      trainable_.push_back(tensor);
    } else {
      parameter.value = NewParameter(backend_, shape, buffers);
    }
    UploadFloats(backend_, host.values, parameter.value);
    return parameter;
  };
  size_t attached = 0;
  ForEachLinear([&](const std::string& module, LinearLayer& layer) {
    const auto found = adapter.modules.find(module);
    if (found == adapter.modules.end()) return;
    const LoraModule& host = found->second;
    LACOS_CHECK(host.a.shape[1] == layer.in && host.b.shape[0] == layer.out,
                "the adapter's shapes were checked");
    if (trainable && !host.b_bias.values.empty()) {
      throw UserError(fmt::format(
          "[adapter: {}] has a lora_B.bias (lora_bias is true); expected an adapter of two "
          "matrices a layer to go on from; train it with PEFT, or merge it into its base first",
          module));
    }
    layer.lora[number] = {.a = upload(module + ".lora_A", host.a),
                          .b = upload(module + ".lora_B", host.b),
                          .scale = host.scale,
                          .dropout = trainable ? host.dropout : 0};
    ++attached;
  });
  ForEachBias([&](const std::string& name, Parameter& bias) {
    const auto found = adapter.biases.find(name);
    if (found == adapter.biases.end()) return;
    bias = upload(name, found->second);
    ++attached;
  });
  LACOS_CHECK(attached == adapter.modules.size() + adapter.biases.size(),
              "every part of the adapter has a place");
  ForEachLinear([&](const std::string& module, LinearLayer& layer) {
    const auto found = adapter.modules.find(module);
    if (found == adapter.modules.end() || found->second.b_bias.values.empty()) return;
    layer.bias.value = NewTensor({layer.out});
    UploadFloats(backend_, AdaptedBias(adapter, module, base_weights_->Vector(module + ".bias")),
                 layer.bias.value);
  });
  adapters_.emplace(number, WithoutValues(adapter, trainable));
}

int32_t BloomModel::Attach(const LoraAdapter& adapter, bool trainable) {
  int32_t number = 0;
  while (HasAdapter(number)) ++number;
  try {
    AttachAs(number, adapter, trainable);
  } catch (...) {
    ForEachLinear([&](const std::string&, LinearLayer& layer) { layer.lora.erase(number); });
    adapter_buffers_.erase(number);
    throw;
  }
  return number;
}

void BloomModel::Remove(int32_t adapter) {
  const auto found = adapters_.find(adapter);
  LACOS_CHECK(found != adapters_.end() && trainable_.empty() && !ChangesBiases(found->second),
              "an adapter that is removed is attached, and its layers have their own biases");
  ForEachLinear([&](const std::string&, LinearLayer& layer) { layer.lora.erase(adapter); });
  backend_.Synchronize();  // queued work may read the memory
  adapter_buffers_.erase(adapter);
  adapters_.erase(found);
}

void BloomModel::ForEachMatrix(int64_t layer,
                               const std::function<void(const std::string& name)>& visit) const {
  if (layer < 0 || layer >= static_cast<int64_t>(blocks_.size())) return;
  for (const LinearLayer* linear : blocks_[layer].Linears()) visit(linear->name + ".weight");
}

void BloomModel::PrefetchBlock(int64_t layer) const {
  ForEachMatrix(layer, [&](const std::string& name) { base_weights_->Prefetch(name); });
}

void BloomModel::AwaitBlock(int64_t layer) const {
  ForEachMatrix(layer, [&](const std::string& name) { base_weights_->Await(name); });
}

void BloomModel::DropBlock(int64_t layer, bool from_cache) const {
  ForEachMatrix(layer,
                [&](const std::string& name) { base_weights_->DropPages(name, from_cache); });
}

void BloomModel::PrepareBlock(int64_t layer, Orientation orientation) const {
  auto linears = blocks_[layer].Linears();
  if (orientation == Orientation::kBackward) std::reverse(linears.begin(), linears.end());
  for (const LinearLayer* linear : linears) backend_.PrepareWeight(linear->weight, orientation);
}

void BloomModel::AwaitBlockMemory(int64_t layer) const {
  for (const LinearLayer* linear : blocks_[layer].Linears()) {
    backend_.AwaitWeightMemory(linear->weight);
  }
}

std::vector<QuantizedMatrix> BloomModel::StoredMatrices(int64_t layer) const {
  const auto count = static_cast<int64_t>(stored_.size() / blocks_.size());
  return {stored_.begin() + layer * count, stored_.begin() + (layer + 1) * count};
}

void BloomModel::MoveBlock(int64_t layer, const std::vector<QuantizedMatrix>& matrices) {
  size_t next = 0;
  for (const LinearLayer* linear : blocks_[layer].Linears()) {
    backend_.MoveWeight(linear->weight, matrices.at(next++));
  }
}

LoraAdapter BloomModel::Detach() const {
  LACOS_CHECK(adapters_.size() == 1, "one adapter is attached");
  const auto& [number, attached] = *adapters_.begin();
  LoraAdapter adapter = attached;
  adapter.causal_keys = false;  // an adapter that was trained here has the keys of a BloomModel
  const auto download = [&](const TensorView& view, HostMatrix& host) {
    host.values = DownloadFloats(backend_, view);
    host.stored = DType::kF32;
  };
  for (const BlockLayer& block : blocks_) {
    for (const LinearLayer* layer : block.Linears()) {
      const LoraUpdate* lora = layer->Lora(number);
      if (lora == nullptr) continue;
      LoraModule& host = adapter.modules.at(layer->name);
      download(lora->a.value, host.a);
      download(lora->b.value, host.b);
    }
  }
  for (const TrainableTensor& tensor : trainable_) {
    if (const auto bias = adapter.biases.find(tensor.name); bias != adapter.biases.end()) {
      download(tensor.value, bias->second);
    }
  }
  return adapter;
}

}  // namespace lacos
