#include "lacos/kernels/cpu/linear/epilogue.h"

#include <hwy/cache_control.h>

#include "lacos/kernels/cpu/hwy_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lacos/kernels/cpu/linear/epilogue.cc"
#include "hwy/foreach_target.h"
// Highway requires that this header comes after foreach_target.h.
#include "lacos/kernels/cpu/rows/gelu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lacos::cpu::HWY_NAMESPACE {

// v + sum over r of z[r] b[r, i], as one chain of fused multiply-adds in the order of r.
template <class Count>
HWY_INLINE VF AddLora(VF v, const float* z, float scale, int64_t rank, const float* b, int64_t cols,
                      size_t i, Count count) {
  const DF d;
  for (int64_t r = 0; r < rank; ++r) {
    const VF factor = hn::Mul(hn::Set(d, z[r]), hn::Set(d, scale));
    v = hn::MulAdd(factor, Load(FloatsOf(b + r * cols), i, count), v);
  }
  return v;
}

// A tile's part of a row is too short for the CPU to see that the next row's part should be
// prefetched.
HWY_INLINE void PrefetchValues(ConstFloats x, int64_t count) {
  const int64_t bytes = count * (x.bf16 ? 2 : 4);
  for (int64_t at = 0; at < bytes; at += 64) hwy::Prefetch(x.data + at);
}

void FinishForwardImpl(const ForwardTile& tile) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    if (tile.residual && row + 2 < tile.rows)
      PrefetchValues(tile.residual.At((row + 2) * tile.stride), tile.cols);
    const ConstFloats sums = FloatsOf(tile.sums + row * tile.cols);
    const ConstFloats scale = FloatsOf(tile.row_scale);
    const float* z = tile.lora_z == nullptr ? nullptr : tile.lora_z + row * tile.rank;
    const Floats saved = tile.saved_gelu.At(row * tile.stride);
    const ConstFloats residual = tile.residual.At(row * tile.stride);
    const Floats y = tile.y.At(row * tile.stride);
    ForVectors(tile.cols, [&](size_t i, auto count) HWY_ATTR {
      VF v = Load(sums, i, count);
      if (scale) v = hn::Mul(v, Load(scale, i, count));
      if (tile.bias) v = hn::Add(v, Load(tile.bias, i, count));
      if (z != nullptr)
        v = AddLora(v, z, tile.lora_scale, tile.rank, tile.lora_b, tile.cols, i, count);
      if (tile.gelu) {
        // a backward pass sees this value, whether or not it is kept
        v = RoundedLike(tile.round_gelu, v);
        if (saved) Store(v, saved, i, count);
        v = GeluValue(v);
      }
      if (residual) v = hn::Add(v, Load(residual, i, count));
      Store(v, y, i, count);
    });
  }
}

void FinishBackwardImpl(const BackwardTile& tile) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    const ConstFloats sums = FloatsOf(tile.sums + row * tile.cols);
    const float* z = tile.lora_dz == nullptr ? nullptr : tile.lora_dz + row * tile.rank;
    const ConstFloats saved = tile.saved_gelu.At(row * tile.stride);
    const Floats dx = tile.dx.At(row * tile.stride);
    ForVectors(tile.cols, [&](size_t i, auto count) HWY_ATTR {
      VF v = Load(sums, i, count);
      if (z != nullptr)
        v = AddLora(v, z, tile.lora_scale, tile.rank, tile.lora_a, tile.cols, i, count);
      if (saved) v = hn::Mul(v, GeluDerivative(Load(saved, i, count)));
      if (tile.accumulate) v = hn::Add(v, Load(ConstFloats(dx), i, count));
      Store(v, dx, i, count);
    });
  }
}

}  // namespace lacos::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacos::cpu {

HWY_EXPORT(FinishForwardImpl);
HWY_EXPORT(FinishBackwardImpl);

void FinishTile(const ForwardTile& tile) { HWY_DYNAMIC_DISPATCH(FinishForwardImpl)(tile); }
void FinishTile(const BackwardTile& tile) { HWY_DYNAMIC_DISPATCH(FinishBackwardImpl)(tile); }

}  // namespace lacos::cpu
#endif  // HWY_ONCE
