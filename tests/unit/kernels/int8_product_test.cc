// The integer product against 64-bit integer arithmetic, and the quantization of rows.
#include "lacos/kernels/cpu/int8/int8_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/cpu/int8/int8_panels.h"
#include "lacos/kernels/cpu/int8/int8_quads.h"
#include "lacos/kernels/cpu/int8/int8_stored.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"
#include "lacos/kernels/cpu/linear/frozen_linear.h"
#include "lacos/kernels/cpu/workspace.h"
#include "unit/kernels/workbench.h"

namespace lacos::cpu {
namespace {

struct ProductCase {
  int64_t columns, depth;
  bool forward;  // whether the weight is stored by columns of the product
  // value of every weight, and of every row up to its sign; 0 = all values from -128 to 127
  int extreme;
};
void PrintTo(const ProductCase& c, std::ostream* out) {
  *out << c.columns << " columns, depth " << c.depth << (c.forward ? ", forward" : ", backward")
       << ", codes " << c.extreme;
}

class Int8ProductExact : public ::testing::TestWithParam<ProductCase> {};

TEST_P(Int8ProductExact, EqualsIntegerArithmetic) {
  const ProductCase c = GetParam();
  const int64_t rows = (c.depth < 3000 ? 5 : 1) * kInt8RowGroup, stride = Int8LeftStride(c.depth);
  Random random(7, RandomStream::kWeights, 1);
  const auto code = [&] {
    return c.extreme != 0 ? c.extreme : static_cast<int>(random.Next32() % 256) - 128;
  };
  std::vector<int16_t> left(static_cast<size_t>(rows * stride));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < c.depth; ++k)
      left[r * stride + k] = static_cast<int16_t>(std::min(127, r % 2 == 0 ? code() : -code()));
  }
  std::vector<int8_t> weight(static_cast<size_t>(c.columns * c.depth));
  for (int8_t& w : weight) w = static_cast<int8_t>(code());
  std::vector<float> scale;
  for (int64_t r = 0; r < rows; ++r) scale.push_back(std::ldexp(1.0f, static_cast<int>(r % 5) - 2));
  const std::vector<float> unset(static_cast<size_t>(rows * c.columns),
                                 std::numeric_limits<float>::quiet_NaN());
  std::vector<float> sums[2] = {unset, unset}, unpacked[2] = {unset, unset};
  for (const Int8Multiply multiply : {Int8Multiply::kEach, Int8Multiply::kHalved}) {
    const auto way = static_cast<size_t>(multiply);
    // The old contents do not matter.
    std::vector<int8_t> packed(Int8PackedBytes(c.columns, c.depth), 77);
    if (c.forward) {
      PackInt8Rows(weight.data(), c.depth, c.columns, c.depth, packed.data(), multiply);
    } else {
      PackInt8Columns(weight.data(), c.columns, c.columns, c.depth, packed.data(), multiply);
    }
    const auto operand = [&](Int8Weight layout, std::vector<int32_t>& surplus) {
      for (int64_t r = 0; r < rows; ++r)
        surplus.push_back(Int8RowSurplus(layout, left.data() + r * stride, c.depth, multiply));
      return Int8Rows{left.data(), scale.data(), surplus.data(), rows};
    };
    std::vector<int32_t> of_packed, of_stored;
    Int8Product(operand(Int8Weight::kPacked, of_packed), packed.data(), c.columns, c.depth,
                sums[way].data(), multiply);
    if (c.forward) {
      Int8DotProduct(operand(Int8Weight::kStored, of_stored), weight.data(), c.depth, c.columns,
                     c.depth, unpacked[way].data(), multiply);
    }
  }
  // Only CPUs with the instructions can run this comparison.
  const bool quads = c.forward && HasInt8Quads();
  std::vector<float> by_quads = unset;
  if (quads) {
    const int64_t quad_stride = Int8QuadStride(c.depth);
    std::vector<uint8_t> shifted(static_cast<size_t>(rows * quad_stride),
                                 77);  // the bytes after the codes do not matter
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < c.depth; ++k)
        shifted[r * quad_stride + k] = static_cast<uint8_t>(left[r * stride + k] + 128);
    }
    Int8QuadProduct(shifted.data(), scale.data(), rows, weight.data(), c.depth, c.columns, c.depth,
                    by_quads.data());
  }
  const bool panels = HasInt8Panels();
  const bool amx = panels && Int8PanelWidth() == kAmxPanelColumns && HasAmx();
  std::vector<float> by_panels = unset, by_amx = unset;
  if (panels) {
    const int64_t narrow_stride = Int8QuadStride(c.depth);
    const int64_t amx_rows = RoundUp(rows, kAmxRowGroup);
    std::vector<int8_t> narrow(static_cast<size_t>(amx_rows * narrow_stride));
    std::vector<int32_t> surplus;
    for (int64_t r = 0; r < rows; ++r) {
      int8_t* const row = narrow.data() + r * narrow_stride;
      std::transform(left.data() + r * stride, left.data() + r * stride + c.depth, row,
                     [](int16_t value) { return static_cast<int8_t>(value); });
      surplus.push_back(Int8PanelSurplus(row, c.depth));
    }
    std::vector<uint8_t> packed(Int8PanelBytes(c.columns, c.depth), 77);
    if (c.forward) {
      PackInt8RowPanels(weight.data(), c.depth, c.columns, c.depth, packed.data());
    } else {
      PackInt8ColumnPanels(weight.data(), c.columns, c.columns, c.depth, packed.data());
    }
    Int8PanelProduct({narrow.data(), narrow_stride, scale.data(), surplus.data(), rows},
                     packed.data(), c.columns, c.depth, false, by_panels.data());
    if (amx) {
      std::vector<float> amx_scale = scale;
      amx_scale.resize(static_cast<size_t>(amx_rows));
      surplus.resize(static_cast<size_t>(amx_rows));
      by_amx.resize(static_cast<size_t>(amx_rows * c.columns));
      const AmxScope scope;
      Int8PanelProduct({narrow.data(), narrow_stride, amx_scale.data(), surplus.data(), amx_rows},
                       packed.data(), c.columns, c.depth, true, by_amx.data());
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < c.columns; ++n) {
      int64_t sum = 0;
      for (int64_t k = 0; k < c.depth; ++k)
        sum +=
            int64_t{left[r * stride + k]} * weight[c.forward ? n * c.depth + k : k * c.columns + n];
      for (const size_t way : {0, 1}) {
        ASSERT_EQ(sums[way][r * c.columns + n], static_cast<float>(sum) * scale[r])
            << "row " << r << " column " << n << " way " << way;
        if (c.forward) {
          ASSERT_EQ(unpacked[way][r * c.columns + n], static_cast<float>(sum) * scale[r])
              << "unpacked, row " << r << " column " << n << " way " << way;
        }
      }
      if (quads) {
        ASSERT_EQ(by_quads[r * c.columns + n], static_cast<float>(sum) * scale[r])
            << "quads, row " << r << " column " << n;
      }
      if (panels) {
        ASSERT_EQ(by_panels[r * c.columns + n], static_cast<float>(sum) * scale[r])
            << "panels, row " << r << " column " << n;
      }
      if (amx) {
        ASSERT_EQ(by_amx[r * c.columns + n], static_cast<float>(sum) * scale[r])
            << "AMX, row " << r << " column " << n;
      }
    }
  }
}

