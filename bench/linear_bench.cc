// Products with the frozen 8-bit matrices of bloom-560m, forward and backward, as shares of the
// machine's ceiling. With --avx2 the machine is treated as one without AVX-512 and VNNI.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/base/process.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/hwy_targets.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"
#include "machine_ceiling.h"

// This header has to come after hwy_targets.h.
#include <hwy/highway.h>

namespace lacos {
namespace {

struct Matrix {
  const char* name;
  int64_t out, in;
};
constexpr Matrix kMatrices[] = {{"query_key_value", 3072, 1024},
                                {"dense", 1024, 1024},
                                {"dense_h_to_4h", 4096, 1024},
                                {"dense_4h_to_h", 1024, 4096}};
// One query, a short request, the tokens of a leaf, and a batch of 64 pairs.
constexpr int64_t kTokens[] = {12, 96, 512, 2176};

// The same matrix of row-wise linear codes under two names, used in turn. So every product decodes
// it, as in a pass over many layers.
struct Weights {
  explicit Weights(Compute compute, const Matrix& matrix)
      : backend(MakeCpuBackend({.compute = compute})) {
    Random random(1, RandomStream::kWeights);
    codes.resize(static_cast<size_t>(matrix.out * matrix.in));
    for (int8_t& code : codes)
      code = static_cast<int8_t>(static_cast<int>(random.Below(255)) - 127);
    absmax.assign(static_cast<size_t>(matrix.out), 0.05f);
    for (WeightId& id : ids) {
      id = backend->AddWeight({.name = matrix.name,
                               .rows = matrix.out,
                               .cols = matrix.in,
                               .scheme = QuantScheme::kLinear,
                               .dtype = DType::kI8,
                               .block_size = matrix.in,
                               .codes = reinterpret_cast<const std::byte*>(codes.data()),
                               .absmax = absmax.data()});
    }
  }
  TensorView Tensor(DType dtype, Shape shape) {
    TensorView view{nullptr, dtype, shape};
    buffers.push_back(backend->Allocate(view.Bytes()));
    view.data = buffers.back().data();
    std::vector<float> values(static_cast<size_t>(shape.Elements()));
    Random random(2, RandomStream::kBatch);
    for (float& value : values) value = static_cast<float>(random.Uniform() - 0.5);
    UploadFloats(*backend, values, view);
    return view;
  }

  std::unique_ptr<Backend> backend;
  std::vector<int8_t> codes;
  std::vector<float> absmax;
  WeightId ids[2] = {};
  std::vector<Buffer> buffers;
};

// Runs `product` as often as the benchmark library asks, alternating between the two weights.
template <class F>
void Measure(benchmark::State& state, Compute compute, const Matrix& matrix, int64_t tokens,
             const F& product) {
  const double ceiling = CeilingOf(compute).gflops;
  int which = 0;
  const Stopwatch watch;
  for (auto _ : state) product(which ^= 1);
  const double flops =
      2.0 * static_cast<double>(matrix.out * matrix.in * tokens * state.iterations());
  const double gflops = flops / 1e9 / watch.Seconds();
  state.counters["GFLOP/s"] = gflops;
  state.counters["share"] = gflops / ceiling;
}

void Forward(benchmark::State& state, Compute compute, const Matrix& matrix, int64_t tokens) {
  Weights weights(compute, matrix);
  const TypeSet types = weights.backend->Types();
  const TensorView x = weights.Tensor(types.activation, {tokens, matrix.in});
  const TensorView y = weights.Tensor(types.activation, {tokens, matrix.out});
  Measure(state, compute, matrix, tokens,
          [&](int which) { weights.backend->Linear(x, weights.ids[which], {}, y); });
}

void Backward(benchmark::State& state, Compute compute, const Matrix& matrix, int64_t tokens) {
  Weights weights(compute, matrix);
  const TypeSet types = weights.backend->Types();
  const TensorView dy = weights.Tensor(types.gradient, {tokens, matrix.out});
  const TensorView dx = weights.Tensor(types.gradient, {tokens, matrix.in});
  Measure(state, compute, matrix, tokens,
          [&](int which) { weights.backend->LinearBackward(dy, weights.ids[which], {}, dx); });
}

bool Available(Compute compute) {
  try {
    MakeCpuBackend({.compute = compute});
    return true;
  } catch (const UserError&) {
    return false;
  }
}

void RegisterAll() {
  using Body = void (*)(benchmark::State&, Compute, const Matrix&, int64_t);
  for (const Compute compute : {Compute::kF32, Compute::kBF16, Compute::kInt8}) {
    if (!Available(compute)) continue;
    for (const auto& [direction, body] :
         {std::pair<const char*, Body>{"forward", Forward}, {"backward", Backward}}) {
      for (const Matrix& matrix : kMatrices) {
        for (const int64_t tokens : kTokens) {
          const std::string name =
              fmt::format("{}/{}/{}/tokens:{}", direction, Name(compute), matrix.name, tokens);
          benchmark::RegisterBenchmark(name.c_str(),
                                       [=, &matrix, body = body](benchmark::State& state) {
                                         body(state, compute, matrix, tokens);
                                       })
              ->UseRealTime()
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  }
}

}  // namespace
}  // namespace lacos

int main(int argc, char** argv) {
  const auto avx2 = std::find(argv, argv + argc, std::string_view("--avx2"));
  if (avx2 != argv + argc) {
    std::rotate(avx2, avx2 + 1, argv + argc);
    --argc;
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 0);
    hwy::SetSupportedTargetsForTest(HWY_AVX2);
  }
  lacos::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
