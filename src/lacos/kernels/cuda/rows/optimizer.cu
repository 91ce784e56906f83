// Block-wise 8-bit Adam, Adam with float moments (both operation by operation as in kernels/adam.cc,
// with the same bytes), and the sum of squares of all gradients.
//
// Grid: Adam8 one block of 128 threads for the 256 values of a block of codes; Adam one thread a value;
// SumSquares one block for 65,536 values, then one block for their sums. Saves nothing but the state.
// Bytes a parameter: Adam8 4 read for the gradient and 12 for value and state, Adam 28, SumSquares 4.
// FLOP a parameter: 20. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/optimizer.h"

#include <vector>

#include "lacos/kernels/adam.h"
#include "lacos/kernels/cuda/elements.h"
#include "lacos/kernels/cuda/reduce.h"
#include "lacos/quant/code.h"

namespace lacos::cuda {
namespace {

constexpr int kThreads8 = 128, kValues = 2;  // a block of codes has kThreads8 * kValues values
static_assert(kThreads8 * kValues == kAdam8BlockSize);
constexpr int kGridPoints = 65536;

GPU_DEVICE void UpdateMoments(const AdamScalars& s, float g, float& m, float& v) {
  m = gpu::Fma(g, s.one_minus_beta1, m * s.beta1);
  v = gpu::Fma(s.one_minus_beta2 * g, g, v * s.beta2);
}

// The code of x * inverse, by way of the grid of 65,536 points over [-1, 1]. NaN falls on point 0.
GPU_DEVICE uint8_t GridCode(const uint8_t* grid, float x, float inverse) {
  const float scaled = x * inverse;
  if (scaled != scaled) return grid[0];
  const float clamped = scaled < -1.0f ? -1.0f : scaled > 1.0f ? 1.0f : scaled;
  const float point = gpu::Fma((clamped + 1.0f) * 0.5f, 65535.0f, 0.5f);
  return grid[static_cast<uint16_t>(static_cast<int32_t>(point))];
}

GPU_KERNEL Adam8Block(AdamScalars s, CodeTables::Pointers tables, int64_t n, const float* gradient,
                      uint8_t* m_codes, uint8_t* v_codes, float* m_absmax, float* v_absmax,
                      float* parameter) {
  BlockReducer<float> reduce(gpu::Shared<ReduceShared<float>>());
  const int64_t first = gpu::Block() * kAdam8BlockSize + gpu::Thread();
  float m[kValues] = {}, v[kValues] = {};
  const float m_scale = m_absmax[gpu::Block()], v_scale = v_absmax[gpu::Block()];
  for (int k = 0; k < kValues; ++k) {
    const int64_t i = first + k * kThreads8;
    if (i >= n) break;
    m[k] = tables.map[0][m_codes[i]] * m_scale;
    v[k] = tables.map[1][v_codes[i]] * v_scale;
    UpdateMoments(s, gradient[i] * s.gradient_scale, m[k], v[k]);
    const float denominator = gpu::Divide(gpu::Sqrt(v[k]), s.correction2) + s.eps;
    parameter[i] = parameter[i] * s.decay + gpu::Divide(s.step_size * m[k], denominator);
  }
  const float m_largest = reduce(fmaxf(fabsf(m[0]), fabsf(m[1])), Larger());
  const float v_largest = reduce(fmaxf(fabsf(v[0]), fabsf(v[1])), Larger());
  for (int k = 0; k < kValues; ++k) {
    const int64_t i = first + k * kThreads8;
    if (i >= n) break;
    m_codes[i] =
        m_largest == 0 ? uint8_t{0} : GridCode(tables.grid[0], m[k], gpu::Divide(1.0f, m_largest));
    v_codes[i] =
        v_largest == 0 ? uint8_t{0} : GridCode(tables.grid[1], v[k], gpu::Divide(1.0f, v_largest));
  }
  if (gpu::Thread() != 0) return;
  // fmaxf ignores NaN unless all values are; the CPU starts at 0.
  m_absmax[gpu::Block()] = m_largest != m_largest ? 0.0f : m_largest;
  v_absmax[gpu::Block()] = v_largest != v_largest ? 0.0f : v_largest;
}

GPU_KERNEL AdamElements(AdamScalars s, int64_t n, const float* gradient, float* m, float* v,
                        float* parameter) {
  const int64_t i = gpu::Block() * gpu::Threads() + gpu::Thread();
  if (i >= n) return;
  float mi = m[i], vi = v[i];
  UpdateMoments(s, gradient[i] * s.gradient_scale, mi, vi);
  m[i] = mi;
  v[i] = vi;
  const float update = gpu::Divide(mi, gpu::Sqrt(vi) + s.eps_32);
  parameter[i] = gpu::Fma(update, s.step_size_32, parameter[i] * s.decay);
}

// A run of values that one block sums.
struct Run {
  const float* values;
  int64_t count;
};
constexpr int64_t kRunValues = 65536;

struct SquareSum {
  double sum, nonfinite;
};

GPU_KERNEL SumRun(const Run* runs, SquareSum* parts) {
  BlockReducer<double> reduce(gpu::Shared<ReduceShared<double>>());
  const Run run = runs[gpu::Block()];
  double sum = 0, nonfinite = 0;
  for (int64_t i = gpu::Thread(); i < run.count; i += gpu::Threads()) {
    const double v = run.values[i];
    sum = gpu::Fma(v, v, sum);
    nonfinite += fabsf(run.values[i]) <= 3.402823466e38f ? 0.0 : 1.0;
  }
  sum = reduce(sum, Plus());
  nonfinite = reduce(nonfinite, Plus());
  if (gpu::Thread() == 0) parts[gpu::Block()] = {sum, nonfinite};
}

GPU_KERNEL SumRuns(const SquareSum* parts, int64_t runs, float* out, float* nonfinite) {
  BlockReducer<double> reduce(gpu::Shared<ReduceShared<double>>());
  double sum = 0, count = 0;
  for (int64_t i = gpu::Thread(); i < runs; i += gpu::Threads()) {
    sum += parts[i].sum;
    count += parts[i].nonfinite;
  }
  sum = reduce(sum, Plus());
  count = reduce(count, Plus());
  if (gpu::Thread() != 0) return;
  out[0] = static_cast<float>(sum);
  if (nonfinite != nullptr) nonfinite[0] = static_cast<float>(count);
}

}  // namespace

CodeTables::Pointers CodeTables::On(Context& context) {
  constexpr size_t kMapBytes = 256 * sizeof(float);
  if (buffer_.data() == nullptr) {
    buffer_ = context.Allocate(2 * (kMapBytes + kGridPoints));
    // The points of the grid, encoded with a scale of 1.
    std::vector<float> points(kGridPoints);
    for (int i = 0; i < kGridPoints; ++i)
      points[i] = 2.0f * static_cast<float>(i) / 65535.0f - 1.0f;
    std::vector<uint8_t> codes(kGridPoints);
    float absmax = 0;
    for (const bool is_signed : {true, false}) {
      std::byte* place = buffer_.data() + (is_signed ? 0 : kMapBytes + kGridPoints);
      context.Upload(std::as_bytes(std::span(DynamicMap(is_signed))), place);
      EncodeDynamicGrid(points, kGridPoints, is_signed, codes.data(), &absmax);
      context.Upload(std::as_bytes(std::span(codes)), place + kMapBytes);
    }
  }
  Pointers pointers{};
  for (int i = 0; i < 2; ++i) {
    const std::byte* place = buffer_.data() + i * (kMapBytes + kGridPoints);
    pointers.map[i] = reinterpret_cast<const float*>(place);
    pointers.grid[i] = reinterpret_cast<const uint8_t*>(place + kMapBytes);
  }
  return pointers;
}

void SumSquares(Context& context, std::span<const TensorView> x, View out, View nonfinite) {
  std::vector<Run> runs;
  for (const TensorView& tensor : x) {
    const float* values = F32Of(tensor);
    for (int64_t at = 0; at < tensor.Elements(); at += kRunValues)
      runs.push_back({values + at, std::min(kRunValues, tensor.Elements() - at)});
  }
  const auto count = static_cast<int64_t>(runs.size());
  const Run* table = runs.empty() ? nullptr : context.UploadTable(std::span<const Run>(runs));
  auto* parts = context.ScratchOf<SquareSum>(ScratchSlot::kRows, std::max<int64_t>(1, count));
  gpu::Launch(context.stream(), {.blocks = count, .threads = 128}, SumRun, table, parts);
  gpu::Launch(context.stream(), {.blocks = 1, .threads = 128}, SumRuns, parts, count, F32Of(out),
              F32Of(nonfinite));
}

void Adam8(Context& context, CodeTables& tables, const AdamStep& step, View gradient,
           const Adam8State& state, View parameter) {
  const int64_t n = parameter.Elements(), blocks = CeilDiv(n, kAdam8BlockSize);
  LACOS_CHECK(
      gradient.Elements() == n && state.m_codes.Elements() == n && state.v_codes.Elements() == n,
      "gradient and state have the parameter's size");
  LACOS_CHECK(state.m_absmax.Elements() == blocks && state.v_absmax.Elements() == blocks,
              "one scale a block");
  gpu::Launch(context.stream(), {.blocks = blocks, .threads = kThreads8}, Adam8Block,
              AdamScalars(step), tables.On(context), n, F32Of(gradient), U8Of(state.m_codes),
              U8Of(state.v_codes), F32Of(state.m_absmax), F32Of(state.v_absmax), F32Of(parameter));
}

void Adam(Context& context, const AdamStep& step, View gradient, const AdamState& state,
          View parameter) {
  const int64_t n = parameter.Elements();
  LACOS_CHECK(gradient.Elements() == n && state.m.Elements() == n && state.v.Elements() == n,
              "gradient and state have the parameter's size");
  gpu::Launch(context.stream(), {.blocks = CeilDiv(n, 128), .threads = 128}, AdamElements,
              AdamScalars(step), n, F32Of(gradient), F32Of(state.m), F32Of(state.v),
              F32Of(parameter));
}

}  // namespace lacos::cuda
