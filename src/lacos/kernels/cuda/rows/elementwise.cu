// Ops that compute each element by itself: conversion, fill, addition, GELU and its backward pass,
// dropout.
//
// Grid: one thread for four neighbouring elements (one where rows are not a multiple of four), 128
// threads a block. Saves nothing. Bytes: every tensor once. FLOP an element: addition 1, GELU 25, its
// backward 30, dropout 25 integer operations. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/elementwise.h"

#include <cstring>

#include "lacos/kernels/cuda/elements.h"
#include "lacos/kernels/cuda/math.h"
#include "lacos/kernels/cuda/philox.h"
#include "lacos/tensor/convert.h"

namespace lacos::cuda {
namespace {

constexpr unsigned kThreads = 128;

// The first element of the calling thread.
template <int kCount>
GPU_DEVICE int64_t FirstElement() {
  return (gpu::Block() * gpu::Threads() + gpu::Thread()) * kCount;
}
gpu::Grid GridOf(int64_t elements, int count) {
  return {.blocks = CeilDiv(elements, int64_t{kThreads} * count), .threads = kThreads};
}

template <int kCount, class X, class Y>
GPU_KERNEL ConvertElements(const X* x, int64_t n, Y* y) {
  const int64_t i = FirstElement<kCount>();
  if (i >= n) return;
  float v[kCount];
  LoadElements<kCount>(x + i, v);
  StoreElements<kCount>(v, y + i);
}

template <class T>
GPU_KERNEL FillElements(T value, int64_t n, T* y) {
  const int64_t i = FirstElement<1>();
  if (i < n) y[i] = value;
}

template <int kCount, class A, class B, class Y>
GPU_KERNEL AddElements(const A* a, const B* b, int64_t n, Y* y) {
  const int64_t i = FirstElement<kCount>();
  if (i >= n) return;
  float v[kCount], w[kCount];
  LoadElements<kCount>(a + i, v);
  LoadElements<kCount>(b + i, w);
  for (int k = 0; k < kCount; ++k) v[k] += w[k];
  StoreElements<kCount>(v, y + i);
}

template <int kCount, class X, class Y>
GPU_KERNEL GeluElements(const X* u, int64_t n, Y* y) {
  const int64_t i = FirstElement<kCount>();
  if (i >= n) return;
  float v[kCount];
  LoadElements<kCount>(u + i, v);
  for (int k = 0; k < kCount; ++k) v[k] = GeluValue(v[k]);
  StoreElements<kCount>(v, y + i);
}

template <int kCount, class G, class X, class Y>
GPU_KERNEL GeluBackwardElements(const G* dy, const X* u, int64_t n, Y* du) {
  const int64_t i = FirstElement<kCount>();
  if (i >= n) return;
  float g[kCount], v[kCount];
  LoadElements<kCount>(dy + i, g);
  LoadElements<kCount>(u + i, v);
  for (int k = 0; k < kCount; ++k) g[k] *= GeluDerivative(v[k], GeluGate(v[k]));
  StoreElements<kCount>(g, du + i);
}

// Four neighbouring channels of a row share one Philox counter.
template <int kCount, class X, class Y>
GPU_KERNEL DropoutElements(const X* x, DropoutMask mask, int64_t n, int cols, Y* y) {
  const int64_t i = FirstElement<kCount>();
  if (i >= n) return;
  const int64_t row = i / cols, channel = i % cols;
  const auto key = static_cast<uint64_t>(mask.token_keys[row]);
  const PhiloxWords words = Philox(static_cast<uint32_t>(channel / 4), mask.site, key);
  float v[kCount];
  LoadElements<kCount>(x + i, v);
  for (int k = 0; k < kCount; ++k)
    v[k] *= words.word[kCount == kPack ? k : channel % 4] < mask.threshold ? 0.0f : mask.scale;
  StoreElements<kCount>(v, y + i);
}

template <class T>
void FillWith(Context& context, View y, T value) {
  const int64_t n = y.Elements();
  gpu::Launch(context.stream(), GridOf(n, 1), FillElements<T>, value, n,
              reinterpret_cast<T*>(y.data));
}

}  // namespace

void CopyTensor(Context& context, View x, View y) {
  const int64_t n = y.Elements();
  LACOS_CHECK(x.Elements() == n, "a copy keeps the number of elements");
  if (x.dtype == y.dtype) {
    if (x.data != y.data && n > 0) context.CopyOnDevice(x.data, y.data, y.Bytes());
    return;
  }
  WithPacks(InPacks(n, x, y), [&](auto count) {
    WithElements(x, [&](auto* from) {
      WithElements(y, [&](auto* to) {
        using X = std::remove_pointer_t<decltype(from)>;
        using Y = std::remove_pointer_t<decltype(to)>;
        constexpr int kCount = decltype(count)::value;
        gpu::Launch(context.stream(), GridOf(n, kCount), ConvertElements<kCount, X, Y>, from, n,
                    to);
      });
    });
  });
}

void FillTensor(Context& context, View y, double value) {
  switch (y.dtype) {
    case DType::kF32:
      return FillWith(context, y, static_cast<float>(value));
    case DType::kBF16:
      return FillWith(context, y, FloatToBF16(static_cast<float>(value)));
    case DType::kI8:
      return FillWith(context, y, static_cast<int8_t>(value));
    case DType::kU8:
      return FillWith(context, y, static_cast<uint8_t>(value));
    case DType::kI32:
      return FillWith(context, y, static_cast<int32_t>(value));
    case DType::kI64:
      return FillWith(context, y, static_cast<int64_t>(value));
    default:
      LACOS_CHECK(false, "the CUDA backend has no tensors of this type");
  }
}

void Add(Context& context, View a, View b, View y) {
  const int64_t n = y.Elements();
  LACOS_CHECK(a.Elements() == n && b.Elements() == n, "tensors of one size are added");
  WithPacks(InPacks(n, a, b, y), [&](auto count) {
    WithElements(a, [&](auto* left) {
      WithElements(b, [&](auto* right) {
        WithElements(y, [&](auto* out) {
          using A = std::remove_pointer_t<decltype(left)>;
          using B = std::remove_pointer_t<decltype(right)>;
          using Y = std::remove_pointer_t<decltype(out)>;
          constexpr int kCount = decltype(count)::value;
          gpu::Launch(context.stream(), GridOf(n, kCount), AddElements<kCount, A, B, Y>, left,
                      right, n, out);
        });
      });
    });
  });
}

void Gelu(Context& context, View u, View y) {
  const int64_t n = y.Elements();
  LACOS_CHECK(u.Elements() == n, "y has u's shape");
  WithPacks(InPacks(n, u, y), [&](auto count) {
    WithElements(u, [&](auto* in) {
      WithElements(y, [&](auto* out) {
        using X = std::remove_pointer_t<decltype(in)>;
        using Y = std::remove_pointer_t<decltype(out)>;
        constexpr int kCount = decltype(count)::value;
        gpu::Launch(context.stream(), GridOf(n, kCount), GeluElements<kCount, X, Y>, in, n, out);
      });
    });
  });
}

void GeluBackward(Context& context, View dy, View u, View du) {
  const int64_t n = du.Elements();
  LACOS_CHECK(dy.Elements() == n && u.Elements() == n, "du has u's shape");
  WithPacks(InPacks(n, dy, u, du), [&](auto count) {
    WithElements(dy, [&](auto* gradient) {
      WithElements(u, [&](auto* in) {
        WithElements(du, [&](auto* out) {
          using G = std::remove_pointer_t<decltype(gradient)>;
          using X = std::remove_pointer_t<decltype(in)>;
          using Y = std::remove_pointer_t<decltype(out)>;
          constexpr int kCount = decltype(count)::value;
          gpu::Launch(context.stream(), GridOf(n, kCount), GeluBackwardElements<kCount, G, X, Y>,
                      gradient, in, n, out);
        });
      });
    });
  });
}

void Dropout(Context& context, View x, const DropoutSpec& dropout, View y) {
  const DropoutMask mask = MaskOf(dropout);
  if (mask.token_keys == nullptr) return CopyTensor(context, x, y);
  const int64_t n = y.Elements(), cols = x.cols();
  LACOS_CHECK(x.Elements() == n, "y has x's shape");
  WithPacks(InPacks(cols, x, y), [&](auto count) {
    WithElements(x, [&](auto* in) {
      WithElements(y, [&](auto* out) {
        using X = std::remove_pointer_t<decltype(in)>;
        using Y = std::remove_pointer_t<decltype(out)>;
        constexpr int kCount = decltype(count)::value;
        gpu::Launch(context.stream(), GridOf(n, kCount), DropoutElements<kCount, X, Y>, in, mask, n,
                    cols, out);
      });
    });
  });
}

}  // namespace lacos::cuda
