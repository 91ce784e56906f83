#include "lacos/nn/block.h"

#include "lacos/nn/linear.h"

namespace lacos {
namespace {

using Stage = BlockLayer::Stage;

// y = residual + drop(x W^T + ...): one fused op without dropout, three ops with it.
void BranchForward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                   const DropoutSpec& lora_dropout, const DropoutSpec& dropout,
                   const TensorView& residual, const TensorView& y) {
  if (!dropout.Active()) {
    LinearForward(pass, layer, x, {.lora_dropout = lora_dropout, .residual = residual}, y);
    return;
  }
  const ArenaScope scope(pass.arena);
  const TensorView branch = pass.arena.Allocate(y.dtype, y.shape);
  LinearForward(pass, layer, x, {.lora_dropout = lora_dropout}, branch);
  pass.backend.Dropout(branch, dropout, branch);
  pass.backend.Add(branch, residual, y);
}

// The gradient at the end of a branch with dropout: dh with the dropout mask applied, or dh itself
// if there is no dropout.
TensorView BranchGradient(const PassContext& pass, const TensorView& dh,
                          const DropoutSpec& dropout) {
  if (!dropout.Active()) return dh;
  const TensorView masked = pass.arena.Allocate(dh.dtype, dh.shape);
  pass.backend.Dropout(dh, dropout, masked);
  return masked;
}

DropoutSpec LoraDropout(const PassContext& pass, const LinearLayer& layer, int index,
                        DropoutSite site) {
  const LoraUpdate* lora = layer.TrainedLora();
  return MakeDropout(pass, index, site, lora != nullptr ? lora->dropout : 0);
}

// Whether the layer's input has to be recomputed: only the gradient of LoRA needs it.
bool NeedsInput(const LinearLayer& layer) { return layer.TrainedLora() != nullptr; }

// The backward pass of a LayerNorm: the gradients of beta and gamma, then dx, which is stored in dh
// or added to it. `residual_through` is set if the residual branches off after the LayerNorm
// (apply_residual_connection_post_layernorm). Then its gradient flows through the LayerNorm too.
void LayerNormBranchBackward(const PassContext& pass, const LayerNormLayer& norm,
                             const TensorView& xhat, const TensorView& rstd, bool residual_through,
                             const TensorView& dy, const TensorView& dh, bool input_needed) {
  if (residual_through) pass.backend.Add(dy, dh, dy);
  if (norm.beta.Trainable()) pass.backend.TokenSum(dy, pass.leaves, norm.beta.gradient);
  if (norm.gamma.Trainable()) pass.backend.TokenDotSum(dy, xhat, pass.leaves, norm.gamma.gradient);
  if (input_needed)
    pass.backend.LayerNormBackward(dy, xhat, rstd, norm.gamma.value, !residual_through, dh);
}

}  // namespace

BlockLayer::Stage BlockLayer::LowestTrainable() const {
  if (input_layernorm.beta.Trainable() || input_layernorm.gamma.Trainable()) return kInputLayerNorm;
  if (query_key_value.Trainable()) return kQueryKeyValue;
  if (dense.Trainable()) return kDense;
  if (post_attention_layernorm.beta.Trainable() || post_attention_layernorm.gamma.Trainable())
    return kPostAttentionLayerNorm;
  if (dense_h_to_4h.Trainable()) return kUp;
  if (dense_4h_to_h.Trainable()) return kDown;
  return kNone;
}

BlockSaved BlockSaved::Rows(int64_t begin, int64_t end) const {
  return {.xhat1 = xhat1.Rows(begin, end),
          .rstd1 = rstd1.Rows(begin, end),
          .qkv = qkv.Rows(begin, end),
          .xhat2 = xhat2.Rows(begin, end),
          .rstd2 = rstd2.Rows(begin, end),
          .u = u.Rows(begin, end)};
}

