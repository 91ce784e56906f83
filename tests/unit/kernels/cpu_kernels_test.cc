// Properties of the CPU backend alone: tile edges of every row count, long and odd
// attention, values that are not finite, exact bf16 products on codes, lazy memory, one
// read for each embedding row.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <string>

#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/base/process.h"
#include "lacos/kernels/make_backend.h"
#include "unit/kernels/workbench.h"

namespace lacos::testing {
namespace {

constexpr double kEpsF32 = 0x1p-24;  // half the spacing at 1: the rounding error of one operation

class CpuKernels : public ::testing::TestWithParam<Compute> {
 protected:
  std::unique_ptr<Backend> Cpu() const { return MakeCpuBackend({GetParam()}); }
};
INSTANTIATE_TEST_SUITE_P(Computes, CpuKernels,
                         ::testing::Values(Compute::kF32, Compute::kBF16, Compute::kInt8),
                         [](const auto& info) {
                           return info.param == Compute::kF32    ? "F32"
                                  : info.param == Compute::kBF16 ? "BF16"
                                                                 : "Int8";
                         });

// Restores the number of threads at the end of a test.
class Threads {
 public:
  explicit Threads(int count) : before_(ThreadCount()) { SetThreadCount(count); }
  ~Threads() { SetThreadCount(before_); }

