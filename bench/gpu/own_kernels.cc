#include "gpu/own_kernels.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "gpu/cublaslt_candidates.h"
#include "lacos/base/compute.h"
#include "lacos/base/rng.h"
#include "lacos/kernels/device_rates.h"
#include "lacos/kernels/measuring.h"
#include "lacos/kernels/transfer.h"

namespace lacos::bench {
namespace {

// The ends of texts with NLI's lengths, 19 tokens on average, that are `tokens` tokens together.
std::vector<int32_t> OffsetsOf(int64_t tokens) {
  Random random(1, RandomStream::kBatch);
  std::vector<int32_t> offsets = {0};
  while (offsets.back() < tokens) {
    const auto length = static_cast<int64_t>(std::lround(19 + 9 * random.Normal()));
    offsets.push_back(static_cast<int32_t>(
        std::min(tokens, offsets.back() + std::clamp<int64_t>(length, 3, 75))));
  }
  return offsets;
}

struct HostCodes {
  std::vector<std::byte> codes;
  std::vector<float> absmax;
};

// A model's block in one mode with one number of tokens.
class Block {
 public:
  Block(Compute compute, const Sizes::Model& model, int64_t tokens)
      : backend_(MakeMeasuredBackend(compute)),
        types_(backend_->Types()),
        heads_(static_cast<int>(model.heads)),
        d_(model.width),
        tokens_(tokens),
        offsets_(OffsetsOf(tokens)) {
    layout_ = MakeTextLayout(*backend_, offsets_,
                             New(DType::kI32, {static_cast<int64_t>(offsets_.size())}));
  }

  // Calls visit(op, FLOP or 0, bytes of its tensors, seconds) for each op.
  using Visit = std::function<void(const std::string&, double, double, double)>;
  void MeasureProducts(const Visit& visit) {
    struct Matrix {
      const char* name;
      int64_t out, in;
      bool gelu, residual;
    };
    const Matrix matrices[] = {{"query_key_value", 3 * d_, d_, false, false},
                               {"dense", d_, d_, false, true},
                               {"dense_h_to_4h", 4 * d_, d_, true, false},
                               {"dense_4h_to_h", d_, 4 * d_, false, true}};
    for (const Matrix& m : matrices) {
      const std::vector<WeightId> weights = AddWeights(m.out, m.in);
      const TensorView x = Filled(types_.activation, m.in),
                       y = Filled(m.residual ? types_.residual : types_.activation, m.out),
                       bias = Vector(m.out);
      const Epilogue epilogue{
          .bias = bias,
          .gelu = m.gelu,
          .saved_gelu = m.gelu ? Filled(types_.activation, m.out) : TensorView{},
          .residual = m.residual ? y : TensorView{}};
      const double flop = 2.0 * static_cast<double>(tokens_ * m.out) * static_cast<double>(m.in);
      size_t turn = 0;
      const double forward =
          Seconds([&] { backend_->Linear(x, weights[turn++ % weights.size()], epilogue, y); });
      visit(std::string("Linear ") + m.name, flop, 0, forward);
      const TensorView dy = Filled(m.residual ? types_.residual_gradient : types_.gradient, m.out),
                       dx = Filled(types_.gradient, m.in);
      // The gradient of 4h passes through GELU on its way out.
      const BackwardEpilogue backward{.saved_gelu = m.in > d_ ? Filled(types_.activation, m.in)
                                                              : TensorView{}};
      const double back = Seconds(
          [&] { backend_->LinearBackward(dy, weights[turn++ % weights.size()], backward, dx); });
      visit(std::string("LinearBackward ") + m.name, flop, 0, back);
      temporary_.clear();
    }
  }

  void MeasureOthers(const Visit& visit) {
    const auto measure = [&](const char* op, std::vector<TensorView> first,
                             const std::function<void(const std::vector<TensorView>&)>& call) {
      // Several sets of tensors in turn, so that none is in the cache.
      double bytes = 0;
      for (const TensorView& view : first) bytes += static_cast<double>(view.Bytes());
      std::vector<std::vector<TensorView>> sets = {std::move(first)};
      while (static_cast<double>(sets.size()) * bytes <
                 static_cast<double>(TheSizes().rotated_bytes) &&
             sets.size() < 16) {
        std::vector<TensorView> copy;
        for (const TensorView& view : sets.front()) copy.push_back(FilledAs(view));
        sets.push_back(std::move(copy));
      }
      size_t turn = 0;
      visit(op, 0, bytes, Seconds([&] { call(sets[turn++ % sets.size()]); }));
      temporary_.clear();
    };
    using Set = std::vector<TensorView>;
    const auto wide = [&](DType type) { return Filled(type, d_); };
    measure("AlibiAttention", {Filled(types_.activation, 3 * d_), wide(types_.activation)},
            [&](const Set& s) { backend_->AlibiAttention(s[0], layout_, heads_, {}, s[1]); });
    measure(
        "AlibiAttentionBackward",
        {Filled(types_.activation, 3 * d_), wide(types_.gradient), Filled(types_.gradient, 3 * d_)},
        [&](const Set& s) {
          backend_->AlibiAttentionBackward(s[0], layout_, heads_, {}, s[1], s[2]);
        });
    const TensorView gamma = Vector(d_), beta = Vector(d_);
    measure("LayerNorm",
            {wide(types_.residual), wide(types_.activation), wide(types_.activation), Rstd()},
            [&](const Set& s) { backend_->LayerNorm(s[0], gamma, beta, 1e-5, s[1], s[3], s[2]); });
    const TensorView gamma_again = Vector(d_);
    measure(
        "LayerNormBackward",
        {wide(types_.gradient), wide(types_.activation), Rstd(), wide(types_.residual_gradient)},
        [&](const Set& s) {
          backend_->LayerNormBackward(s[0], s[1], s[2], gamma_again, true, s[3]);
        });
    measure("GeluBackward",
            {Filled(types_.gradient, 4 * d_), Filled(types_.activation, 4 * d_),
             Filled(types_.gradient, 4 * d_)},
            [&](const Set& s) { backend_->GeluBackward(s[0], s[1], s[2]); });
    measure("Add", {wide(types_.residual), wide(types_.residual), wide(types_.residual)},
            [&](const Set& s) { backend_->Add(s[0], s[1], s[2]); });
  }