BlockSaved AllocateBlockSaved(const PassContext& pass, int64_t hidden) {
  const TypeSet types = pass.backend.Types();
  const int64_t t = pass.Tokens();
  return {.xhat1 = pass.arena.Allocate(types.activation, {t, hidden}),
          .rstd1 = pass.arena.Allocate(types.statistic, {t}),
          .qkv = pass.arena.Allocate(types.activation, {t, 3 * hidden}),
          .xhat2 = pass.arena.Allocate(types.activation, {t, hidden}),
          .rstd2 = pass.arena.Allocate(types.statistic, {t}),
          .u = pass.arena.Allocate(types.activation, {t, 4 * hidden})};
}

void BlockForward(const PassContext& pass, const BlockLayer& block, int index, const TensorView& h,
                  const BlockSaved* saved) {
  const ArenaScope scope(pass.arena);
  Backend& backend = pass.backend;
  const DType activation = backend.Types().activation;
  const int64_t t = pass.Tokens(), d = h.cols();
  const auto lora_dropout = [&](const LinearLayer& layer, DropoutSite site) {
    return LoraDropout(pass, layer, index, site);
  };

  // first the LayerNorm output, later the context of the attention
  const TensorView normed = pass.arena.Allocate(activation, {t, d});
  const LayerNormLayer& norm1 = block.input_layernorm;
  backend.LayerNorm(h, norm1.gamma.value, norm1.beta.value, norm1.epsilon,
                    saved ? saved->xhat1 : TensorView{}, saved ? saved->rstd1 : TensorView{},
                    normed);
  if (block.residual_from_layernorm) backend.Copy(normed, h);
  {
    const ArenaScope attention(pass.arena);
    const TensorView qkv = saved ? saved->qkv : pass.arena.Allocate(activation, {t, 3 * d});
    LinearForward(pass, block.query_key_value, normed,
                  {.lora_dropout = lora_dropout(block.query_key_value, DropoutSite::kLoraQkv)},
                  qkv);
    backend.AlibiAttention(
        qkv, pass.layout, block.heads,
        MakeDropout(pass, index, DropoutSite::kAttention, pass.dropout.attention), normed);
    BranchForward(pass, block.dense, normed, lora_dropout(block.dense, DropoutSite::kLoraDense),
                  MakeDropout(pass, index, DropoutSite::kAttentionOutput, pass.dropout.residual), h,
                  h);
  }
  const LayerNormLayer& norm2 = block.post_attention_layernorm;
  backend.LayerNorm(h, norm2.gamma.value, norm2.beta.value, norm2.epsilon,
                    saved ? saved->xhat2 : TensorView{}, saved ? saved->rstd2 : TensorView{},
                    normed);
  if (block.residual_from_layernorm) backend.Copy(normed, h);
  const TensorView inner = pass.arena.Allocate(activation, {t, 4 * d});  // gelu(u)
  LinearForward(pass, block.dense_h_to_4h, normed,
                {.lora_dropout = lora_dropout(block.dense_h_to_4h, DropoutSite::kLoraUp),
                 .gelu = true,
                 .saved_gelu = saved ? saved->u : TensorView{}},
                inner);
  BranchForward(pass, block.dense_4h_to_h, inner,
                lora_dropout(block.dense_4h_to_h, DropoutSite::kLoraDown),
                MakeDropout(pass, index, DropoutSite::kMlpOutput, pass.dropout.residual), h, h);
}

