// Products with float panels: every sum is the chain that float_panels.h promises, whatever the shape
// is, however the weight is stored, and in whatever pieces it is packed and multiplied.
#include "lacos/kernels/cpu/linear/float_panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/linear/amx_panels.h"
#include "lacos/tensor/convert.h"
#include "unit/kernels/workbench.h"

namespace lacos::cpu {
namespace {

constexpr PanelElement kF32 = PanelElement::kF32, kBF16 = PanelElement::kBF16;

// Left rows [rows, depth] and a weight of codes, with the values of both as floats. Values in bf16 are
// exact.
struct PanelCase {
  PanelElement element;
  bool amx;
  int64_t rows, columns, depth;
  bool by_columns, codes;

  void Fill() {
    left = testing::NormalValues(rows * depth, 1);
    stride = (by_columns ? depth : columns) + 3;
    stored_rows = by_columns ? columns : depth;
    stored_codes.resize(static_cast<size_t>(stored_rows * stride));
    for (size_t i = 0; i < stored_codes.size(); ++i)
      stored_codes[i] = static_cast<int8_t>(static_cast<int>(i * 89 % 255) - 127);
    stored = testing::NormalValues(stored_rows * stride, 2);
    for (int64_t row = 0; row < stored_rows; ++row)
      scale.push_back(0.01f + 0.001f * static_cast<float>(row % 7));
    if (element == kBF16) {
      scale.clear();
      for (std::vector<float>* values : {&left, &stored}) {
        for (float& value : *values) value = BF16ToFloat(FloatToBF16(value));
      }
    }
  }
  float Left(int64_t row, int64_t k) const { return left[row * depth + k]; }
  float Weight(int64_t k, int64_t column) const {
    const int64_t row = by_columns ? column : k, at = row * stride + (by_columns ? k : column);
    if (!codes) return stored[at];
    return static_cast<float>(stored_codes[at]) * (scale.empty() ? 1.0f : scale[row]);
  }

