// Pooling of the tokens of each text, and its backward pass. Sums are in double in the order of the
// tokens, like the CPU's, so they have the CPU's bytes.
//
// Grid: one block for 128 columns of a text, one thread a column. Saves: the rows of the maxima
// (kMax). Bytes a token: forward 4 D read, backward 4 D written. FLOP a token: 2 D in double. Share of
// the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/pooling.h"

#include "lacos/kernels/cuda/elements.h"

namespace lacos::cuda {
namespace {

constexpr int kColumns = 128;

// The weights of a text's rows in the poolings that are weighted sums. Within [begin, end) row t has
// the weight (rising ? t + 1 : 1) / divisor; all other rows have 0.
struct RowWeights {
  int64_t begin, end;
  bool rising;
  double divisor;

  GPU_DEVICE double At(int64_t t) const {
    if (t < begin || t >= end) return 0;
    return (rising ? static_cast<double>(t + 1) : 1.0) / divisor;
  }
};

GPU_DEVICE RowWeights WeightsOf(Pooling pooling, int64_t length) {
  const auto n = static_cast<double>(length);
  RowWeights weights{0, length, false, 1};
  if (pooling == Pooling::kCls) weights.end = 1;
  if (pooling == Pooling::kLast) weights.begin = length - 1;
  if (pooling == Pooling::kMean) weights.divisor = n;
  if (pooling == Pooling::kMeanSqrtLen) weights.divisor = gpu::Sqrt(n);
  if (pooling == Pooling::kWeightedMean) {
    weights.rising = true;
    weights.divisor = n * (n + 1) / 2;  // 1 + 2 + ... + n
  }
  return weights;
}

// The text and the column of the calling thread.
struct TextColumn {
  int64_t text, first, length, column;
  GPU_DEVICE TextColumn(const int32_t* offsets, int64_t cols) {
    const int64_t chunks = (cols + kColumns - 1) / kColumns;
    text = gpu::Block() / chunks;
    column = gpu::Block() % chunks * kColumns + gpu::Thread();
    first = offsets[text];
    length = offsets[text + 1] - first;
  }
};
gpu::Grid GridOfTexts(int64_t texts, int64_t cols) {
  return {.blocks = texts * CeilDiv(cols, kColumns), .threads = kColumns};
}

template <class X, class Y>
GPU_KERNEL PoolText(const X* x, const int32_t* offsets, Pooling pooling, int64_t cols,
                    int32_t* argmax, Y* y) {
  const TextColumn at(offsets, cols);
  if (at.column >= cols) return;
  float pooled = 0;
  int32_t best = -1;
  if (pooling == Pooling::kMax) {
    // NaN counts as greatest, so that it is not hidden; of equal values the first is taken.
    for (int64_t t = 0; t < at.length; ++t) {
      const float v = ToFloat(x[(at.first + t) * cols + at.column]);
      const bool better = t == 0 || v > pooled || (v != v && pooled == pooled);
      if (!better) continue;
      pooled = v;
      best = static_cast<int32_t>(at.first + t);
    }
  } else if (at.length > 0) {
    const RowWeights weights = WeightsOf(pooling, at.length);
    double sum = 0;
    for (int64_t t = weights.begin; t < weights.end; ++t) {
      const double v = ToFloat(x[(at.first + t) * cols + at.column]);
      sum += weights.At(t) * v;
    }
    pooled = static_cast<float>(sum);
  }
  if (argmax != nullptr) argmax[at.text * cols + at.column] = best;
  StoreFloat(pooled, y + at.text * cols + at.column);
}

template <class G, class X>
GPU_KERNEL PoolTextBackward(const G* dy, const int32_t* offsets, Pooling pooling, int64_t cols,
                            const int32_t* argmax, X* dx) {
  const TextColumn at(offsets, cols);
  if (at.column >= cols || at.length == 0) return;
  const float g = ToFloat(dy[at.text * cols + at.column]);
  const bool is_max = pooling == Pooling::kMax;
  const int64_t best = is_max ? argmax[at.text * cols + at.column] : 0;
  const RowWeights weights = WeightsOf(pooling, at.length);
  for (int64_t t = 0; t < at.length; ++t) {
    const float w =
        is_max ? (best == at.first + t ? 1.0f : 0.0f) : static_cast<float>(weights.At(t));
    StoreFloat(w * g, dx + (at.first + t) * cols + at.column);
  }
}

}  // namespace

void Pool(Context& context, View x, const TextLayout& layout, Pooling pooling, View argmax,
          View y) {
  const int64_t cols = x.cols();
  LACOS_CHECK(layout.tokens == x.rows(), "the texts cover all tokens");
  LACOS_CHECK(y.rows() == layout.texts && y.cols() == cols, "y is [N, D]");
  int32_t* rows = pooling == Pooling::kMax ? I32Of(argmax) : nullptr;
  WithElements(x, [&](auto* in) {
    WithElements(y, [&](auto* out) {
      using X = std::remove_pointer_t<decltype(in)>;
      using Y = std::remove_pointer_t<decltype(out)>;
      gpu::Launch(context.stream(), GridOfTexts(layout.texts, cols), PoolText<X, Y>, in,
                  I32Of(layout.offsets), pooling, cols, rows, out);
    });
  });
}

void PoolBackward(Context& context, View dy, const TextLayout& layout, Pooling pooling, View argmax,
                  View dx) {
  const int64_t cols = dx.cols();
  LACOS_CHECK(layout.tokens == dx.rows(), "the texts cover all tokens");
  LACOS_CHECK(dy.rows() == layout.texts && dy.cols() == cols, "dy is [N, D]");
  LACOS_CHECK(pooling != Pooling::kMax || argmax, "max pooling's backward needs argmax");
  WithElements(dy, [&](auto* gradient) {
    WithElements(dx, [&](auto* out) {
      using G = std::remove_pointer_t<decltype(gradient)>;
      using X = std::remove_pointer_t<decltype(out)>;
      gpu::Launch(context.stream(), GridOfTexts(layout.texts, cols), PoolTextBackward<G, X>,
                  gradient, I32Of(layout.offsets), pooling, cols, I32Of(argmax), out);
    });
  });
}

}  // namespace lacos::cuda