 private:
  int before_;
};

// --- products with frozen weights

// The numbers of rows lie on both sides of whole tiles (192 rows on AVX2, 256 on AVX-512)
// and of the granularity of the last tile. Depth 1024 gives decoded weights a padded
// stride; 520 and 1001 do not.
TEST_P(CpuKernels, ALinearRowHasTheSameBytesInABatchOfAnySize) {
  constexpr int64_t kRows = 530;
  for (const int64_t depth : {520, 1001, 1024}) {
    for (const QuantScheme scheme : {QuantScheme::kNone, QuantScheme::kLinear}) {
      for (const Orientation orientation : {Orientation::kForward, Orientation::kBackward}) {
        const bool forward = orientation == Orientation::kForward;
        const HostMatrix weight(forward ? 300 : depth, forward ? depth : 300, scheme,
                                HostMatrix::kRow, 1);
        const std::vector<float> values = NormalValues(kRows * depth, 2);
        Workbench wb(Cpu());
        const WeightId id = wb.backend().AddWeight(weight.matrix());
        const TensorView x =
            wb.From(forward ? Role::kActivation : Role::kGradient, {kRows, depth}, values);
        const TensorView y = wb.Make(Role::kGradient, {kRows, 300});
        const auto run = [&](int64_t begin, int64_t end) {
          wb.backend().Fill(y, 0);
          if (forward) {
            wb.backend().Linear(x.Rows(begin, end), id, {}, y.Rows(begin, end));
          } else {
            wb.backend().LinearBackward(x.Rows(begin, end), id, {}, y.Rows(begin, end));
          }
          return wb.Bytes(y.Rows(begin, end));
        };
        const std::vector<std::byte> all = run(0, kRows);
        for (const int64_t count : {1, 12, 13, 96, 191, 193, 257, 400}) {
          for (const int64_t begin : {1, 130}) {
            const std::vector<std::byte> some = run(begin, begin + count);
            EXPECT_EQ(0, std::memcmp(some.data(), all.data() + begin * 300 * 4, some.size()))
                << depth << " deep, " << count << " rows from " << begin;
          }
        }
      }
    }
  }
}

// The widths of BLOOM's models and four times these widths, where oneDNN's kernels split their sums
// and depend on the number of rows; and more columns than a tile has.
TEST_P(CpuKernels, ALinearRowHasTheSameBytesInABatchOfAnySizeInModelsThatUsersHave) {
  constexpr int64_t kRows = 264, kColumns = 300;
  for (const int64_t depth : {1536, 2048, 2560, 4096, 5120, 14336}) {
    for (const Orientation orientation : {Orientation::kForward, Orientation::kBackward}) {
      const bool forward = orientation == Orientation::kForward;
      const HostMatrix weight(forward ? kColumns : depth, forward ? depth : kColumns,
                              QuantScheme::kLinear, HostMatrix::kRow, 1);
      Workbench wb(Cpu());
      const WeightId id = wb.backend().AddWeight(weight.matrix());
      const TensorView x = wb.From(forward ? Role::kActivation : Role::kGradient, {kRows, depth},
                                   NormalValues(kRows * depth, 2));
      const TensorView y = wb.Make(Role::kGradient, {kRows, kColumns});
      const auto run = [&](int64_t begin, int64_t end) {
        wb.backend().Fill(y, 0);
        if (forward) {
          wb.backend().Linear(x.Rows(begin, end), id, {}, y.Rows(begin, end));
        } else {
          wb.backend().LinearBackward(x.Rows(begin, end), id, {}, y.Rows(begin, end));
        }
        return wb.Bytes(y.Rows(begin, end));
      };
      const std::vector<std::byte> all = run(0, kRows);
      for (const int64_t count : {1, 12, 30, 100, 200, 257}) {
        const int64_t begin = 5;
        const std::vector<std::byte> some = run(begin, begin + count);
        EXPECT_EQ(0, std::memcmp(some.data(), all.data() + begin * kColumns * 4, some.size()))
            << depth << " deep, " << count << " rows, " << (forward ? "forward" : "backward");
      }
    }
  }
}

// With integer inputs and power-of-two scales every product and sum is exact in f32, so the result
// must be exact too, both with codes in one piece (few rows) and with a decoded matrix (many rows).
TEST_P(CpuKernels, ProductsOfRowWiseCodesAreExactForIntegerInputs) {
  constexpr int64_t kOut = 70, kIn = 90;
  std::vector<int8_t> codes(kOut * kIn);
  std::vector<float> absmax(kOut);
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127);
  for (size_t o = 0; o < absmax.size(); ++o) absmax[o] = 127.0f * (o % 3 == 0 ? 0.25f : 2.0f);
  QuantizedMatrix m{.name = "codes",
                    .rows = kOut,
                    .cols = kIn,
                    .scheme = QuantScheme::kLinear,
                    .dtype = DType::kI8};
  m.block_size = kIn;
  m.codes = reinterpret_cast<const std::byte*>(codes.data());
  m.absmax = absmax.data();
  for (const int64_t tokens : {3, 300}) {
    Workbench wb(Cpu());
    const WeightId id = wb.backend().AddWeight(m);
    std::vector<float> inputs(static_cast<size_t>(tokens * std::max(kIn, kOut)));
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs[i] = static_cast<float>(static_cast<int>(i * 7 % 19) - 9);
    for (int64_t t = 0; t < tokens; ++t) inputs[t * kIn] = 127;  // makes the step of an 8-bit row 1
    const auto first = [&](int64_t n) { return std::span(inputs).first(static_cast<size_t>(n)); };
    const TensorView x = wb.From(Role::kActivation, {tokens, kIn}, first(tokens * kIn));
    const TensorView dy = wb.From(Role::kGradient, {tokens, kOut}, first(tokens * kOut));
    const TensorView y = wb.Make(Role::kResidual, {tokens, kOut}),
                     dx = wb.Make(Role::kGradient, {tokens, kIn});
    wb.backend().Linear(x, id, {}, y);
    wb.backend().LinearBackward(dy, id, {}, dx);
    const std::vector<double> forward = wb.Read(y), backward = wb.Read(dx);
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t o = 0; o < kOut; ++o) {
        double sum = 0;
        for (int64_t i = 0; i < kIn; ++i)
          sum += inputs[t * kIn + i] * codes[o * kIn + i] * (absmax[o] / 127.0);
        ASSERT_EQ(forward[t * kOut + o], sum);
      }
      // dy times the scales of W has steps other than 1
      if (GetParam() == Compute::kInt8) continue;
      for (int64_t i = 0; i < kIn; ++i) {
        double sum = 0;
        for (int64_t o = 0; o < kOut; ++o)
          sum += inputs[t * kOut + o] * codes[o * kIn + i] * (absmax[o] / 127.0);
        ASSERT_EQ(backward[t * kIn + i], sum);
      }
    }
  }
}

