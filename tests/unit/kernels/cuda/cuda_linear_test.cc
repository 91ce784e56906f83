// Products of the CUDA backend in the emulator: sums that are exact, bytes that do not depend on tiles
// or on other rows, and the forms of rows and weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "lacos/kernels/cpu/int8/int8_rows.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/emulator/emulated_runtime.h"
#include "lacos/kernels/cuda/linear/frozen_linear.h"
#include "lacos/kernels/cuda/linear/left_rows.h"
#include "lacos/kernels/cuda/linear/weight_forms.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

using cuda::TileChoice;

// Products without a backend, so that a test can choose the tile. The emulated device's memory is the
// host's.
class LinearBench {
 public:
  explicit LinearBench(Compute compute)
      : compute_(compute),
        context_(std::make_shared<cuda::emulator::EmulatedRuntime>(), 0),
        linear_(compute, context_) {}

  DType half() const { return compute_ == Compute::kF32 ? DType::kF32 : DType::kBF16; }
  cuda::Context& context() { return context_; }
  cuda::FrozenLinear& linear() { return linear_; }

  TensorView Make(DType dtype, const Shape& shape) {
    TensorView view{.data = nullptr, .dtype = dtype, .shape = shape};
    buffers_.push_back(context_.Allocate(std::max<size_t>(view.Bytes(), 64)));
    context_.Synchronize();
    view.data = buffers_.back().data();
    return view;
  }
  TensorView From(DType dtype, const Shape& shape, std::span<const float> values) {
    const TensorView view = Make(dtype, shape);
    EXPECT_TRUE(EncodeFromFloat(dtype, values.data(), values.size(), view.data));
    return view;
  }
  std::vector<float> Read(const TensorView& x) {
    context_.Synchronize();
    std::vector<float> values(static_cast<size_t>(x.Elements()));
    EXPECT_TRUE(DecodeToFloat(x.dtype, x.data, values.size(), values.data()));
    return values;
  }

 private:
  Compute compute_;
  cuda::Context context_;
  cuda::FrozenLinear linear_;
  std::vector<Buffer> buffers_;
};

HostMatrix MatrixOf(WeightFormat format, int64_t out, int64_t in) {
  switch (format) {
    case WeightFormat::kPlain:
      return HostMatrix(out, in, QuantScheme::kNone, 0, 7);
    case WeightFormat::kLinearRows:
      return HostMatrix(out, in, QuantScheme::kLinear, HostMatrix::kRow, 7);
    case WeightFormat::kLinearBlocks:
      return HostMatrix(out, in, QuantScheme::kLinear, 64, 7);
    case WeightFormat::kDynamic:
      break;
  }
  return HostMatrix(out, in, QuantScheme::kDynamic, 256, 7);
}

// A product with everything that an epilogue can do, of rows [begin, end) of a fixed batch.
constexpr int64_t kBatchRows = 150, kRank = 11;
std::vector<float> SomeProduct(Compute compute, const HostMatrix& matrix, bool forward,
                               std::optional<TileChoice> tile, int64_t begin, int64_t end) {
  LinearBench bench(compute);
  const int64_t in = matrix.matrix().cols, out = matrix.matrix().rows, rows = end - begin;
  const auto rows_of = [&](DType dtype, int64_t cols, uint64_t seed) {
    const std::vector<float> all = NormalValues(kBatchRows * cols, seed);
    return bench.From(dtype, {rows, cols}, std::span(all).subspan(begin * cols, rows * cols));
  };
  const WeightId weight = bench.linear().weights().Add(matrix.matrix());
  bench.linear().UseTile(tile);
  const TensorView narrow = rows_of(DType::kF32, kRank, 2);
  bench.context().BeginOp("test");
  TensorView y;
  if (forward) {
    y = bench.Make(bench.half(), {rows, out});
    bench.linear().Forward(
        rows_of(bench.half(), in, 1), weight,
        {.bias = bench.From(DType::kF32, {out}, NormalValues(out, 3)),
         .lora = {{.begin = 0,
                   .end = rows,
                   .z = narrow,
                   .b = bench.From(DType::kF32, {out, kRank}, NormalValues(out * kRank, 4)),
                   .scale = 0.5}},
         .gelu = true,
         .residual = rows_of(DType::kF32, out, 5)},
        y);
  } else {
    y = rows_of(bench.half(), in, 6);
    bench.linear().Backward(
        rows_of(bench.half(), out, 1), weight,
        {.saved_gelu = rows_of(bench.half(), in, 5),
         .lora = {{.begin = 0,
                   .end = rows,
                   .dz = narrow,
                   .a = bench.From(DType::kF32, {kRank, in}, NormalValues(in * kRank, 4)),
                   .scale = 0.5}},
         .accumulate = true},
        y);
  }
  bench.context().EndOp();
  return bench.Read(y);
}

