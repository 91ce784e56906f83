#include "unit/kernels/invariance_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace lacos::testing {
namespace {

constexpr int64_t kRows = 210;  // more than two 96-row tiles

// Rows [begin, end) of a fixed [kRows, cols] matrix.
TensorView Slice(Workbench& wb, Role role, int64_t cols, uint64_t seed, int64_t begin,
                 int64_t end) {
  const std::vector<float> all = NormalValues(kRows * cols, seed);
  return wb.From(role, {end - begin, cols},
                 std::span(all).subspan(begin * cols, (end - begin) * cols));
}

// Rows of several adapters in one product. Segments begin and end inside tiles and at their bounds,
// and some rows are in none.
constexpr int64_t kIn = 100, kOut = 300;
struct TestSegment {
  int64_t begin, end, rank;
};
constexpr TestSegment kSegments[] = {{0, 40, 8}, {40, 96, 3}, {100, 101, 8}, {130, 200, 1}};

// Calls f(first row, last row + 1, rank, seed) for the part of each segment in rows [begin, end).
template <class F>
void ForSegments(int64_t begin, int64_t end, const F& f) {
  for (const auto& [from, to, rank] : kSegments) {
    const int64_t first = std::max(from, begin), last = std::min(to, end);
    if (first < last) f(first, last, rank, static_cast<uint64_t>(10 + from));
  }
}

TensorView SegmentProduct(Workbench& wb, int64_t begin, int64_t end) {
  const TensorView y = wb.Make(Role::kActivation, {end - begin, kOut});
  Epilogue epilogue{.bias = wb.Normal(Role::kParameter, {kOut}, 1), .gelu = true};
  ForSegments(begin, end, [&](int64_t first, int64_t last, int64_t rank, uint64_t seed) {
    epilogue.lora.push_back({.begin = first - begin,
                             .end = last - begin,
                             .z = Slice(wb, Role::kStatistic, rank, seed, first, last),
                             .b = wb.Normal(Role::kParameter, {kOut, rank}, seed + 1),
                             .scale = 0.5});
  });
  wb.backend().Linear(Slice(wb, Role::kActivation, kIn, 4, begin, end),
                      AddTestWeight(wb, kOut, kIn, WeightFormat::kLinearRows), epilogue, y);
  return y;
}

TensorView SegmentProductBackward(Workbench& wb, int64_t begin, int64_t end) {
  const TensorView dx = Slice(wb, Role::kGradient, kIn, 5, begin, end);
  BackwardEpilogue epilogue{.saved_gelu = Slice(wb, Role::kActivation, kIn, 1, begin, end),
                            .accumulate = true};
  ForSegments(begin, end, [&](int64_t first, int64_t last, int64_t rank, uint64_t seed) {
    epilogue.lora.push_back({.begin = first - begin,
                             .end = last - begin,
                             .dz = Slice(wb, Role::kStatistic, rank, seed, first, last),
                             .a = wb.Normal(Role::kParameter, {rank, kIn}, seed + 1),
                             .scale = 0.5});
  });
  wb.backend().LinearBackward(Slice(wb, Role::kGradient, kOut, 4, begin, end),
                              AddTestWeight(wb, kOut, kIn, WeightFormat::kLinearRows), epilogue,
                              dx);
  return dx;
}

}  // namespace

