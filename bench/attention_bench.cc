// Causal ALiBi attention with the shape of bloom-560m, forward and backward. It is the part of a
// pass that is not a product with a frozen weight.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"

namespace lacos {
namespace {

constexpr int kHeads = 16;
constexpr int64_t kWidth = 1024;  // D

// A batch of `texts` texts with `length` tokens each.
struct Batch {
  Batch(Compute compute, int64_t texts, int64_t length)
      : backend(MakeCpuBackend({.compute = compute})), tokens(texts * length) {
    const TypeSet types = backend->Types();
    qkv = Tensor(types.activation, {tokens, 3 * kWidth});
    y = Tensor(types.activation, {tokens, kWidth});
    dy = Tensor(types.gradient, {tokens, kWidth});
    dqkv = Tensor(types.gradient, {tokens, 3 * kWidth});
    for (int64_t text = 0; text <= texts; ++text)
      begins.push_back(static_cast<int32_t>(text * length));
    layout = MakeTextLayout(*backend, begins, Tensor(DType::kI32, {texts + 1}));
    std::vector<float> values(static_cast<size_t>(tokens * 3 * kWidth));
    Random random(2, RandomStream::kBatch);
    for (float& value : values) value = static_cast<float>(random.Uniform() - 0.5);
    UploadFloats(*backend, values, qkv);
    values.resize(static_cast<size_t>(tokens * kWidth));
    UploadFloats(*backend, values, dy);
  }
  TensorView Tensor(DType dtype, Shape shape) {
    TensorView view{nullptr, dtype, shape};
    buffers.push_back(backend->Allocate(view.Bytes()));
    view.data = buffers.back().data();
    return view;
  }
  void Report(benchmark::State& state) const {
    state.counters["tokens/s"] = benchmark::Counter(
        static_cast<double>(tokens * state.iterations()), benchmark::Counter::kIsRate);
  }

  std::unique_ptr<Backend> backend;
  int64_t tokens;
  std::vector<Buffer> buffers;
  TensorView qkv, y, dy, dqkv;  // [T, 3D], [T, D], [T, D], [T, 3D]
  std::vector<int32_t> begins;  // [N + 1]
  TextLayout layout;
};

void Forward(benchmark::State& state) {
  Batch batch(Compute::kBF16, state.range(0), state.range(1));
  for (auto _ : state) batch.backend->AlibiAttention(batch.qkv, batch.layout, kHeads, {}, batch.y);
  batch.Report(state);
}

void Backward(benchmark::State& state) {
  Batch batch(Compute::kBF16, state.range(0), state.range(1));
  for (auto _ : state) {
    batch.backend->AlibiAttentionBackward(batch.qkv, batch.layout, kHeads, {}, batch.dy,
                                          batch.dqkv);
  }
  batch.Report(state);
}

// The shapes: a batch of 64 pairs, one query, paragraphs, one text of the full length.
void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"texts", "length"})
      ->Args({128, 19})
      ->Args({1, 12})
      ->Args({16, 128})
      ->Args({1, 2048});
  bench->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK(Forward)->Apply(Shapes);
BENCHMARK(Backward)->Apply(Shapes);

}  // namespace
}  // namespace lacos

BENCHMARK_MAIN();
