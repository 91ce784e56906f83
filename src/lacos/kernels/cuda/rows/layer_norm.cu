// LayerNorm: y = gamma xhat + beta with xhat = (x - mean) rstd; and its backward pass
// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)) with g = gamma dy.
//
// Grid: one block a row; 128 threads, 256 from D = 2048 on. Saves: xhat and rstd, if asked. Bytes a
// token: forward 4 D read (twice more from the cache) and 2 D or 4 D written for each of xhat and y;
// backward 2 D or 4 D for each of dy, xhat and dx. FLOP a token: 8 D forward, 10 D backward. Share of
// the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/elements.h"
#include "lacos/kernels/cuda/reduce.h"
#include "lacos/kernels/cuda/rows/layer_norm.h"

namespace lacos::cuda {
namespace {

template <int kCount, class X, class H, class Y>
GPU_KERNEL LayerNormRow(const X* x, const float* gamma, const float* beta, float eps, bool round,
                        int cols, H* xhat, float* rstd, Y* y) {
  BlockReducer<float> reduce(gpu::Shared<ReduceShared<float>>());
  const int64_t row = gpu::Block() * cols;
  const int first = gpu::Thread() * kCount, step = gpu::Threads() * kCount;
  float v[kCount];
  float sum = 0;
  for (int c = first; c < cols; c += step) {
    LoadElements<kCount>(x + row + c, v);
    for (int i = 0; i < kCount; ++i) sum += v[i];
  }
  const float mean = gpu::Divide(reduce(sum, Plus()), static_cast<float>(cols));
  float squares = 0;
  for (int c = first; c < cols; c += step) {
    LoadElements<kCount>(x + row + c, v);
    for (int i = 0; i < kCount; ++i) squares = gpu::Fma(v[i] - mean, v[i] - mean, squares);
  }
  const float variance = gpu::Divide(reduce(squares, Plus()), static_cast<float>(cols));
  const float r = gpu::Divide(1.0f, gpu::Sqrt(variance + eps));
  if (rstd != nullptr && gpu::Thread() == 0) rstd[gpu::Block()] = r;
  for (int c = first; c < cols; c += step) {
    float g[kCount], b[kCount], normal[kCount];
    LoadElements<kCount>(x + row + c, v);
    LoadElements<kCount>(gamma + c, g);
    LoadElements<kCount>(beta + c, b);
    for (int i = 0; i < kCount; ++i) {
      normal[i] = (v[i] - mean) * r;
      if (round) normal[i] = RoundedTo<BF16>(normal[i]);
      v[i] = gpu::Fma(normal[i], g[i], b[i]);
    }
    if (xhat != nullptr) StoreElements<kCount>(normal, xhat + row + c);
    StoreElements<kCount>(v, y + row + c);
  }
}

template <int kCount, class G, class H, class D>
GPU_KERNEL LayerNormBackwardRow(const G* dy, const H* xhat, const float* rstd, const float* gamma,
                                bool accumulate, int cols, D* dx) {
  BlockReducer<float> reduce(gpu::Shared<ReduceShared<float>>());
  const int64_t row = gpu::Block() * cols;
  const int first = gpu::Thread() * kCount, step = gpu::Threads() * kCount;
  float g[kCount], h[kCount], scale[kCount];
  float sum = 0, dot = 0;
  for (int c = first; c < cols; c += step) {
    LoadElements<kCount>(dy + row + c, g);
    LoadElements<kCount>(xhat + row + c, h);
    LoadElements<kCount>(gamma + c, scale);
    for (int i = 0; i < kCount; ++i) {
      sum += g[i] * scale[i];
      dot = gpu::Fma(g[i] * scale[i], h[i], dot);
    }
  }
  const float mean = gpu::Divide(reduce(sum, Plus()), static_cast<float>(cols));
  const float projection = gpu::Divide(reduce(dot, Plus()), static_cast<float>(cols));
  const float r = rstd[gpu::Block()];
  for (int c = first; c < cols; c += step) {
    LoadElements<kCount>(dy + row + c, g);
    LoadElements<kCount>(xhat + row + c, h);
    LoadElements<kCount>(gamma + c, scale);
    float old[kCount] = {};
    if (accumulate) LoadElements<kCount>(dx + row + c, old);
    for (int i = 0; i < kCount; ++i) {
      const float value = gpu::Fma(-h[i], projection, g[i] * scale[i] - mean) * r;
      g[i] = accumulate ? old[i] + value : value;
    }
    StoreElements<kCount>(g, dx + row + c);
  }
}

template <int kCount, class X, class Y>
GPU_KERNEL ScaleShiftElements(const X* x, const float* gamma, const float* beta, int64_t n,
                              int cols, Y* y) {
  const int64_t i = (gpu::Block() * gpu::Threads() + gpu::Thread()) * kCount;
  if (i >= n) return;
  const int c = static_cast<int>(i % cols);
  float v[kCount], g[kCount], b[kCount];
  LoadElements<kCount>(x + i, v);
  LoadElements<kCount>(gamma + c, g);
  LoadElements<kCount>(beta + c, b);
  for (int k = 0; k < kCount; ++k) v[k] = gpu::Fma(v[k], g[k], b[k]);
  StoreElements<kCount>(v, y + i);
}

unsigned ThreadsOfRow(int64_t cols) { return cols < 2048 ? 128 : 256; }

}  // namespace

void LayerNorm(Context& context, View x, View gamma, View beta, double eps, View xhat, View rstd,
               View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(y.Elements() == x.Elements() && gamma.Elements() == cols && beta.Elements() == cols,
              "LayerNorm's shapes agree");
  const bool round = (xhat ? xhat : y).dtype == DType::kBF16;
  const gpu::Grid grid{.blocks = x.rows(), .threads = ThreadsOfRow(cols)};
  WithPacks(InPacks(cols, x, gamma, beta, xhat, y), [&](auto count) {
    WithElements(x, [&](auto* in) {
      WithElements(xhat, [&](auto* normal) {
        WithElements(y, [&](auto* out) {
          using X = std::remove_pointer_t<decltype(in)>;
          using H = std::remove_pointer_t<decltype(normal)>;
          using Y = std::remove_pointer_t<decltype(out)>;
          gpu::Launch(context.stream(), grid, LayerNormRow<decltype(count)::value, X, H, Y>, in,
                      F32Of(gamma), F32Of(beta), static_cast<float>(eps), round, cols, normal,
                      F32Of(rstd), out);
        });
      });
    });
  });
}

void LayerNormBackward(Context& context, View dy, View xhat, View rstd, View gamma, bool accumulate,
                       View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(dy.Elements() == dx.Elements() && xhat.Elements() == dx.Elements() &&
                  gamma.Elements() == cols,
              "LayerNorm's shapes agree");
  const gpu::Grid grid{.blocks = dx.rows(), .threads = ThreadsOfRow(cols)};
  WithPacks(InPacks(cols, dy, xhat, gamma, dx), [&](auto count) {
    WithElements(dy, [&](auto* gradient) {
      WithElements(xhat, [&](auto* normal) {
        WithElements(dx, [&](auto* out) {
          using G = std::remove_pointer_t<decltype(gradient)>;
          using H = std::remove_pointer_t<decltype(normal)>;
          using D = std::remove_pointer_t<decltype(out)>;
          gpu::Launch(context.stream(), grid, LayerNormBackwardRow<decltype(count)::value, G, H, D>,
                      gradient, normal, F32Of(rstd), F32Of(gamma), accumulate, cols, out);
        });
      });
    });
  });
}

void ScaleShift(Context& context, View xhat, View gamma, View beta, View y) {
  const int64_t cols = y.cols(), n = y.Elements();
  LACOS_CHECK(xhat.Elements() == n && gamma.Elements() == cols && beta.Elements() == cols,
              "ScaleShift's shapes agree");
  WithPacks(InPacks(cols, xhat, gamma, beta, y), [&](auto count) {
    WithElements(xhat, [&](auto* in) {
      WithElements(y, [&](auto* out) {
        using X = std::remove_pointer_t<decltype(in)>;
        using Y = std::remove_pointer_t<decltype(out)>;
        const gpu::Grid grid{.blocks = CeilDiv(n, 128 * decltype(count)::value), .threads = 128};
        gpu::Launch(context.stream(), grid, ScaleShiftElements<decltype(count)::value, X, Y>, in,
                    F32Of(gamma), F32Of(beta), n, cols, out);
      });
    });
  });
}

}  // namespace lacos::cuda