std::vector<RowCase> RowCases() {
  std::vector<RowCase> cases;
  for (const WeightFormat format :
       {WeightFormat::kPlain, WeightFormat::kLinearRows, WeightFormat::kLinearBlocks}) {
    const std::string suffix = std::to_string(static_cast<int>(format));
    for (const int64_t in : {64, 100, 1024}) {
      const int64_t out = in == 1024 ? 96 : 200;
      cases.push_back({"Linear" + std::to_string(in) + "Format" + suffix,
                       [=](Workbench& wb, int64_t b, int64_t e) {
                         const TensorView y = wb.Make(Role::kActivation, {e - b, out});
                         const Epilogue epilogue{
                             .bias = wb.Normal(Role::kParameter, {out}, 1),
                             .lora = {{.begin = 0,
                                       .end = e - b,
                                       .z = Slice(wb, Role::kStatistic, 8, 2, b, e),
                                       .b = wb.Normal(Role::kParameter, {out, 8}, 3)}},
                             .gelu = true};
                         wb.backend().Linear(Slice(wb, Role::kActivation, in, 4, b, e),
                                             AddTestWeight(wb, out, in, format), epilogue, y);
                         return y;
                       }});
      cases.push_back({"LinearBackward" + std::to_string(in) + "Format" + suffix,
                       [=](Workbench& wb, int64_t b, int64_t e) {
                         const TensorView dx = wb.Make(Role::kGradient, {e - b, in});
                         const BackwardEpilogue epilogue{
                             .saved_gelu = Slice(wb, Role::kActivation, in, 1, b, e),
                             .lora = {{.begin = 0,
                                       .end = e - b,
                                       .dz = Slice(wb, Role::kStatistic, 8, 2, b, e),
                                       .a = wb.Normal(Role::kParameter, {8, in}, 3)}}};
                         wb.backend().LinearBackward(Slice(wb, Role::kGradient, out, 4, b, e),
                                                     AddTestWeight(wb, out, in, format), epilogue,
                                                     dx);
                         return dx;
                       }});
    }
  }
  for (const bool tb : {false, true}) {
    for (const int64_t k : {8, 300, 1024}) {
      for (const int64_t n : {8, 1024}) {
        cases.push_back({"MatMulK" + std::to_string(k) + "N" + std::to_string(n) + (tb ? "T" : "N"),
                         [=](Workbench& wb, int64_t b, int64_t e) {
                           const TensorView y = Slice(wb, Role::kStatistic, n, 1, b, e);
                           const TensorView other =
                               wb.Normal(Role::kParameter, tb ? Shape{n, k} : Shape{k, n}, 2);
                           wb.backend().MatMul(Slice(wb, Role::kActivation, k, 3, b, e),
                                               Transpose::kNo, other, TransposeIf(tb), 2, 1, y);
                           return y;
                         }});
      }
    }
  }
  cases.push_back({"LayerNorm", [](Workbench& wb, int64_t b, int64_t e) {
                     const TensorView y = wb.Make(Role::kActivation, {e - b, 75});
                     wb.backend().LayerNorm(Slice(wb, Role::kResidual, 75, 1, b, e),
                                            wb.Normal(Role::kParameter, {75}, 2),
                                            wb.Normal(Role::kParameter, {75}, 3), 1e-5, {}, {}, y);
                     return y;
                   }});
  cases.push_back({"L2Normalize", [](Workbench& wb, int64_t b, int64_t e) {
                     const TensorView y = wb.Make(Role::kStatistic, {e - b, 75});
                     wb.backend().L2Normalize(Slice(wb, Role::kStatistic, 75, 1, b, e), {}, y);
                     return y;
                   }});
  cases.push_back({"Gelu", [](Workbench& wb, int64_t b, int64_t e) {
                     const TensorView y = wb.Make(Role::kActivation, {e - b, 75});
                     wb.backend().Gelu(Slice(wb, Role::kActivation, 75, 1, b, e), y);
                     return y;
                   }});
  return cases;
}

void ExpectRowsAloneAreEqual(Workbench& wb, const RowCase& c) {
  const TensorView batch = c.run(wb, 0, kRows);
  const std::vector<std::byte> all = wb.Bytes(batch);
  const size_t row_bytes = all.size() / kRows;
  const std::pair<int64_t, int64_t> slices[] = {
      {0, 1}, {100, 101}, {kRows - 1, kRows}, {95, 98}, {3, 150}};
  for (const auto& [begin, end] : slices) {
    const std::vector<std::byte> part = wb.Bytes(c.run(wb, begin, end));
    ASSERT_EQ(part.size(), row_bytes * (end - begin));
    EXPECT_TRUE(
        std::equal(part.begin(), part.end(), all.begin() + static_cast<int64_t>(row_bytes) * begin))
        << "rows " << begin << " to " << end;
  }
}