  std::vector<float> left, stored, scale;
  std::vector<int8_t> stored_codes;
  int64_t stride = 0, stored_rows = 0;
};

void Append(PanelElement element, const float* values, int64_t n, std::byte* out) {
  for (int64_t i = 0; i < n; ++i) {
    if (element == kF32) {
      std::memcpy(out + i * 4, values + i, 4);
    } else {
      const uint16_t bits = FloatToBF16(values[i]);
      std::memcpy(out + i * 2, &bits, 2);
    }
  }
}

// The product in pieces of at most `piece` units, or with MultiplyPanels if piece is 0.
std::vector<float> Multiplied(const PanelCase& c, int64_t piece) {
  const int64_t width = FloatPanelWidth(), units = PanelUnits(c.element, c.depth);
  const int64_t per_unit = c.element == kBF16 ? 2 : 1;
  const int64_t left_stride = FloatPanelStride(c.element, c.depth);
  const int64_t rows = RoundUp(c.rows, c.amx ? kAmxRowGroup : kFloatRowGroup);
  std::vector<std::byte> left(static_cast<size_t>(rows * left_stride));
  for (int64_t r = 0; r < c.rows; ++r)
    Append(c.element, &c.left[r * c.depth], c.depth, left.data() + r * left_stride);
  std::vector<std::byte> stored(c.stored.size() * (c.element == kBF16 ? 2 : 4));
  Append(c.element, c.stored.data(), static_cast<int64_t>(c.stored.size()), stored.data());
  // Nothing is read that was not written.
  std::vector<uint32_t> packed(FloatPanelBytes(c.element, c.columns, c.depth) / 4, 0x7fc07fc0);
  std::vector<float> sums(static_cast<size_t>(rows * c.columns), NAN);
  const int64_t step = piece == 0 ? 128 : piece;
  std::optional<AmxScope> amx;
  if (c.amx) amx.emplace();
  for (int64_t column = 0; column < c.columns; column += width) {
    for (int64_t unit = 0; unit < units; unit += step) {
      const int64_t begin = unit * per_unit;
      const int64_t row = c.by_columns ? column : begin, at = c.by_columns ? begin : column;
      const int64_t first = row * c.stride + at;
      uint32_t* panel = packed.data() + column * units + unit * width;
      PanelSource source{.element = c.element, .by_columns = c.by_columns, .codes = c.codes};
      source.values = c.codes ? reinterpret_cast<const std::byte*>(&c.stored_codes[first])
                              : stored.data() + first * (c.element == kBF16 ? 2 : 4);
      source.stride = c.stride;
      source.scale = c.codes && !c.scale.empty() ? &c.scale[row] : nullptr;
      source.columns = std::min(width, c.columns - column);
      source.depth = std::min(step * per_unit, c.depth - begin);
      PackPanelPiece(source, panel);
      if (piece == 0) continue;
      MultiplyPanel({.element = c.element,
                     .amx = c.amx,
                     .left = left.data() + unit * 4,
                     .left_stride = left_stride,
                     .rows = rows,
                     .panel = panel,
                     .units = std::min(step, units - unit),
                     .first = unit == 0,
                     .sums = sums.data() + column,
                     .sums_stride = c.columns,
                     .columns = source.columns});
    }
  }
  if (piece == 0) {
    MultiplyPanels(c.element, c.amx, left.data(), left_stride, rows,
                   reinterpret_cast<const std::byte*>(packed.data()), c.columns, c.depth,
                   sums.data());
  }
  sums.resize(static_cast<size_t>(c.rows * c.columns));
  return sums;
}

bool SameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The ways in which this CPU multiplies bf16 numbers.
std::vector<bool> BF16Ways() {
  std::vector<bool> amx;
  if (HasFloatPanels(kBF16)) amx.push_back(false);
  if (FloatPanelWidth() == kAmxPanelColumns && HasAmx()) amx.push_back(true);
  return amx;
}

template <class F>
void ForCases(PanelElement element, bool amx, F&& f) {
  for (const int64_t depth : {1, 2, 15, 16, 17, 33, 129, 300, 1027, 2100}) {
    for (const int64_t columns : {1, 15, 16, 33, 70}) {
      for (const int64_t rows : {1, 13, 24, 70}) {
        for (const int way : {0, 1, 2, 3}) {
          PanelCase c{element, amx, rows, columns, depth, way % 2 == 0, way / 2 == 0};
          c.Fill();
          SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(columns) + " columns, " +
                       std::to_string(depth) + " deep, way " + std::to_string(way));
          f(c);
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

TEST(FloatPanels, AnF32SumIsOneChainOfFusedMultiplyAdds) {
  const bool fused = std::string(HighwayTarget()) != "SCALAR";
  ForCases(kF32, false, [&](const PanelCase& c) {
    std::vector<float> expected;
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t n = 0; n < c.columns; ++n) {
        float sum = 0;
        for (int64_t k = 0; k < c.depth; ++k) {
          const float a = c.Left(r, k), w = c.Weight(k, n);
          sum = fused ? std::fma(a, w, sum) : sum + a * w;
        }
        expected.push_back(sum);
      }
    }
    EXPECT_TRUE(SameBytes(Multiplied(c, 0), expected));
    EXPECT_TRUE(SameBytes(Multiplied(c, 128), expected)) << "in pieces";
  });
}

// An instruction rounds a sum at most 1.5 times for each product. Denormal numbers, which it takes for
// zeros, do not occur.
TEST(FloatPanels, ABF16SumIsThatOfTheProductsOfItsPairs) {
  if (BF16Ways().empty()) GTEST_SKIP() << "this CPU has no bf16 products";
  const auto check = [](const PanelCase& c) {
    const std::vector<float> sums = Multiplied(c, 0);
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t n = 0; n < c.columns; ++n) {
        double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < c.depth; ++k) {
          const double product = double{c.Left(r, k)} * c.Weight(k, n);
          sum += product;
          magnitude += std::abs(product);
        }
        const double bound = 1.5 * static_cast<double>(c.depth) * 0x1p-24 * magnitude * 1.01;
        ASSERT_NEAR(sums[r * c.columns + n], sum, bound) << "row " << r << " column " << n;
      }
    }
  };
  for (const bool amx : BF16Ways()) ForCases(kBF16, amx, check);
}

// Products and sums of small integers are exact, so any mistake in the pairs shows as an integer.
TEST(FloatPanels, BF16SumsOfIntegersAreExact) {
  if (BF16Ways().empty()) GTEST_SKIP() << "this CPU has no bf16 products";
  const auto check = [](PanelCase c) {
    if (!c.codes) return;
    for (size_t i = 0; i < c.left.size(); ++i)
      c.left[i] = static_cast<float>(static_cast<int>(i * 31 % 17) - 8);
    const std::vector<float> sums = Multiplied(c, 0);
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t n = 0; n < c.columns; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < c.depth; ++k) sum += double{c.Left(r, k)} * c.Weight(k, n);
        ASSERT_EQ(sums[r * c.columns + n], sum) << "row " << r << " column " << n;
      }
    }
  };
  for (const bool amx : BF16Ways()) ForCases(kBF16, amx, check);
}

TEST(FloatPanels, PiecesAndOtherRowsDoNotChangeAByte) {
  const auto check = [](const PanelCase& c) {
    const std::vector<float> whole = Multiplied(c, 0);
    for (const int64_t piece : {16, 48, 128})
      EXPECT_TRUE(SameBytes(Multiplied(c, piece), whole)) << "pieces of " << piece;
    PanelCase alone = c;
    alone.rows = 1;
    alone.left.resize(static_cast<size_t>(c.depth));
    EXPECT_TRUE(SameBytes(Multiplied(alone, 128), {whole.begin(), whole.begin() + c.columns}))
        << "a row alone";
  };
  ForCases(kF32, false, check);
  for (const bool amx : BF16Ways()) ForCases(kBF16, amx, check);
}

}  // namespace
}  // namespace lacos::cpu