TEST_P(CpuKernels, CodesMayHaveAnyAlignment) {
  const HostMatrix weight(40, 64, QuantScheme::kLinear, 64, 5);
  QuantizedMatrix moved = weight.matrix();
  std::vector<std::byte> storage(40 * 64 + 1);
  std::memcpy(storage.data() + 1, moved.codes, 40 * 64);
  moved.codes = storage.data() + 1;
  Workbench wb(Cpu());
  const TensorView x = wb.Normal(Role::kActivation, {9, 64}, 6);
  const TensorView a = wb.Make(Role::kResidual, {9, 40}), b = wb.Make(Role::kResidual, {9, 40});
  wb.backend().Linear(x, wb.backend().AddWeight(weight.matrix()), {}, a);
  wb.backend().Linear(x, wb.backend().AddWeight(moved), {}, b);
  EXPECT_EQ(wb.Bytes(a), wb.Bytes(b));
}

// --- attention

// Values are of order one. A probability has some (K + length) roundings of scores of size s, and
// an output averages values of size up to m.
TEST_P(CpuKernels, AttentionEqualsTheReferenceForLongTextsAndOddHeads) {
  struct Case {
    int64_t dim;
    int heads;
    std::vector<int32_t> offsets;
    double dropout;
  };
  const std::vector<Case> cases = {{8, 3, {0, 1, 1, 48, 97, 240}, 0}, {24, 2, {0, 49, 144}, 0.3},
                                   {80, 2, {0, 75, 76}, 0},           {96, 1, {0, 500}, 0},
                                   {128, 2, {0, 6, 103}, 0.1},        {20, 1, {0, 2049}, 0}};
  for (const Case& c : cases) {
    const int64_t tokens = c.offsets.back(), width = c.heads * c.dim;
    Workbench cpu(Cpu()), reference(MakeReferenceBackend(DType::kF64), cpu.types());
    std::vector<double> y[2], dqkv[2];
    for (Workbench* wb : {&cpu, &reference}) {
      const TensorView qkv = wb->Normal(Role::kActivation, {tokens, 3 * width}, 1);
      const TensorView dy = wb->Normal(Role::kGradient, {tokens, width}, 2);
      // f32, to see the kernel's own error
      const TensorView out = wb->Make(Role::kGradient, {tokens, width});
      const TensorView gradient = wb->Make(Role::kGradient, {tokens, 3 * width});
      DropoutSpec dropout;
      if (c.dropout > 0) dropout = {wb->Keys(tokens, 3), 5, c.dropout};
      const TextLayout layout = wb->Layout(c.offsets);
      wb->backend().AlibiAttention(qkv, layout, c.heads, dropout, out);
      wb->backend().AlibiAttentionBackward(qkv, layout, c.heads, dropout, dy, gradient);
      y[wb == &reference] = wb->Read(out);
      dqkv[wb == &reference] = wb->Read(gradient);
    }
    // Scores are up to 8 (|q||k| / sqrt K) and add the rounding of the bias, summed over K terms.
    // Their error changes all probabilities by at most the same factor. The softmax sum and p v add
    // one rounding for each key in the worst case, but the signs are random, so the bound uses the
    // root of the longest text's length.
    int64_t longest = 0;
    for (size_t n = 0; n + 1 < c.offsets.size(); ++n) {
      longest = std::max<int64_t>(longest, c.offsets[n + 1] - c.offsets[n]);
    }
    const double roundings = 8 * std::sqrt(static_cast<double>(c.dim)) +
                             4 * std::sqrt(static_cast<double>(longest)) + 16;
    for (const auto& [computed, exact] : {std::pair(&y[0], &y[1]), std::pair(&dqkv[0], &dqkv[1])}) {
      double worst = 0;
      for (size_t i = 0; i < exact->size(); ++i)
        worst = std::max(worst, std::abs((*computed)[i] - (*exact)[i]));
      EXPECT_LT(worst, roundings * kEpsF32 * MaxAbs(*exact))
          << "K = " << c.dim << ", " << longest << " tokens";
    }
  }
}