void ExpectSegmentsAreEqual(Workbench& wb) {
  for (const auto& product : {SegmentProduct, SegmentProductBackward}) {
    const std::vector<std::byte> all = wb.Bytes(product(wb, 0, kRows));
    const size_t row_bytes = all.size() / kRows;
    const std::pair<int64_t, int64_t> parts[] = {{0, 40},    {40, 96},   {96, 100},   {100, 101},
                                                 {101, 130}, {130, 200}, {200, kRows}};
    for (const auto& [begin, end] : parts) {
      const std::vector<std::byte> part = wb.Bytes(product(wb, begin, end));
      ASSERT_EQ(part.size(), row_bytes * (end - begin));
      EXPECT_TRUE(std::equal(part.begin(), part.end(),
                             all.begin() + static_cast<int64_t>(row_bytes) * begin))
          << "rows " << begin << " to " << end;
    }
  }
}

void ExpectTextsAloneAreEqual(Workbench& wb) {
  const int heads = 3;
  const int64_t dim = 20, width = heads * dim;
  const std::vector<int32_t> offsets = {0, 70, 71, 71, 135, 150};
  const int64_t tokens = offsets.back();
  const std::vector<float> qkv = NormalValues(tokens * 3 * width, 1),
                           dy = NormalValues(tokens * width, 2);
  std::vector<int64_t> keys(tokens);
  for (int64_t t = 0; t < tokens; ++t)
    keys[t] = static_cast<int64_t>(Mix64(7, static_cast<uint64_t>(t)));
  // Returns the outputs (attention, its gradient, pooled vectors) of texts [first, last) as bytes.
  const auto run = [&](size_t first, size_t last) {
    const int64_t begin = offsets[first], rows = offsets[last] - begin;
    std::vector<int32_t> local;
    for (size_t n = first; n <= last; ++n) local.push_back(offsets[n] - offsets[first]);
    const TextLayout at = wb.Layout(local);
    const TensorView x = wb.From(Role::kActivation, {rows, 3 * width},
                                 std::span(qkv).subspan(begin * 3 * width, rows * 3 * width));
    const TensorView g =
        wb.From(Role::kGradient, {rows, width}, std::span(dy).subspan(begin * width, rows * width));
    const TensorView h =
        wb.From(Role::kResidual, {rows, width}, std::span(dy).subspan(begin * width, rows * width));
    const TensorView token_keys = wb.Make(DType::kI64, {rows});
    wb.backend().Upload(std::as_bytes(std::span<const int64_t>(keys).subspan(begin, rows)),
                        token_keys);
    const DropoutSpec dropout{.token_keys = token_keys, .site = 4, .rate = 0.25};
    const TensorView y = wb.Make(Role::kActivation, {rows, width});
    const TensorView dqkv = wb.Make(Role::kGradient, {rows, 3 * width});
    const TensorView pooled =
        wb.Make(Role::kStatistic, {static_cast<int64_t>(last - first), width});
    wb.backend().AlibiAttention(x, at, heads, dropout, y);
    wb.backend().AlibiAttentionBackward(x, at, heads, dropout, g, dqkv);
    wb.backend().Pool(h, at, Pooling::kWeightedMean, {}, pooled);
    return std::vector<std::vector<std::byte>>{wb.Bytes(y), wb.Bytes(dqkv), wb.Bytes(pooled)};
  };
  const auto together = run(0, offsets.size() - 1);
  for (size_t n = 0; n + 1 < offsets.size(); ++n) {
    if (offsets[n] == offsets[n + 1]) continue;
    const auto alone = run(n, n + 1);
    for (size_t k = 0; k < alone.size(); ++k) {
      const size_t rows = k == 2 ? offsets.size() - 1 : static_cast<size_t>(tokens);
      const size_t at = together[k].size() / rows * (k == 2 ? n : static_cast<size_t>(offsets[n]));
      EXPECT_EQ(std::memcmp(alone[k].data(), together[k].data() + at, alone[k].size()), 0)
          << "text " << n << " output " << k;
    }
  }
}

}  // namespace lacos::testing
