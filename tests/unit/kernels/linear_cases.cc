// Calls of the products with frozen weights, and the bounds of their errors: those of f32 arithmetic,
// of values rounded to bf16, and of 8-bit integers.
#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <tuple>

#include "unit/kernels/error_bounds.h"
#include "unit/kernels/op_cases.h"

namespace lacos::testing {
namespace {

// The relative error that the terms of a frozen product have beyond f32 arithmetic. bf16 mode
// rounds weights that are not row-wise codes, and in the backward direction it rounds dy after
// multiplication with the row scales.
double TermError(Compute compute, WeightFormat format, bool backward) {
  if (compute != Compute::kBF16) return 0;
  double error = format == WeightFormat::kLinearRows ? 0 : kBF16Roundoff;
  if (backward) error += 2 * kBF16Roundoff;
  return error;
}

// The largest change that 8-bit rounding of both sides can make in the sums of left [rows, depth]
// times right [depth, columns], to first and second order. On the left a value changes by half a
// step of the row's scale. On the right it changes by `right_step` [depth, columns], half a step of
// each scale, if the weight is encoded anew; `right_step` is empty if the stored codes are used.
std::vector<double> Int8Bounds(const std::vector<double>& left, const std::vector<double>& right,
                               const std::vector<double>& right_step, int64_t depth) {
  const auto rows = static_cast<int64_t>(left.size()) / depth,
             columns = static_cast<int64_t>(right.size()) / depth;
  std::vector<double> bounds(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r) {
    double most = 0;
    for (int64_t k = 0; k < depth; ++k) most = std::max(most, std::abs(left[r * depth + k]));
    const double step = most / 254 * (1 + 8 * kEps);
    for (int64_t c = 0; c < columns; ++c) {
      double& bound = bounds[r * columns + c];
      for (int64_t k = 0; k < depth; ++k) {
        bound += step * std::abs(right[k * columns + c]);
        if (!right_step.empty())
          bound += (std::abs(left[r * depth + k]) + step) * right_step[k * columns + c];
      }
    }
  }
  return bounds;
}

// The weight [out, in] as an integer product uses it: values in units of the scales of their rows,
// and these scales.
struct UnitWeight {
  std::vector<double> units;  // [out, in]
  std::vector<double> scale;  // [out]
};
UnitWeight InUnits(const std::vector<float>& weight, int64_t out, int64_t in) {
  UnitWeight w;
  for (int64_t o = 0; o < out; ++o) {
    double most = 0;
    for (int64_t i = 0; i < in; ++i) most = std::max(most, std::abs(double{weight[o * in + i]}));
    w.scale.push_back(most / 127);
    for (int64_t i = 0; i < in; ++i) w.units.push_back(weight[o * in + i] / w.scale.back());
  }
  return w;
}

constexpr double kGeluSlope = 1.13;  // the largest slope of GELU

// The bounds for y = x W^T, times the slope of the function that follows.
std::vector<double> Int8ForwardBounds(Workbench& wb, View x, int64_t out, WeightFormat format,
                                      double slope) {
  const int64_t in = x.cols();
  const UnitWeight w = InUnits(TestWeightValues(out, in, format), out, in);
  std::vector<double> right(static_cast<size_t>(in * out)), step;
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) right[i * out + o] = w.units[o * in + i] * w.scale[o] * slope;
  }
  if (format != WeightFormat::kLinearRows) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t o = 0; o < out; ++o) step.push_back(w.scale[o] / 2 * (1 + 8 * kEps) * slope);
    }
  }
  return Int8Bounds(wb.Read(x), right, step, in);
}

// The bounds for dx = dy W, where the scales of the rows are multiplied into the left side.
std::vector<double> Int8BackwardBounds(Workbench& wb, View dy, int64_t in, WeightFormat format,
                                       double slope) {
  const int64_t out = dy.cols();
  UnitWeight w = InUnits(TestWeightValues(out, in, format), out, in);
  std::vector<double> left = wb.Read(dy), step;
  for (size_t i = 0; i < left.size(); ++i) left[i] *= w.scale[i % out];
  for (double& unit : w.units) unit *= slope;
  if (format != WeightFormat::kLinearRows)
    step.assign(w.units.size(), 0.5 * (1 + 8 * kEps) * slope);
  return Int8Bounds(left, w.units, step, out);
}

struct LinearShape {
  int64_t tokens, in, out;
};
constexpr LinearShape kLinearShapes[] = {{1, 64, 192},  {5, 48, 33},     {6, 35, 37},
                                         {97, 100, 36}, {200, 256, 128}, {3, 600, 40}};
constexpr int64_t kRank = 4;