std::vector<ProductCase> ProductCases() {
  std::vector<ProductCase> cases;
  for (const bool forward : {true, false}) {
    for (const int64_t depth : {1, 2, 17, 64, 511, 512, 513, 1027, 2048, 2600}) {
      for (const int64_t columns : {1, 8, 15, 16, 33, 256})
        cases.push_back({columns, depth, forward, 0});
    }
    // The largest codes, all of one sign, over a great depth. The sums do not reach 2^31.
    cases.push_back({16, 4096, forward, 127});
    cases.push_back({16, kInt8MaxDepth, forward, 127});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Shapes, Int8ProductExact, ::testing::ValuesIn(ProductCases()));

TEST(QuantizeInt8Row, RoundsToTheNearestStepOfTheLargest) {
  for (const int64_t n : {1, 7, 8, 31, 1024}) {
    const std::vector<float> x = lacos::testing::NormalValues(n, 3, 5),
                             factor = lacos::testing::NormalValues(n, 4);
    for (const bool scaled : {false, true}) {
      std::vector<int16_t> codes(static_cast<size_t>(PairedDepth(n)), 99);
      const float scale =
          QuantizeInt8Row(FloatsOf(x.data()), scaled ? factor.data() : nullptr, n, codes.data());
      double most = 0;
      int largest = 0;
      for (int64_t i = 0; i < n; ++i) {
        const double value = double{x[i]} * (scaled ? factor[i] : 1.0f);
        most = std::max(most, std::abs(value));
        largest = std::max(largest, std::abs(int{codes[i]}));
        EXPECT_LE(std::abs(codes[i] * double{scale} - value), scale * (0.5 + 127 * 0x1p-21)) << i;
      }
      EXPECT_FLOAT_EQ(scale, static_cast<float>(most / 127));
      EXPECT_EQ(largest, 127);
      EXPECT_TRUE(n % 2 == 0 || codes.back() == 0);
    }
  }
}

TEST(QuantizeInt8QuadRow, HasTheCodesOfTheOthersPlus128) {
  for (const int64_t n : {1, 63, 64, 65, 1000}) {
    const std::vector<float> x = lacos::testing::NormalValues(n, 3, 5);
    std::vector<int8_t> codes(static_cast<size_t>(n));
    std::vector<uint8_t> shifted(static_cast<size_t>(Int8QuadStride(n)) + 1, 99);
    EXPECT_EQ(QuantizeInt8QuadRow(FloatsOf(x.data()), n, shifted.data()),
              QuantizeInt8Row(FloatsOf(x.data()), nullptr, n, codes.data()));
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(int{shifted[i]}, codes[i] + 128) << i;
    EXPECT_EQ(shifted.back(), 99) << "nothing is written behind its stride";
  }
}

TEST(QuantizeInt8Row, ARowThatIsNotFiniteMakesItsProductsNaN) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (const size_t place : {0u, 10u}) {
      std::vector<float> x(11, 1.0f);
      x[place] = bad;
      std::vector<int16_t> codes(12, 99);
      EXPECT_TRUE(std::isnan(QuantizeInt8Row(FloatsOf(x.data()), nullptr, 11, codes.data())));
      EXPECT_EQ(codes, std::vector<int16_t>(12, 0));
    }
  }
}

