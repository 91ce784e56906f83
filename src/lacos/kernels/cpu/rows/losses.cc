// The losses use the templates of the reference backend, in double. Compared with its activations a
// batch has few similarities, so a second implementation would save nothing. For this reason the
// losses are not tested against the reference, but by complex step
// (tests/unit/kernels/gradient_cases.cc) and against values and gradients of sentence-transformers
// (tests/golden/losses_test.cc).
#include "lacos/kernels/cpu/rows/losses.h"

#include <cmath>
#include <vector>

#include "lacos/kernels/adam.h"
#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/kernels/reference/losses.h"

namespace lacos::cpu {
namespace {

uint8_t* U8Of(View x) {
  LACOS_CHECK(!x || x.dtype == DType::kU8, "this argument is U8");
  return reinterpret_cast<uint8_t*>(x.data);
}

}  // namespace

void SoftmaxCrossEntropy(View scores, View mask, View targets, View loss, View dscores) {
  const int64_t rows = scores.rows(), cols = scores.cols();
  const int32_t* target = I32Of(targets);
  LACOS_CHECK(targets.Elements() == rows, "one target a row");
  LACOS_CHECK(!mask || mask.Elements() == scores.Elements(), "the mask has the scores' shape");
  for (int64_t i = 0; i < rows; ++i)
    LACOS_CHECK(target[i] >= 0 && target[i] < cols, "a target is a column");
  const float* x = F32Of(scores);
  float* dx = F32Of(dscores);
  const uint8_t* in = U8Of(mask);
  std::vector<double> row_loss(static_cast<size_t>(rows));
  ParallelFor(rows, [&](int64_t i) {
    row_loss[i] = ref::SoftmaxCrossEntropyRow<double>(
        x + i * cols, in == nullptr ? nullptr : in + i * cols, target[i], cols,
        1.0 / static_cast<double>(rows), dx == nullptr ? nullptr : dx + i * cols);
  });
  double sum = 0;
  for (const double value : row_loss) sum += value;
  *F32Of(loss) = static_cast<float>(sum);
}

void MeanSquaredError(View x, View target, View loss, View dx) {
  LACOS_CHECK(x.Elements() == target.Elements(), "one target a value");
  *F32Of(loss) = static_cast<float>(
      ref::MeanSquaredError<double>(F32Of(x), F32Of(target), x.Elements(), F32Of(dx)));
}

void CosentLoss(View x, View labels, double scale, View loss, View dx) {
  LACOS_CHECK(x.Elements() == labels.Elements(), "one label a value");
  *F32Of(loss) = static_cast<float>(
      ref::CosentLoss<double>(F32Of(x), F32Of(labels), scale, x.Elements(), F32Of(dx)));
}

void TripletLoss(View a, View p, View n, double margin, View loss, View da, View dp, View dn) {
  LACOS_CHECK(a.Elements() == p.Elements() && a.Elements() == n.Elements(),
              "three tensors of one shape");
  *F32Of(loss) = static_cast<float>(ref::TripletLoss<double>(
      F32Of(a), F32Of(p), F32Of(n), margin, a.rows(), a.cols(), F32Of(da), F32Of(dp), F32Of(dn)));
}

void SumSquares(std::span<const TensorView> x, View out, View nonfinite) {
  constexpr int64_t kBlock = 65536;
  struct Part {
    double sum = 0;
    int64_t nonfinite = 0;
  };
  double sum = 0;
  int64_t count = 0;
  for (const TensorView& tensor : x) {
    const float* values = F32Of(tensor);
    std::vector<Part> parts(static_cast<size_t>(CeilDivide(tensor.Elements(), kBlock)));
    RunRanges(tensor.Elements(), kBlock, [&](int64_t begin, int64_t end) {
      Part part;
      for (int64_t i = begin; i < end; ++i) {
        part.sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
        part.nonfinite += std::isfinite(values[i]) ? 0 : 1;
      }
      parts[begin / kBlock] = part;
    });
    for (const Part& part : parts) {
      sum += part.sum;
      count += part.nonfinite;
    }
  }
  *F32Of(out) = static_cast<float>(sum);
  if (nonfinite) *F32Of(nonfinite) = static_cast<float>(count);
}

void Adam8(const AdamStep& step, View gradient, const Adam8State& state, View parameter) {
  const int64_t n = parameter.Elements();
  const int64_t blocks = CeilDivide(n, kAdam8BlockSize);
  LACOS_CHECK(
      gradient.Elements() == n && state.m_codes.Elements() == n && state.v_codes.Elements() == n,
      "gradient and state have the parameter's size");
  LACOS_CHECK(state.m_absmax.Elements() == blocks && state.v_absmax.Elements() == blocks,
              "one scale a block");
  Adam8UpdateF32(step, n, F32Of(gradient), U8Of(state.m_codes), U8Of(state.v_codes),
                 F32Of(state.m_absmax), F32Of(state.v_absmax), F32Of(parameter));
}

void Adam(const AdamStep& step, View gradient, const AdamState& state, View parameter) {
  const int64_t n = parameter.Elements();
  LACOS_CHECK(gradient.Elements() == n && state.m.Elements() == n && state.v.Elements() == n,
              "gradient and state have the parameter's size");
  AdamUpdateF32(step, n, F32Of(gradient), F32Of(state.m), F32Of(state.v), F32Of(parameter));
}

}  // namespace lacos::cpu