TEST_P(CpuKernels, AttentionPassesOnWhatIsNotFiniteAndOnlyToLaterTokens) {
  constexpr int64_t kTokens = 20, kDim = 24, kHeads = 2, kWidth = kHeads * kDim;
  Workbench wb(Cpu());
  const TextLayout layout = wb.Layout({0, kTokens});
  const TensorView y = wb.Make(Role::kActivation, {kTokens, kWidth});
  const std::vector<float> clean = NormalValues(kTokens * 3 * kWidth, 4);
  const auto run = [&](const std::vector<float>& values) {
    wb.backend().AlibiAttention(wb.From(Role::kActivation, {kTokens, 3 * kWidth}, values), layout,
                                kHeads, {}, y);
    return wb.Read(y);
  };
  const std::vector<double> expected = run(clean);
  for (const int64_t token : {0, 7, 19}) {
    for (int64_t column = 0; column < 3 * kWidth; column += 11) {
      std::vector<float> values = clean;
      values[token * 3 * kWidth + column] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<double> got = run(values);
      const int64_t head = column / (3 * kDim), part = column / kDim % 3;
      // A NaN in q or k spoils the whole row of the head; in v it spoils only its own channel.
      const int64_t spoiled = token * kWidth + head * kDim + (part == 2 ? column % kDim : 0);
      EXPECT_TRUE(std::isnan(got[spoiled])) << "token " << token << ", column " << column;
      for (int64_t i = 0; i < token * kWidth; ++i)
        ASSERT_EQ(got[i], expected[i]) << "an earlier token changed";
    }
  }
}

// --- conversion, memory, embedding

TEST(CpuBackend, RoundsToBF16LikeTheScalarConversionForTiesAndSpecialValues) {
  Workbench wb(MakeCpuBackend({Compute::kBF16}));
  std::vector<float> values;
  for (uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const uint32_t lower : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  values.pop_back();  // an odd number, so that the tail of the vector loop runs too
  const auto n = static_cast<int64_t>(values.size());
  const TensorView x = wb.Make(DType::kF32, {n}), y = wb.Make(DType::kBF16, {n});
  wb.backend().Upload(std::as_bytes(std::span<const float>(values)), x);
  wb.backend().Copy(x, y);
  std::vector<uint16_t> got(values.size());
  wb.backend().Download(y, std::as_writable_bytes(std::span(got)));
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(got[i], FloatToBF16(values[i])) << i;
}

TEST(CpuBackend, UntouchedMemoryIsNotResident) {
  const auto backend = MakeCpuBackend({Compute::kF32});
  const int64_t before = ReadMemoryUse().rss_bytes;
  const Buffer buffer = backend->Allocate(size_t{1} << 30);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
  EXPECT_LT(ReadMemoryUse().rss_bytes - before, int64_t{16} << 20);
  EXPECT_EQ(buffer.data()[buffer.size() - 1], std::byte{0});
}

// A table whose value in row r and column c is r + 1000 c. It counts the reads.
class CountingTable : public EmbeddingSource {
 public:
  int64_t rows() const override { return 100; }
  int64_t cols() const override { return 7; }
  void ReadRow(int64_t row, std::span<float> out) const override {
    ++reads;
    if (row == 99) throw UserError("[table] row 99 is damaged");
    for (size_t c = 0; c < out.size(); ++c)
      out[c] = static_cast<float>(row) + 1000.0f * static_cast<float>(c);
  }
  mutable std::atomic<int> reads = 0;
};

TEST(CpuBackend, EmbedReadsEachDistinctRowOnceAndPassesErrorsOn) {
  Workbench wb(MakeCpuBackend({Compute::kF32}));
  const CountingTable table;
  const TableId id = wb.backend().AddTable(table);
  std::vector<int32_t> ids;
  for (int i = 0; i < 500; ++i) ids.push_back(i * 31 % 37);
  const TensorView y = wb.Make(Role::kResidual, {500, 7});
  wb.backend().Embed(id, wb.Ids(ids), y);
  EXPECT_EQ(table.reads, 37);
  const std::vector<double> values = wb.Read(y);
  for (int64_t i = 0; i < 500; ++i) {
    for (int64_t c = 0; c < 7; ++c)
      ASSERT_EQ(values[i * 7 + c], ids[i] + 1000.0 * static_cast<double>(c));
  }
  ids[250] = 99;
  EXPECT_THROW(wb.backend().Embed(id, wb.Ids(ids), y), UserError);
}

}  // namespace
}  // namespace lacos::testing