TEST(QuantizeInt8Row, ZerosAndTheSmallestNumbersGiveZeros) {
  for (const float value : {0.0f, -0.0f, 1e-44f, -1e-38f}) {
    const std::vector<float> x(9, value);
    std::vector<int16_t> codes(10, 99);
    EXPECT_EQ(QuantizeInt8Row(FloatsOf(x.data()), nullptr, 9, codes.data()), 0.0f);
    EXPECT_EQ(codes, std::vector<int16_t>(10, 0));
  }
}

TEST(FrozenLinearInt8, AllInstructionsGiveTheSameBytes) {
  using Choice = FrozenLinear::Int8Choice;
  const int64_t out = 300, in = 1001;
  Random random(9, RandomStream::kWeights, 2);
  std::vector<int8_t> codes(static_cast<size_t>(out * in));
  for (int8_t& code : codes)
    code = static_cast<int8_t>(static_cast<int>(random.Next32() % 255) - 127);
  std::vector<float> absmax(static_cast<size_t>(out));
  for (float& value : absmax) value = 0.5f + static_cast<float>(random.Uniform());
  const QuantizedMatrix matrix{.name = "test",
                               .rows = out,
                               .cols = in,
                               .scheme = QuantScheme::kLinear,
                               .dtype = DType::kI8,
                               .block_size = in,
                               .codes = reinterpret_cast<const std::byte*>(codes.data()),
                               .absmax = absmax.data()};
  for (const int64_t rows : {1, 13, 24, 30, 400}) {
    std::vector<float> x = lacos::testing::NormalValues(rows * in, 1),
                       dy = lacos::testing::NormalValues(rows * out, 2);
    std::vector<float> results[3];
    for (const Choice choice : {Choice::kBest, Choice::kWithoutAmx, Choice::kPacked}) {
      Workspace work;
      FrozenLinear linear(Compute::kInt8, work, choice);
      const WeightId id = linear.weights().Add(matrix);
      std::vector<float>& result = results[static_cast<size_t>(choice)];
      result.resize(static_cast<size_t>(rows * (out + in)));
      const auto view = [](float* data, int64_t r, int64_t c) {
        return TensorView{
            .data = reinterpret_cast<std::byte*>(data), .dtype = DType::kF32, .shape = {r, c}};
      };
      linear.Forward(view(x.data(), rows, in), id, {}, view(result.data(), rows, out));
      linear.Backward(view(dy.data(), rows, out), id, {},
                      view(result.data() + rows * out, rows, in));
    }
    EXPECT_EQ(results[0], results[1]) << rows << " rows, without AMX";
    EXPECT_EQ(results[0], results[2]) << rows << " rows, packed";
  }
}

}  // namespace
}  // namespace lacos::cpu
