#include "lacos/nn/linear.h"

namespace lacos {
namespace {

// drop(x) as the forward saw it; x itself without dropout.
TensorView DroppedInput(const PassContext& pass, const TensorView& x, const DropoutSpec& dropout) {
  if (!dropout.Active()) return x;
  const TensorView dropped = pass.arena.Allocate(x.dtype, x.shape);
  pass.backend.Dropout(x, dropout, dropped);
  return dropped;
}

}  // namespace

void LinearForward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                   const LinearForwardOptions& options, const TensorView& y) {
  const ArenaScope scope(pass.arena);
  Epilogue epilogue{.bias = layer.bias.value,
                    .gelu = options.gelu,
                    .saved_gelu = options.saved_gelu,
                    .residual = options.residual};
  if (layer.lora) {
    const LoraUpdate& lora = *layer.lora;
    epilogue.lora_z =
        pass.arena.Allocate(pass.backend.Types().statistic, {pass.tokens, lora.a.value.rows()});
    pass.backend.MatMul(DroppedInput(pass, x, options.lora_dropout), false, lora.a.value, true, 1,
                        0, epilogue.lora_z);
    epilogue.lora_b = lora.b.value;
    epilogue.lora_scale = lora.scale;
  }
  pass.backend.Linear(x, layer.weight, epilogue, y);
}

void LinearBackward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                    const TensorView& dy, const LinearBackwardOptions& options,
                    const TensorView& dx) {
  const ArenaScope scope(pass.arena);
  Backend& backend = pass.backend;
  if (layer.bias.Trainable()) backend.TokenSum(dy, pass.leaves, layer.bias.gradient);

  BackwardEpilogue epilogue{.saved_gelu = options.saved_gelu, .accumulate = options.accumulate};
  // with dropout on LoRA's input, its part of dx is masked, so it cannot be fused
  TensorView masked_dx;
  if (layer.lora) {
    const LoraUpdate& lora = *layer.lora;
    const Shape z_shape{pass.tokens, lora.a.value.rows()};
    const TensorView dz =
        pass.arena.Allocate(backend.Types().statistic, z_shape);  // before the factor `scale`
    backend.MatMul(dy, false, lora.b.value, false, 1, 0, dz);
    if (lora.a.Trainable()) {
      const ArenaScope inner(pass.arena);
      const TensorView dropped = DroppedInput(pass, x, options.lora_dropout);
      const TensorView z = pass.arena.Allocate(backend.Types().statistic, z_shape);
      backend.MatMul(dropped, false, lora.a.value, true, 1, 0, z);
      backend.TokenOuter(dy, z, pass.leaves, lora.scale, lora.b.gradient);
      backend.TokenOuter(dz, dropped, pass.leaves, lora.scale, lora.a.gradient);
    }
    if (!dx) return;
    if (options.lora_dropout.Active()) {
      masked_dx = pass.arena.Allocate(backend.Types().gradient, {pass.tokens, layer.in});
      backend.MatMul(dz, false, lora.a.value, false, lora.scale, 0, masked_dx);
      backend.Dropout(masked_dx, options.lora_dropout, masked_dx);
      if (options.saved_gelu) backend.GeluBackward(masked_dx, options.saved_gelu, masked_dx);
    } else {
      epilogue.lora_dz = dz;
      epilogue.lora_a = lora.a.value;
      epilogue.lora_scale = lora.scale;
    }
  }
  if (!dx) return;
  backend.LinearBackward(dy, layer.weight, epilogue, dx);
  if (masked_dx) backend.Add(dx, masked_dx, dx);
}

}  // namespace lacos