class CudaProduct : public ::testing::TestWithParam<std::tuple<Compute, WeightFormat, bool>> {};

TEST_P(CudaProduct, HasTheSameBytesWithEveryTileAndEveryNumberOfRows) {
  const auto [compute, format, forward] = GetParam();
  for (const auto& [out, in] : {std::pair<int64_t, int64_t>{160, 136}, {75, 90}}) {
    const HostMatrix matrix = MatrixOf(format, out, in);
    const int64_t columns = forward ? out : in;
    const std::vector<float> all =
        SomeProduct(compute, matrix, forward, TileChoice::kLarge, 0, kBatchRows);
    for (const float v : all) ASSERT_TRUE(std::isfinite(v));
    for (const TileChoice tile : {TileChoice::kSmall, TileChoice::kMedium})
      EXPECT_EQ(SomeProduct(compute, matrix, forward, tile, 0, kBatchRows), all);
    for (const auto& [begin, end] :
         {std::pair<int64_t, int64_t>{0, 1}, {149, 150}, {3, 20}, {40, 140}}) {
      const std::vector<float> some =
          SomeProduct(compute, matrix, forward, std::nullopt, begin, end);
      EXPECT_TRUE(std::ranges::equal(
          some, std::span(all).subspan(begin * columns, (end - begin) * columns)))
          << begin << " to " << end;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ops, CudaProduct,
    ::testing::Combine(::testing::ValuesIn(kComputeModes),
                       ::testing::Values(WeightFormat::kPlain, WeightFormat::kLinearRows,
                                         WeightFormat::kLinearBlocks, WeightFormat::kDynamic),
                       ::testing::Bool()),
    [](const ::testing::TestParamInfo<CudaProduct::ParamType>& info) {
      return std::string(NameOf(std::get<0>(info.param))) + "Format" +
             std::to_string(static_cast<int>(std::get<1>(info.param))) +
             (std::get<2>(info.param) ? "Forward" : "Backward");
    });

// A matrix of codes of one magnitude; absmax 127 makes their scale 1.
struct ExtremeCodes {
  ExtremeCodes(int64_t rows, int64_t cols)
      : codes(static_cast<size_t>(rows * cols)), absmax(static_cast<size_t>(rows), 127.0f) {
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = i % 5 == 3 ? -127 : 127;
    matrix = {.name = "codes",
              .rows = rows,
              .cols = cols,
              .scheme = QuantScheme::kLinear,
              .dtype = DType::kI8,
              .block_size = cols,
              .codes = reinterpret_cast<const std::byte*>(codes.data()),
              .absmax = absmax.data()};
  }
  std::vector<int8_t> codes;
  std::vector<float> absmax;
  QuantizedMatrix matrix;
};

TEST(CudaInt8Product, IsExactAtTheLargestCodesAndDepths) {
  constexpr int64_t kDepth = 57344, kRows = 3, kColumns = 9;
  for (const bool forward : {true, false}) {
    const ExtremeCodes weight(forward ? kColumns : kDepth, forward ? kDepth : kColumns);
    LinearBench bench(Compute::kInt8);
    std::vector<float> x(static_cast<size_t>(kRows * kDepth), 1.0f);
    for (size_t i = 0; i < x.size(); i += 7) x[i] = -1.0f;
    const TensorView left = bench.From(DType::kF32, {kRows, kDepth}, x);
    const TensorView y = bench.Make(DType::kF32, {kRows, kColumns});
    const WeightId id = bench.linear().weights().Add(weight.matrix);
    bench.context().BeginOp("test");
    if (forward) {
      bench.linear().Forward(left, id, {}, y);
    } else {
      bench.linear().Backward(left, id, {}, y);
    }
    bench.context().EndOp();
    const std::vector<float> actual = bench.Read(y);
    const float scale = 1.0f / 127.0f;
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t c = 0; c < kColumns; ++c) {
        int64_t sum = 0;
        for (int64_t k = 0; k < kDepth; ++k) {
          const int64_t code =
              forward ? weight.codes[c * kDepth + k] : weight.codes[k * kColumns + c];
          sum += code * (x[r * kDepth + k] > 0 ? 127 : -127);
        }
        EXPECT_EQ(actual[r * kColumns + c], static_cast<float>(sum) * scale);
      }
    }
  }
}