 private:
  double Seconds(const std::function<void()>& call) {
    return MedianSeconds(call, [&] { backend_->Synchronize(); });
  }
  TensorView New(DType type, Shape shape) {
    TensorView view{nullptr, type, std::move(shape)};
    lasting_.push_back(backend_->Allocate(view.Bytes()));
    view.data = lasting_.back().data();
    return view;
  }
  // A tensor of numbers that lasts until the op has been measured.
  TensorView FilledAs(const TensorView& like) {
    TensorView view{nullptr, like.dtype, like.shape};
    temporary_.push_back(backend_->Allocate(view.Bytes()));
    view.data = temporary_.back().data();
    std::vector<std::byte> numbers = NormalNumbers(view.Bytes());
    // The upper half of an f32 is a bf16; a random lower half changes it by less than its rounding.
    backend_->Upload(numbers, view);
    return view;
  }
  TensorView Filled(DType type, int64_t columns) {
    return FilledAs({nullptr, type, {tokens_, columns}});
  }
  TensorView Rstd() { return FilledAs({nullptr, types_.statistic, {tokens_}}); }
  TensorView Vector(int64_t n) { return FilledAs({nullptr, types_.parameter, {n}}); }

  // As many matrices as it takes that none is in the cache when its turn comes.
  std::vector<WeightId> AddWeights(int64_t out, int64_t in) {
    std::vector<WeightId> weights;
    do {
      hosts_.push_back({NormalNumbers(static_cast<size_t>(out * in)),
                        std::vector<float>(static_cast<size_t>(out), 1.0f)});
      weights.push_back(backend_->AddWeight({.name = "a random matrix",
                                             .rows = out,
                                             .cols = in,
                                             .scheme = QuantScheme::kLinear,
                                             .dtype = DType::kI8,
                                             .block_size = in,
                                             .codes = hosts_.back().codes.data(),
                                             .absmax = hosts_.back().absmax.data()}));
    } while (static_cast<size_t>(out * in) * weights.size() < TheSizes().rotated_bytes);
    return weights;
  }

  std::deque<HostCodes> hosts_;  // read by the backend
  std::unique_ptr<Backend> backend_;
  TypeSet types_;
  int heads_;
  int64_t d_, tokens_;
  std::vector<int32_t> offsets_;
  std::deque<Buffer> lasting_, temporary_;
  TextLayout layout_;
};

}  // namespace

Json OwnKernels() {
  const DeviceRates rates = MeasureDeviceRates(MakeMeasuredBackend);
  const CublasLtCeiling library = MeasureCublasLtCeiling(TheSizes().ceiling_width);
  Json measured = Json::Object(), ceilings = Json::Object(), ops = Json::Array();
  measured.Set("bf16_flop_per_second", rates.products.bf16_flop_per_second);
  measured.Set("int8_op_per_second", rates.products.int8_op_per_second);
  measured.Set("copy_bytes_per_second", rates.copy_bytes_per_second);
  measured.Set("upload_bytes_per_second", rates.upload_bytes_per_second);
  ceilings.Set("bf16", library.bf16 ? Json(*library.bf16) : Json());
  ceilings.Set("int8", library.int8 ? Json(*library.int8) : Json());

  for (const Sizes::Model& model : TheSizes().models) {
    for (const int64_t tokens : TheSizes().batches) {
      for (const Compute compute : {Compute::kBF16, Compute::kInt8}) {
        const double own = compute == Compute::kBF16 ? rates.products.bf16_flop_per_second
                                                     : rates.products.int8_op_per_second;
        const double product_ceiling =
            std::max(own, (compute == Compute::kBF16 ? library.bf16 : library.int8).value_or(0));
        Block block(compute, model, tokens);
        const auto add = [&](const std::string& op, double flop, double bytes, double seconds) {
          Json json = Json::Object();
          json.Set("model", model.name);
          json.Set("tokens", tokens);
          json.Set("compute", Name(compute));
          json.Set("op", op);
          json.Set("microseconds", seconds * 1e6);
          json.Set(flop > 0 ? "flop_per_second" : "bytes_per_second",
                   (flop > 0 ? flop : bytes) / seconds);
          json.Set("share", flop > 0 ? flop / seconds / product_ceiling
                                     : bytes / seconds / rates.copy_bytes_per_second);
          ops.Append(json);
        };
        block.MeasureProducts(add);
        if (compute == Compute::kBF16) block.MeasureOthers(add);
      }
    }
  }
  Json json = Json::Object();
  json.Set("rates", measured);
  json.Set("cublaslt", ceilings);
  json.Set("ops", ops);
  return json;
}

}  // namespace lacos::bench