void BlockBackward(const PassContext& pass, const BlockLayer& block, int index,
                   const BlockSaved& saved, const TensorView& dh, bool input_needed) {
  const ArenaScope scope(pass.arena);
  Backend& backend = pass.backend;
  const TypeSet types = backend.Types();
  const int64_t t = pass.Tokens(), d = dh.cols();
  const Stage lowest = input_needed ? Stage::kInputLayerNorm : block.LowestTrainable();
  if (lowest == Stage::kNone) return;
  const auto lora_dropout = [&](const LinearLayer& layer, DropoutSite site) {
    return LoraDropout(pass, layer, index, site);
  };

  {  // h3 = h2 + drop(down(gelu(up(norm2(h2)))))
    const ArenaScope mlp(pass.arena);
    const TensorView du = pass.arena.Allocate(types.gradient, {t, 4 * d});
    {
      const ArenaScope down(pass.arena);
      const TensorView branch = BranchGradient(
          pass, dh, MakeDropout(pass, index, DropoutSite::kMlpOutput, pass.dropout.residual));
      TensorView inner;
      if (NeedsInput(block.dense_4h_to_h)) {
        inner = pass.arena.Allocate(types.activation, {t, 4 * d});
        backend.Gelu(saved.u, inner);
      }
      LinearBackward(pass, block.dense_4h_to_h, inner, branch,
                     {.lora_dropout = lora_dropout(block.dense_4h_to_h, DropoutSite::kLoraDown),
                      .saved_gelu = saved.u},
                     lowest < Stage::kDown ? du : TensorView{});
    }
    if (lowest == Stage::kDown) return;
    const TensorView dnormed = pass.arena.Allocate(types.gradient, {t, d});
    {
      const ArenaScope up(pass.arena);
      TensorView normed;
      if (NeedsInput(block.dense_h_to_4h)) {
        normed = pass.arena.Allocate(types.activation, {t, d});
        backend.ScaleShift(saved.xhat2, block.post_attention_layernorm.gamma.value,
                           block.post_attention_layernorm.beta.value, normed);
      }
      LinearBackward(pass, block.dense_h_to_4h, normed, du,
                     {.lora_dropout = lora_dropout(block.dense_h_to_4h, DropoutSite::kLoraUp)},
                     lowest < Stage::kUp ? dnormed : TensorView{});
    }
    if (lowest == Stage::kUp) return;
    LayerNormBranchBackward(pass, block.post_attention_layernorm, saved.xhat2, saved.rstd2,
                            block.residual_from_layernorm, dnormed, dh,
                            lowest < Stage::kPostAttentionLayerNorm);
    if (lowest == Stage::kPostAttentionLayerNorm) return;
  }

  // h2 = h + drop(dense(attention(qkv(norm1(h)))))
  const DropoutSpec attention_dropout =
      MakeDropout(pass, index, DropoutSite::kAttention, pass.dropout.attention);
  const TensorView dqkv = pass.arena.Allocate(types.gradient, {t, 3 * d});
  {
    const ArenaScope attention(pass.arena);
    const TensorView branch = BranchGradient(
        pass, dh, MakeDropout(pass, index, DropoutSite::kAttentionOutput, pass.dropout.residual));
    const TensorView dcontext = pass.arena.Allocate(types.gradient, {t, d});
    TensorView context;
    if (NeedsInput(block.dense)) {
      context = pass.arena.Allocate(types.activation, {t, d});
      backend.AlibiAttention(saved.qkv, pass.layout, block.heads, attention_dropout, context);
    }
    LinearBackward(pass, block.dense, context, branch,
                   {.lora_dropout = lora_dropout(block.dense, DropoutSite::kLoraDense)},
                   lowest < Stage::kDense ? dcontext : TensorView{});
    if (lowest == Stage::kDense) return;
    backend.AlibiAttentionBackward(saved.qkv, pass.layout, block.heads, attention_dropout, dcontext,
                                   dqkv);
  }
  const TensorView dnormed = pass.arena.Allocate(types.gradient, {t, d});
  TensorView normed;
  if (NeedsInput(block.query_key_value)) {
    normed = pass.arena.Allocate(types.activation, {t, d});
    backend.ScaleShift(saved.xhat1, block.input_layernorm.gamma.value,
                       block.input_layernorm.beta.value, normed);
  }
  LinearBackward(pass, block.query_key_value, normed, dqkv,
                 {.lora_dropout = lora_dropout(block.query_key_value, DropoutSite::kLoraQkv)},
                 lowest < Stage::kQueryKeyValue ? dnormed : TensorView{});
  if (lowest == Stage::kQueryKeyValue) return;
  LayerNormBranchBackward(pass, block.input_layernorm, saved.xhat1, saved.rstd1,
                          block.residual_from_layernorm, dnormed, dh, input_needed);
}

}  // namespace lacos
