// What all kernels compute with: products of fragments by mma.sync, and functions that they share
// with the emulator bit for bit: exponential, logarithm and GELU, from additions, multiplications and
// fused multiply-adds alone. (The functions of CUDA and of a host's libm differ in last bits.)
#pragma once

#include "lacos/kernels/cuda/device.h"

namespace lacos::cuda {

constexpr float kInfinity = INFINITY;

// c += a b for one mma.sync of the kind M.
template <class M, class C>
GPU_DEVICE void MultiplyAdd(const uint32_t (&a)[4], uint32_t b0, uint32_t b1, C (&c)[4]) {
  M m;
  GPU_UNROLL
  for (int i = 0; i < 4; ++i) m.a[i] = a[i];
  m.b[0] = b0;
  m.b[1] = b1;
  GPU_UNROLL
  for (int i = 0; i < 4; ++i) m.c[i] = c[i];
  gpu::Mma(m);
  GPU_UNROLL
  for (int i = 0; i < 4; ++i) c[i] = m.c[i];
}

// e^x within 2 ulp, 0 below -87.3 (where the result would be subnormal), infinity above 88.7.
// Source of the polynomial: S. Moshier, Cephes (expf).
GPU_DEVICE float Exp(float x) {
  // Without branches: the value for a number in range is computed for all, which takes the compilers less
  // time and code, and no thread waits for another one.
  const float in_range = fminf(fmaxf(x, -87.3f), 88.7f);
  const float n = gpu::Round(in_range * 1.44269504f);
  const float r = gpu::Fma(n, 2.12194440e-4f, gpu::Fma(n, -0.693359375f, in_range));
  float p = 1.9875691500e-4f;
  p = gpu::Fma(p, r, 1.3981999507e-3f);
  p = gpu::Fma(p, r, 8.3334519073e-3f);
  p = gpu::Fma(p, r, 4.1665795894e-2f);
  p = gpu::Fma(p, r, 1.6666665459e-1f);
  p = gpu::Fma(p, r, 5.0000001201e-1f);
  p = gpu::Fma(p, r * r, r) + 1.0f;
  // n is at most 128, and 2^128 is no float: two factors.
  const int whole = static_cast<int>(n), half = whole / 2;
  const float value = p * gpu::FloatOf(static_cast<uint32_t>(half + 127) << 23) *
                      gpu::FloatOf(static_cast<uint32_t>(whole - half + 127) << 23);
  return x != x ? x : x < -87.3f ? 0.0f : x > 88.7f ? kInfinity : value;
}

// e^x: Taylor's polynomial of degree 13 on |r| <= ln(2) / 2, whose rest is below 1e-17.
GPU_DEVICE double Exp(double x) {
  if (x != x) return x;
  if (x < -708.0) return 0.0;
  if (x > 709.7) return static_cast<double>(kInfinity);
  const double n = gpu::Round(x * 1.4426950408889634);
  const double r = gpu::Fma(n, -1.9082149292705877e-10, gpu::Fma(n, -0.6931471803691238, x));
  double p = 1.0 / 6227020800.0;
  p = gpu::Fma(p, r, 1.0 / 479001600.0);
  p = gpu::Fma(p, r, 1.0 / 39916800.0);
  p = gpu::Fma(p, r, 1.0 / 3628800.0);
  p = gpu::Fma(p, r, 1.0 / 362880.0);
  p = gpu::Fma(p, r, 1.0 / 40320.0);
  p = gpu::Fma(p, r, 1.0 / 5040.0);
  p = gpu::Fma(p, r, 1.0 / 720.0);
  p = gpu::Fma(p, r, 1.0 / 120.0);
  p = gpu::Fma(p, r, 1.0 / 24.0);
  p = gpu::Fma(p, r, 1.0 / 6.0);
  p = gpu::Fma(p, r, 0.5);
  p = gpu::Fma(p, r * r, r) + 1.0;
  const int whole = static_cast<int>(n), half = whole / 2;
  return p * gpu::DoubleOf(static_cast<uint64_t>(half + 1023) << 52) *
         gpu::DoubleOf(static_cast<uint64_t>(whole - half + 1023) << 52);
}

// The natural logarithm of a normal number x > 0. With x = 2^n m and m in [sqrt(1/2), sqrt(2)),
// log m = 2 atanh(f) for f = (m - 1) / (m + 1), |f| < 0.172: eleven terms leave a rest below 1e-19.
GPU_DEVICE double Log(double x) {
  if (!(x > 0) || x == static_cast<double>(kInfinity))
    return x == 0 ? -static_cast<double>(kInfinity) : x < 0 ? x - x + NAN : x;
  const uint64_t bits = gpu::Bits(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = gpu::DoubleOf((bits & 0xFFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double f = (m - 1.0) / (m + 1.0), s = f * f;
  double p = 1.0 / 21.0;
  p = gpu::Fma(p, s, 1.0 / 19.0);
  p = gpu::Fma(p, s, 1.0 / 17.0);
  p = gpu::Fma(p, s, 1.0 / 15.0);
  p = gpu::Fma(p, s, 1.0 / 13.0);
  p = gpu::Fma(p, s, 1.0 / 11.0);
  p = gpu::Fma(p, s, 1.0 / 9.0);
  p = gpu::Fma(p, s, 1.0 / 7.0);
  p = gpu::Fma(p, s, 1.0 / 5.0);
  p = gpu::Fma(p, s, 1.0 / 3.0);
  const double low = gpu::Fma(2.0 * f * s, p, exponent * 1.9082149292705877e-10);
  return gpu::Fma(exponent, 0.6931471803691238, 2.0 * f + low);
}

constexpr float kGeluSlope = 0.79788456f;  // the constant that BLOOM uses for sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715f;

// 0.5 (1 + tanh a) = 1 / (1 + e^-2a) with a = kGeluSlope u (1 + kGeluCubic u^2): one exponential,
// and no cancellation.
GPU_DEVICE float GeluGate(float u) {
  const float inner = gpu::Fma(kGeluCubic, u * u, 1.0f);
  // At 88 the gate is already 6e-39. NaN: u itself carries it to the result.
  return gpu::Divide(1.0f, 1.0f + Exp(fminf(-2.0f * kGeluSlope * u * inner, 88.0f)));
}
GPU_DEVICE float GeluValue(float u) { return u * GeluGate(u); }
// gate + u gate (1 - gate) 2 kGeluSlope (1 + 3 kGeluCubic u^2), where gate is GeluGate(u)
GPU_DEVICE float GeluDerivative(float u, float gate) {
  const float inner = gpu::Fma(3.0f * kGeluCubic, u * u, 1.0f);
  return gpu::Fma(gate * (1.0f - gate), 2.0f * kGeluSlope * u * inner, gate);
}

}  // namespace lacos::cuda