std::string ShapeName(const LinearShape& s) {
  return std::to_string(s.tokens) + "x" + std::to_string(s.in) + "x" + std::to_string(s.out);
}

const char* FormatName(WeightFormat format) {
  switch (format) {
    case WeightFormat::kPlain:
      return "Plain";
    case WeightFormat::kLinearRows:
      return "Rows";
    case WeightFormat::kLinearBlocks:
      return "Blocks";
    case WeightFormat::kDynamic:
      return "Dynamic";
  }
  return "";
}

// The rows of a product that have a low-rank update.
enum class Updates : uint8_t { kNone, kAllRows, kSegments };

std::string NameOf(Updates updates) {
  return updates == Updates::kNone ? "" : updates == Updates::kAllRows ? "Lora" : "LoraSegments";
}

// With segments, two adapters have adjacent rows, and rows of neither lie before and after them.
struct UpdatedRows {
  int64_t begin = 0, end = 0, rank = 0;
};
std::vector<UpdatedRows> RowsOf(Updates updates, int64_t tokens, int64_t rank) {
  if (updates == Updates::kNone) return {};
  if (updates == Updates::kAllRows) return {{0, tokens, rank}};
  std::vector<UpdatedRows> rows = {{tokens / 5, tokens / 2, rank},
                                   {tokens / 2, tokens / 2 + tokens / 4, 1}};
  std::erase_if(rows, [](const UpdatedRows& r) { return r.begin == r.end; });
  return rows;
}

std::string NameOfRank(int64_t rank) { return rank == kRank ? "" : std::to_string(rank); }

OpCase LinearCase(LinearShape s, WeightFormat format, Updates lora, bool gelu, bool residual,
                  int64_t rank = kRank) {
  std::string name = "Linear" + ShapeName(s) + FormatName(format) + NameOf(lora) + NameOfRank(rank);
  if (gelu) name += "Gelu";
  if (residual) name += "Residual";
  return {name, [=](Workbench& wb, Compute compute) {
            const TensorView x = wb.Normal(Role::kActivation, {s.tokens, s.in}, 1);
            Epilogue e{.bias = wb.Normal(Role::kParameter, {s.out}, 2)};
            for (const auto& [begin, end, width] : RowsOf(lora, s.tokens, rank)) {
              e.lora.push_back({.begin = begin,
                                .end = end,
                                .z = wb.Normal(Role::kStatistic, {end - begin, width}, 3),
                                .b = wb.Normal(Role::kParameter, {s.out, width}, 4),
                                .scale = 2});
            }
            e.gelu = gelu;
            if (gelu) e.saved_gelu = wb.Make(Role::kActivation, {s.tokens, s.out});
            if (residual) e.residual = wb.Normal(Role::kResidual, {s.tokens, s.out}, 5);
            const TensorView y =
                wb.Make(residual ? Role::kResidual : Role::kActivation, {s.tokens, s.out});
            wb.backend().Linear(x, AddTestWeight(wb, s.out, s.in, format), e, y);
            const double product =
                (static_cast<double>(s.in + rank) + 8) * kEps + TermError(compute, format, false);
            // The slope of gelu is at most 1.13, and gelu(z) >= z / 2 for z >= 0. So errors of u,
            // including its rounding to the activation type, are at most 2.3 times as large
            // relative to gelu of the magnitude.
            const double rounding = Epsilon(wb.types().activation);
            const double factor = gelu ? 2.3 * (product + rounding) + 8 * kEps : product;
            std::vector<OpOutput> outputs = {{y, Epsilon(y.dtype), 0, factor}};
            if (gelu) outputs.push_back({e.saved_gelu, rounding, 0, product});
            if (compute == Compute::kInt8) {
              // Rounding to bf16 may move both u and y to the next number: twice as far.
              const double widen = 1 + Epsilon(DType::kBF16);
              outputs[0].bounds =
                  Int8ForwardBounds(wb, x, s.out, format, widen * (gelu ? kGeluSlope : 1));
              if (gelu) outputs[1].bounds = Int8ForwardBounds(wb, x, s.out, format, widen);
            }
            return outputs;
          }};
}

