#include "lacos/nn/linear.h"

#include "lacos/base/check.h"

namespace lacos {
namespace {

// drop(x) with the same mask as in the forward pass, or x itself if there is no dropout.
TensorView DroppedInput(const PassContext& pass, const TensorView& x, const DropoutSpec& dropout) {
  if (!dropout.Active()) return x;
  const TensorView dropped = pass.arena.Allocate(x.dtype, x.shape);
  pass.backend.Dropout(x, dropout, dropped);
  return dropped;
}

// Adds the gradients of A and B. dz [T, R] is the gradient of x A^T without the factor `scale`.
void AddLoraGradients(const PassContext& pass, const LoraUpdate& lora, const TensorView& x,
                      const TensorView& dy, const TensorView& dz, const DropoutSpec& dropout) {
  const ArenaScope scope(pass.arena);
  Backend& backend = pass.backend;
  const TensorView dropped = DroppedInput(pass, x, dropout);
  const TensorView z = pass.arena.Allocate(dz.dtype, dz.shape);
  backend.MatMul(dropped, Transpose::kNo, lora.a.value, Transpose::kYes, 1, 0, z);
  backend.TokenOuter(dy, z, pass.leaves, lora.scale, lora.b.gradient);
  backend.TokenOuter(dz, dropped, pass.leaves, lora.scale, lora.a.gradient);
}

// The part of dx that flows through the input of LoRA if that has dropout. The mask applies to this
// part only, so it cannot be fused into the frozen product.
TensorView MaskedInputGradient(const PassContext& pass, const LinearLayer& layer,
                               const LoraUpdate& lora, const TensorView& dz,
                               const LinearBackwardOptions& options) {
  Backend& backend = pass.backend;
  const TensorView dx = pass.arena.Allocate(backend.Types().gradient, {pass.Tokens(), layer.in});
  backend.MatMul(dz, Transpose::kNo, lora.a.value, Transpose::kNo, lora.scale, 0, dx);
  backend.Dropout(dx, options.lora_dropout, dx);
  if (options.saved_gelu) backend.GeluBackward(dx, options.saved_gelu, dx);
  return dx;
}

}  // namespace

void LinearForward(const PassContext& pass, const LinearLayer& layer, const TensorView& x,
                   const LinearForwardOptions& options, const TensorView& y) {
  const ArenaScope scope(pass.arena);
  Epilogue epilogue{.bias = layer.bias.value,
                    .gelu = options.gelu,
                    .saved_gelu = options.saved_gelu,
                    .residual = options.residual};
  const TensorView dropped = DroppedInput(pass, x, options.lora_dropout);
  for (const AdapterRows& rows : pass.adapters) {
    const LoraUpdate* lora = layer.Lora(rows.adapter);
    if (lora == nullptr) continue;
    const TensorView z = pass.arena.Allocate(pass.backend.Types().statistic,
                                             {rows.end - rows.begin, lora->a.value.rows()});
    pass.backend.MatMul(dropped.Rows(rows.begin, rows.end), Transpose::kNo, lora->a.value,
                        Transpose::kYes, 1, 0, z);
    epilogue.lora.push_back(
        {.begin = rows.begin, .end = rows.end, .z = z, .b = lora->b.value, .scale = lora->scale});
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
  TensorView masked_dx;
  for (const AdapterRows& rows : pass.adapters) {
    const LoraUpdate* lora = layer.Lora(rows.adapter);
    if (lora == nullptr) continue;
    const TensorView dz = pass.arena.Allocate(backend.Types().statistic,
                                              {rows.end - rows.begin, lora->a.value.rows()});
    backend.MatMul(dy.Rows(rows.begin, rows.end), Transpose::kNo, lora->b.value, Transpose::kNo, 1,
                   0, dz);
    if (lora->a.Trainable()) {
      LACOS_CHECK(rows.begin == 0 && rows.end == pass.Tokens(),
                  "one adapter is trained, on all rows");
      AddLoraGradients(pass, *lora, x, dy, dz, options.lora_dropout);
    }
    if (!dx) continue;
    if (options.lora_dropout.Active()) {
      masked_dx = MaskedInputGradient(pass, layer, *lora, dz, options);
    } else {
      epilogue.lora.push_back({.begin = rows.begin,
                               .end = rows.end,
                               .dz = dz,
                               .a = lora->a.value,
                               .scale = lora->scale});
    }
  }
  if (!dx) return;
  backend.LinearBackward(dy, layer.weight, epilogue, dx);
  if (masked_dx) backend.Add(dx, masked_dx, dx);
}

}  // namespace lacos