TEST(CudaBF16Product, StaysWithinTheBoundOfItsSums) {
  constexpr int64_t kDepth = 1000, kRows = 20, kColumns = 70;
  const HostMatrix matrix(kColumns, kDepth, QuantScheme::kLinear, HostMatrix::kRow, 3);
  LinearBench bench(Compute::kBF16);
  const TensorView x = bench.From(DType::kBF16, {kRows, kDepth}, NormalValues(kRows * kDepth, 1));
  const TensorView y = bench.Make(DType::kF32, {kRows, kColumns});
  bench.context().BeginOp("test");
  bench.linear().Forward(x, bench.linear().weights().Add(matrix.matrix()), {}, y);
  bench.context().EndOp();
  const std::vector<float> left = bench.Read(x), right = matrix.Decoded(), actual = bench.Read(y);
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kColumns; ++c) {
      double exact = 0, magnitude = 0;
      for (int64_t k = 0; k < kDepth; ++k) {
        const double term = double{left[r * kDepth + k]} * right[c * kDepth + k];
        exact += term;
        magnitude += std::abs(term);
      }
      // tensor cores truncate; two more roundings are those of the scale
      const double bound = (kDepth + 2) * 0x1p-23 * magnitude;
      EXPECT_LE(std::abs(actual[r * kColumns + c] - exact), bound);
    }
  }
}

// More adapters than one launch takes, of ranks from 1 to 64.
TEST(CudaLinear, TakesAnyNumberOfAdapters) {
  constexpr int64_t kAdapters = 60, kIn = 64, kOut = 40;
  for (const Compute compute : kComputeModes) {
    LinearBench bench(compute);
    const HostMatrix matrix(kOut, kIn, QuantScheme::kLinear, HostMatrix::kRow, 3);
    const WeightId weight = bench.linear().weights().Add(matrix.matrix());
    int64_t rows = 1;
    std::vector<LoraSegment> segments;
    for (int64_t i = 0; i < kAdapters; ++i) {
      const int64_t count = i % 4, rank = i == 7 ? 64 : 1 + i % 9;
      if (count > 0) {
        segments.push_back(
            {.begin = rows,
             .end = rows + count,
             .z = bench.From(DType::kF32, {count, rank}, NormalValues(count * rank, 10 + i)),
             .b = bench.From(DType::kF32, {kOut, rank}, NormalValues(kOut * rank, 100 + i)),
             .scale = 0.25});
      }
      rows += count + (i % 5 == 0 ? 1 : 0);
    }
    const TensorView x = bench.From(bench.half(), {rows, kIn}, NormalValues(rows * kIn, 1));
    const TensorView plain = bench.Make(DType::kF32, {rows, kOut});
    const TensorView y = bench.Make(DType::kF32, {rows, kOut});
    bench.context().BeginOp("test");
    bench.linear().Forward(x, weight, {}, plain);
    bench.linear().Forward(x, weight, {.lora = segments}, y);
    bench.context().EndOp();
    std::vector<float> expected = bench.Read(plain);
    for (const LoraSegment& s : segments) {
      const std::vector<float> z = bench.Read(s.z), b = bench.Read(s.b);
      const int64_t rank = s.z.cols();
      for (int64_t row = s.begin; row < s.end; ++row) {
        for (int64_t c = 0; c < kOut; ++c) {
          float& v = expected[row * kOut + c];
          for (int64_t r = 0; r < rank; ++r)
            v = std::fma(z[(row - s.begin) * rank + r] * 0.25f, b[c * rank + r], v);
        }
      }
    }
    EXPECT_EQ(bench.Read(y), expected);
  }
}

TEST(CudaLinear, NaNAndInfinityStayInTheirRows) {
  constexpr int64_t kRows = 40, kBad = 17, kIn = 96, kOut = 72;
  for (const Compute compute : kComputeModes) {
    for (const bool forward : {true, false}) {
      const HostMatrix matrix(kOut, kIn, QuantScheme::kLinear, HostMatrix::kRow, 3);
      const int64_t depth = forward ? kIn : kOut, columns = forward ? kOut : kIn;
      std::vector<float> results[2];
      for (const bool bad : {false, true}) {
        LinearBench bench(compute);
        std::vector<float> values = NormalValues(kRows * depth, 1);
        if (bad) values[kBad * depth + 5] = std::numeric_limits<float>::quiet_NaN();
        if (bad) values[(kBad + 1) * depth] = std::numeric_limits<float>::infinity();
        const TensorView x = bench.From(bench.half(), {kRows, depth}, values);
        const TensorView y = bench.Make(bench.half(), {kRows, columns});
        const WeightId weight = bench.linear().weights().Add(matrix.matrix());
        bench.context().BeginOp("test");
        if (forward) {
          bench.linear().Forward(x, weight, {}, y);
        } else {
          bench.linear().Backward(x, weight, {}, y);
        }
        bench.context().EndOp();
        results[bad ? 1 : 0] = bench.Read(y);
      }
      for (int64_t row = 0; row < kRows; ++row) {
        for (int64_t c = 0; c < columns; ++c) {
          const float v = results[1][row * columns + c];
          if (row == kBad) {
            EXPECT_TRUE(std::isnan(v));
          } else if (row == kBad + 1) {
            EXPECT_FALSE(std::isfinite(v));
          } else {
            EXPECT_EQ(v, results[0][row * columns + c]);
          }
        }
      }
    }
  }
}

