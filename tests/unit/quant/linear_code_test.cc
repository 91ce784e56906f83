// Linear 8-bit blocks: the rounding in docs/reference/folders.md, its corner cases, and decoding
// from unaligned memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lacos/base/checked_math.h"
#include "lacos/base/rng.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

struct Encoded {
  std::vector<int8_t> codes;
  std::vector<float> absmax;
};

Encoded Encode(const std::vector<float>& values, int64_t block_size) {
  Encoded e;
  e.codes.resize(values.size());
  e.absmax.resize(static_cast<size_t>(CeilDivide(static_cast<int64_t>(values.size()), block_size)));
  EncodeLinear(values, block_size, e.codes.data(), e.absmax.data());
  return e;
}

QuantizedMatrix View(const Encoded& e, int64_t rows, int64_t cols, int64_t block_size) {
  return {.name = "w",
          .rows = rows,
          .cols = cols,
          .scheme = QuantScheme::kLinear,
          .dtype = DType::kI8,
          .block_size = block_size,
          .codes = reinterpret_cast<const std::byte*>(e.codes.data()),
          .absmax = e.absmax.data()};
}

std::vector<float> Normals(size_t n, double scale = 1) {
  Random random(7, RandomStream::kWeights);
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(scale * random.Normal());
  return values;
}

TEST(LinearCode, RoundsTheFloatProductHalfToEven) {
  // With absmax 127 the scale is exactly 1, so the products equal the values.
  const Encoded e =
      Encode({127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, 125.5f, 0.4999f}, 64);
  EXPECT_EQ(e.codes, (std::vector<int8_t>{127, 0, 2, 2, 0, -2, -2, 126, 126, 0}));
  EXPECT_EQ(e.absmax, std::vector<float>{127});
}

TEST(LinearCode, EqualsRintOfEachFloatProduct) {
  const std::vector<float> values = Normals(5000, 0.02);
  const Encoded e = Encode(values, 64);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t block = i / 64;
    float absmax = 0;
    for (size_t j = block * 64; j < std::min(values.size(), block * 64 + 64); ++j) {
      absmax = std::max(absmax, std::abs(values[j]));
    }
    ASSERT_EQ(e.absmax[block], absmax);
    const float product = values[i] * (127.0f / absmax);
    ASSERT_EQ(e.codes[i], static_cast<int8_t>(std::nearbyint(product)));
  }
}

TEST(LinearCode, ABlockOfZerosHasScaleZeroAndCodesZero) {
  const Encoded e = Encode(std::vector<float>(100, -0.0f), 64);
  EXPECT_EQ(e.absmax, (std::vector<float>{0, 0}));
  EXPECT_EQ(e.codes, std::vector<int8_t>(100, 0));
  std::vector<float> decoded(100, 1);
  Decode(View(e, 1, 100, 64), 0, 100, decoded.data());
  EXPECT_EQ(decoded, std::vector<float>(100, 0));
}

// The decoded value is within half a step, plus the roundings of scale, product and decoding, which
// are 4 eps of absmax.
class LinearCodeAtScale : public testing::TestWithParam<float> {};
TEST_P(LinearCodeAtScale, DecodesWithinHalfAStep) {
  const float absmax = GetParam();
  std::vector<float> values;
  for (int i = -40; i <= 40; ++i)
    values.push_back(static_cast<float>(static_cast<double>(absmax) * i / 40.0));
  const Encoded e = Encode(values, 4096);
  EXPECT_EQ(e.codes.front(), -127);
  EXPECT_EQ(e.codes.back(), 127);
  std::vector<float> decoded(values.size());
  Decode(View(e, 1, static_cast<int64_t>(values.size()), 4096), 0,
         static_cast<int64_t>(values.size()), decoded.data());
  const double smallest = std::numeric_limits<float>::denorm_min();
  const double tolerance =
      absmax * (0.5 / 127 + 4 * std::numeric_limits<float>::epsilon()) + smallest / 2;
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(decoded[i], values[i], tolerance) << i;
}
INSTANTIATE_TEST_SUITE_P(FromDenormalsToTheLargest, LinearCodeAtScale,
                         testing::Values(1.4e-45f, 1e-44f, 1e-40f, 1.2e-38f, 3.7e-37f, 3.8e-37f,
                                         1e-30f, 2e-30f, 1e-8f, 1.0f, 127.0f, 1e30f, 3e38f));

TEST(LinearCode, NonFiniteValuesGiveDefinedCodes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Encoded with_nan = Encode({nan, 1, -2, -nan}, 64);
  EXPECT_EQ(with_nan.absmax, std::vector<float>{2});
  EXPECT_EQ(with_nan.codes, (std::vector<int8_t>{0, 64, -127, 0}));
  const Encoded with_inf = Encode({inf, 1, -inf}, 64);
  EXPECT_EQ(with_inf.absmax, std::vector<float>{inf});
  EXPECT_EQ(with_inf.codes, (std::vector<int8_t>{0, 0, 0}));
}

TEST(LinearCode, DecodesFromUnalignedMemoryAndAnyRange) {
  const int64_t rows = 3;
  const int64_t cols = 50;
  for (const int64_t block_size : {int64_t{64}, cols}) {
    const Encoded e = Encode(Normals(rows * cols), block_size);
    std::vector<float> whole(rows * cols);
    Decode(View(e, rows, cols, block_size), 0, rows * cols, whole.data());

    std::vector<std::byte> file(1 + e.codes.size() + 4 * e.absmax.size() + 3);
    std::memcpy(file.data() + 1, e.codes.data(), e.codes.size());
    std::memcpy(file.data() + 1 + e.codes.size(), e.absmax.data(), 4 * e.absmax.size());
    QuantizedMatrix matrix = View(e, rows, cols, block_size);
    matrix.codes = file.data() + 1;
    matrix.absmax = reinterpret_cast<const float*>(file.data() + 1 + e.codes.size());
    for (int64_t begin = 0; begin < rows * cols; begin += 7) {
      const int64_t count = std::min<int64_t>(71, rows * cols - begin);
      std::vector<float> part(count);
      Decode(matrix, begin, count, part.data());
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + begin)) << begin;
    }
  }
}

TEST(PlainMatrix, DecodesEveryFloatingType) {
  const std::vector<float> values = {1.5f, -2.0f, 0.25f, 1024.0f};
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
    std::vector<std::byte> bytes(1 + values.size() * SizeOf(dtype));
    ASSERT_TRUE(EncodeFromFloat(dtype, values.data(), values.size(), bytes.data() + 1));
    const QuantizedMatrix matrix{
        .name = "w", .rows = 2, .cols = 2, .dtype = dtype, .codes = bytes.data() + 1};
    std::vector<float> decoded(3);
    Decode(matrix, 1, 3, decoded.data());
    EXPECT_EQ(decoded, (std::vector<float>{-2.0f, 0.25f, 1024.0f})) << Name(dtype);
  }
}

}  // namespace
}  // namespace lacos