OpCase LinearBackwardCase(LinearShape s, WeightFormat format, Updates lora, bool gelu,
                          bool accumulate, int64_t rank = kRank) {
  std::string name =
      "LinearBackward" + ShapeName(s) + FormatName(format) + NameOf(lora) + NameOfRank(rank);
  if (gelu) name += "Gelu";
  if (accumulate) name += "Accumulate";
  return {name, [=](Workbench& wb, Compute compute) {
            const TensorView dy = wb.Normal(Role::kGradient, {s.tokens, s.out}, 1);
            BackwardEpilogue e{.accumulate = accumulate};
            for (const auto& [begin, end, width] : RowsOf(lora, s.tokens, rank)) {
              e.lora.push_back({.begin = begin,
                                .end = end,
                                .dz = wb.Normal(Role::kStatistic, {end - begin, width}, 3),
                                .a = wb.Normal(Role::kParameter, {width, s.in}, 4),
                                .scale = 2});
            }
            // Above 0.5, gelu' of the magnitudes is at least as large as gelu' of the values.
            if (gelu)
              e.saved_gelu = wb.From(Role::kActivation, {s.tokens, s.in},
                                     std::vector<float>(s.tokens * s.in, 0.75f));
            const TensorView dx = accumulate ? wb.Normal(Role::kGradient, {s.tokens, s.in}, 6)
                                             : wb.Make(Role::kGradient, {s.tokens, s.in});
            wb.backend().LinearBackward(dy, AddTestWeight(wb, s.out, s.in, format), e, dx);
            const double factor =
                (static_cast<double>(s.out + rank) + 16) * kEps + TermError(compute, format, true);
            std::vector<OpOutput> outputs = {{dx, Epsilon(dx.dtype), 0, factor}};
            if (compute == Compute::kInt8)
              outputs[0].bounds = Int8BackwardBounds(wb, dy, s.in, format, gelu ? kGeluSlope : 1);
            return outputs;
          }};
}

}  // namespace

namespace {

const HostMatrix& TestWeight(int64_t out, int64_t in, WeightFormat format) {
  static std::map<std::tuple<int64_t, int64_t, WeightFormat>, std::unique_ptr<HostMatrix>> matrices;
  std::unique_ptr<HostMatrix>& matrix = matrices[{out, in, format}];
  if (matrix == nullptr) {
    const QuantScheme scheme = format == WeightFormat::kPlain     ? QuantScheme::kNone
                               : format == WeightFormat::kDynamic ? QuantScheme::kDynamic
                                                                  : QuantScheme::kLinear;
    const int64_t block_size = format == WeightFormat::kLinearRows ? HostMatrix::kRow : 64;
    matrix = std::make_unique<HostMatrix>(out, in, scheme, block_size, 21);
  }
  return *matrix;
}

}  // namespace

std::vector<float> TestWeightValues(int64_t out, int64_t in, WeightFormat format) {
  return TestWeight(out, in, format).Decoded();
}

WeightId AddTestWeight(Workbench& wb, int64_t out, int64_t in, WeightFormat format) {
  static std::deque<std::vector<float>> magnitudes;
  const HostMatrix& matrix = TestWeight(out, in, format);
  if (!wb.UsesAbsoluteInputs()) return wb.backend().AddWeight(matrix.matrix());
  magnitudes.push_back(matrix.Decoded(true));
  return wb.backend().AddWeight(
      {.name = "magnitudes",
       .rows = out,
       .cols = in,
       .codes = reinterpret_cast<const std::byte*>(magnitudes.back().data())});
}

std::vector<OpCase> LinearCases() {
  std::vector<OpCase> cases;
  for (const LinearShape& s : kLinearShapes) {
    for (const WeightFormat format : {WeightFormat::kPlain, WeightFormat::kLinearRows,
                                      WeightFormat::kLinearBlocks, WeightFormat::kDynamic}) {
      cases.push_back(LinearCase(s, format, Updates::kNone, false, false));
      cases.push_back(LinearBackwardCase(s, format, Updates::kNone, false, false));
    }
    for (const bool fused : {false, true}) {
      cases.push_back(LinearCase(s, WeightFormat::kLinearRows, Updates::kSegments, fused, fused));
      cases.push_back(
          LinearBackwardCase(s, WeightFormat::kLinearRows, Updates::kSegments, fused, fused));
    }
    for (int bits = 1; bits < 8; ++bits) {
      const Updates lora = (bits & 1) != 0 ? Updates::kAllRows : Updates::kNone;
      const bool gelu = (bits & 2) != 0, last = (bits & 4) != 0;
      cases.push_back(LinearCase(s, WeightFormat::kLinearRows, lora, gelu, last));
      cases.push_back(LinearBackwardCase(s, WeightFormat::kLinearRows, lora, gelu, last));
    }
  }
  for (const int64_t rank : {1, 2, 3, 8, 16, 33, 64}) {
    constexpr LinearShape kShape = {7, 72, 80};
    cases.push_back(
        LinearCase(kShape, WeightFormat::kLinearRows, Updates::kAllRows, false, false, rank));
    cases.push_back(LinearBackwardCase(kShape, WeightFormat::kLinearRows, Updates::kAllRows, false,
                                       false, rank));
  }
  return cases;
}

}  // namespace lacos::testing
