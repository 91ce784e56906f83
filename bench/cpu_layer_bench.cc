// Shows where the time of one transformer layer goes on the CPU backend: every op of its forward
// and backward pass, compared with oneDNN's plain f32 product of the same sizes measured in the
// same run. Times are the best of some repetitions.
//
//   cpu_layer_bench [D] [texts] [f32|bf16]      defaults: 1024 64 bf16; texts have 10 to 65 tokens
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/parallel.h"
#include "lacos/base/process.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/make_backend.h"
#include "lacos/kernels/transfer.h"

namespace lacos {
namespace {

double BestSeconds(const std::function<void()>& run) {
  run();
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const Stopwatch watch;
    run();
    best = std::min(best, watch.Seconds());
  }
  return best;
}

class Tensors {
 public:
  explicit Tensors(Backend& backend) : backend_(backend) {}
  TensorView Make(DType dtype, Shape shape) {
    TensorView view{nullptr, dtype, shape};
    buffers_.push_back(backend_.Allocate(view.Bytes()));
    view.data = buffers_.back().data();
    return view;
  }
  TensorView Random(DType dtype, Shape shape) {
    const TensorView view = Make(dtype, shape);
    std::vector<float> values(static_cast<size_t>(view.Elements()));
    lacos::Random random(++seed_, RandomStream::kWeights);
    for (float& v : values) v = static_cast<float>(random.Uniform() * 2 - 1);
    UploadFloats(backend_, values, view);
    return view;
  }