TEST(CudaQuantizeRows, GivesTheBytesOfTheCpu) {
  for (const int64_t depth : {1, 64, 90, 1024, 4104}) {
    for (const DType dtype : {DType::kF32, DType::kBF16}) {
      constexpr int64_t kRows = 7;
      LinearBench bench(Compute::kInt8);
      std::vector<float> values = NormalValues(kRows * depth, 5, 3);
      std::fill_n(values.begin() + depth, depth, 0.0f);
      values[2 * depth] = std::numeric_limits<float>::quiet_NaN();
      values[3 * depth + depth / 2] = -std::numeric_limits<float>::infinity();
      for (int64_t i = 4 * depth; i < 5 * depth; ++i) values[i] *= 1e-38f;
      for (int64_t i = 5 * depth; i < 6 * depth; ++i) values[i] *= 1e37f;
      const TensorView x = bench.From(dtype, {kRows, depth}, values);
      const std::vector<float> columns = NormalValues(depth, 6);
      const int64_t pitch = (depth + 63) / 64 * 64;
      for (const bool scaled : {false, true}) {
        const TensorView codes = bench.Make(DType::kI8, {kRows, pitch});
        const TensorView scales = bench.Make(DType::kF32, {kRows});
        cuda::QuantizeRows(bench.context().stream(),
                           {.x = cuda::DeviceFloatsOf(x),
                            .column_scale = scaled ? columns.data() : nullptr,
                            .rows = kRows,
                            .depth = static_cast<int32_t>(depth),
                            .out = reinterpret_cast<unsigned char*>(codes.data),
                            .pitch = pitch},
                           reinterpret_cast<float*>(scales.data));
        bench.context().Synchronize();
        for (int64_t row = 0; row < kRows; ++row) {
          std::vector<int8_t> expected(static_cast<size_t>(pitch), 0);
          const cpu::ConstFloats from = cpu::FloatsOf(x);
          const float scale = cpu::QuantizeInt8Row(
              from.At(row * depth), scaled ? columns.data() : nullptr, depth, expected.data());
          EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                                 reinterpret_cast<const int8_t*>(codes.data) + row * pitch))
              << "row " << row;
          const float actual = reinterpret_cast<const float*>(scales.data)[row];
          EXPECT_TRUE(actual == scale || (std::isnan(actual) && std::isnan(scale)));
        }
      }
    }
  }
}

TEST(CudaDecodeCodes, GivesTheValuesOfDecode) {
  constexpr int64_t kRows = 5;
  for (const int64_t cols : {64, 75}) {
    for (const QuantScheme scheme : {QuantScheme::kLinear, QuantScheme::kDynamic}) {
      for (const int64_t block : {HostMatrix::kRow, int64_t{64}, int64_t{33}}) {
        const HostMatrix host(kRows, cols, scheme, block, 9);
        QuantizedMatrix m = host.matrix();
        // the first block has a scale that f32 cannot divide by 127 without losing bits
        std::vector<float> absmax(m.absmax,
                                  m.absmax + (kRows * cols + m.block_size - 1) / m.block_size);
        absmax[0] = 3e-37f;
        m.absmax = absmax.data();
        LinearBench bench(Compute::kF32);
        const int64_t pitch = (cols + 15) / 16 * 16;
        std::vector<float> expected(static_cast<size_t>(kRows * cols));
        Decode(m, 0, kRows * cols, expected.data());
        for (const DType dtype : {DType::kF32, DType::kBF16}) {
          const TensorView out = bench.Make(dtype, {kRows, pitch});
          cuda::DecodeCodes(bench.context().stream(),
                            {.codes = reinterpret_cast<const unsigned char*>(m.codes),
                             .pitch = cols,
                             .absmax = m.absmax,
                             .map = m.code_map,
                             .rows = kRows,
                             .cols = cols,
                             .block = m.block_size},
                            dtype == DType::kBF16, pitch,
                            reinterpret_cast<unsigned char*>(out.data));
          const std::vector<float> actual = bench.Read(out);
          for (int64_t i = 0; i < kRows * pitch; ++i) {
            const bool inside = i % pitch < cols;
            float value = inside ? expected[i / pitch * cols + i % pitch] : 0.0f;
            if (dtype == DType::kBF16) value = RoundToBF16(value);
            ASSERT_EQ(actual[i], value) << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lacos::testing