 private:
  Backend& backend_;
  std::vector<Buffer> buffers_;
  uint64_t seed_ = 0;
};

struct Row {
  std::string name;
  double seconds;
  double flops;  // products with frozen weights only, else 0
};

int Main(int argc, char** argv) {
  const int64_t d = argc > 1 ? std::atoll(argv[1]) : 1024;
  const int64_t texts = argc > 2 ? std::atoll(argv[2]) : 64;
  const Compute compute =
      argc > 3 && std::string(argv[3]) == "f32" ? Compute::kF32 : Compute::kBF16;
  const int heads = static_cast<int>(d / 64);
  constexpr int64_t kRank = 8;

  std::vector<int32_t> offsets = {0};
  TokenLeaves leaves{{0}};
  for (int64_t n = 0; n < texts; ++n) {
    offsets.push_back(offsets.back() + 10 + static_cast<int32_t>((n * 37) % 56));
    if (offsets.back() - leaves.begin.back() > 512 - 65) leaves.begin.push_back(offsets.back());
  }
  const int64_t tokens = offsets.back();
  if (leaves.begin.back() != tokens) leaves.begin.push_back(tokens);

  const auto backend = MakeCpuBackend({compute});
  const TypeSet types = backend->Types();
  for (const std::string& kernel : backend->Describe().kernels) fmt::print("{}\n", kernel);
  fmt::print("D {}, {} texts, {} tokens, {} threads\n", d, texts, tokens, ThreadCount());
  Tensors make(*backend);

  const auto weight = [&](int64_t out, int64_t in) {
    const TensorView codes = make.Make(DType::kI8, {out, in});
    for (int64_t i = 0; i < out * in; ++i)
      codes.data[i] = static_cast<std::byte>(i * 131 % 255 - 127);
    const TensorView absmax = make.Make(DType::kF32, {out});
    backend->Fill(absmax, 0.1);
    QuantizedMatrix m{.name = "bench",
                      .rows = out,
                      .cols = in,
                      .scheme = QuantScheme::kLinear,
                      .dtype = DType::kI8};
    m.block_size = in;
    m.codes = codes.data;
    m.absmax = reinterpret_cast<const float*>(absmax.data);
    return backend->AddWeight(m);
  };
  const WeightId w_qkv = weight(3 * d, d), w_dense = weight(d, d), w_up = weight(4 * d, d),
                 w_down = weight(d, 4 * d);

  const TensorView h = make.Random(types.residual, {tokens, d}),
                   x = make.Random(types.activation, {tokens, d});
  const TensorView xhat = make.Random(types.activation, {tokens, d}),
                   rstd = make.Random(types.statistic, {tokens});
  const TensorView qkv = make.Random(types.activation, {tokens, 3 * d});
  const TensorView context = make.Random(types.activation, {tokens, d});
  const TensorView wide = make.Random(types.activation, {tokens, 4 * d}),
                   u = make.Random(types.activation, {tokens, 4 * d});
  const TensorView dh = make.Random(types.gradient, {tokens, d}),
                   dx = make.Random(types.gradient, {tokens, d});
  const TensorView dqkv = make.Random(types.gradient, {tokens, 3 * d}),
                   du = make.Random(types.gradient, {tokens, 4 * d});
  const TensorView gamma = make.Random(types.parameter, {d}),
                   beta = make.Random(types.parameter, {d});
  const TensorView bias = make.Random(types.parameter, {4 * d}),
                   lora_a = make.Random(types.parameter, {kRank, d});
  const TensorView lora_b = make.Random(types.parameter, {3 * d, kRank}),
                   z = make.Random(types.statistic, {tokens, kRank});
  const TensorView dz = make.Random(types.statistic, {tokens, kRank});
  std::vector<Buffer> sums;
  const GradientSum da = NewGradientSum(*backend, {kRank, d}, sums),
                    db = NewGradientSum(*backend, {3 * d, kRank}, sums);
  const TextLayout layout = MakeTextLayout(*backend, offsets, make.Make(DType::kI32, {texts + 1}));

  std::vector<Row> rows;
  const auto time = [&](const char* name, double flops, const std::function<void()>& run) {
    rows.push_back({name, BestSeconds(run), flops});
  };
  const double unit = 2.0 * static_cast<double>(tokens * d * d);
  Backend& b = *backend;
  const Epilogue qkv_epilogue{
      .bias = bias.Rows(0, 3 * d),
      .lora = {{.begin = 0, .end = tokens, .z = z, .b = lora_b, .scale = 2}}};
  const BackwardEpilogue dqkv_epilogue{
      .lora = {{.begin = 0, .end = tokens, .dz = dz, .a = lora_a}}};
  const auto layer_norm = [&] { b.LayerNorm(h, gamma, beta, 1e-5, xhat, rstd, x); };
  const auto layer_norm_back = [&] { b.LayerNormBackward(dx, xhat, rstd, gamma, true, dh); };
  time("layer norm 1", 0, layer_norm);
  time("lora z", 0, [&] { b.MatMul(x, Transpose::kNo, lora_a, Transpose::kYes, 1, 0, z); });
  time("qkv", 3 * unit, [&] { b.Linear(x, w_qkv, qkv_epilogue, qkv); });
  time("attention", 0, [&] { b.AlibiAttention(qkv, layout, heads, {}, context); });
  time("dense", unit,
       [&] { b.Linear(context, w_dense, {.bias = bias.Rows(0, d), .residual = h}, dx); });
  time("layer norm 2", 0, layer_norm);
  time("up + gelu", 4 * unit,
       [&] { b.Linear(x, w_up, {.bias = bias, .gelu = true, .saved_gelu = u}, wide); });
  time("down", 4 * unit,
       [&] { b.Linear(wide, w_down, {.bias = bias.Rows(0, d), .residual = h}, dx); });
  time("down back + gelu'", 4 * unit, [&] { b.LinearBackward(dh, w_down, {.saved_gelu = u}, du); });
  time("up back", 4 * unit, [&] { b.LinearBackward(du, w_up, {}, dx); });
  time("layer norm 2 back", 0, layer_norm_back);
  time("dense back", unit, [&] { b.LinearBackward(dh, w_dense, {}, dx); });
  time("attention back", 0, [&] { b.AlibiAttentionBackward(qkv, layout, heads, {}, dx, dqkv); });
  time("lora dz", 0, [&] { b.MatMul(dqkv, Transpose::kNo, lora_b, Transpose::kNo, 1, 0, dz); });
  time("lora dB", 0, [&] { b.TokenOuter(dqkv, z, leaves, 2, db); });
  time("lora x again", 0, [&] { b.ScaleShift(xhat, gamma, beta, x); });
  time("lora dA", 0, [&] { b.TokenOuter(dz, x, leaves, 2, da); });
  time("qkv back + lora", 3 * unit, [&] { b.LinearBackward(dqkv, w_qkv, dqkv_epilogue, dx); });
  time("layer norm 1 back", 0, layer_norm_back);

  // The ceiling: oneDNN's own f32 product with the size of qkv, on all threads.
  std::vector<float> a(static_cast<size_t>(tokens * d), 0.5f),
      w(static_cast<size_t>(3 * d * d), 0.25f);
  std::vector<float> c(static_cast<size_t>(tokens * 3 * d));
  const double plain = BestSeconds([&] {
    dnnl_sgemm('N', 'T', tokens, 3 * d, d, 1.0f, a.data(), d, w.data(), d, 0.0f, c.data(), 3 * d);
  });
  const double ceiling = 3 * unit / plain;
  double total = 0, products = 0, flops = 0;
  for (const Row& row : rows) {
    total += row.seconds;
    flops += row.flops;
    if (row.flops > 0) products += row.seconds;
  }
  for (const Row& row : rows) {
    fmt::print("{:20} {:8.3f} ms {:5.1f} %", row.name, row.seconds * 1e3,
               100 * row.seconds / total);
    if (row.flops > 0) {
      fmt::print("  {:6.1f} GFLOP/s  {:5.1f} % of plain f32", row.flops / row.seconds * 1e-9,
                 100 * row.flops / row.seconds / ceiling);
    }
    fmt::print("\n");
  }
  fmt::print(
      "plain f32 product {:.1f} GFLOP/s; products with frozen weights {:.1f} GFLOP/s ({:.1f} %)\n",
      ceiling * 1e-9, flops / products * 1e-9, 100 * flops / products / ceiling);
  fmt::print("layer {:.1f} ms, {:.0f} tokens/s a layer; outside those products {:.1f} %\n",
             total * 1e3, static_cast<double>(tokens) / total, 100 * (total - products) / total);
  return 0;
}

}  // namespace
}  // namespace lacos

int main(int argc, char** argv) { return lacos::Main(argc, argv); }
