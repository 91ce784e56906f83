// The list of gradient cases. Sizes are small, because complex step runs each forward pass once for
// each input element.
#include "unit/kernels/gradient_cases.h"

#include <deque>
#include <utility>

namespace lacos::testing {
namespace {

TensorView Of(std::initializer_list<int64_t> shape) {
  return {.data = nullptr, .shape = Shape(shape)};
}
TensorView New(Workbench& wb, const Shape& shape) { return wb.Make(Role::kStatistic, shape); }
TensorView Like(Workbench& wb, const TensorView& x) { return New(wb, x.shape); }
TensorView CopyOf(Workbench& wb, const TensorView& x) {
  const TensorView y = Like(wb, x);
  wb.backend().Copy(x, y);
  return y;
}

// Two uneven leaves, so that sums over leaves are tested too.
TokenLeaves Leaves(int64_t rows) { return {.begin = {0, rows / 3, rows}}; }

// The sums over tokens: of x, of x times y, and of alpha x^T y.
TensorView SumOf(Workbench& wb, const TensorView& x, const Shape& shape) {
  const GradientSum sum = wb.MakeSum(shape);
  wb.backend().TokenSum(x, Leaves(x.rows()), sum);
  return wb.Gradient(sum);
}
TensorView DotSumOf(Workbench& wb, const TensorView& x, const TensorView& y, const Shape& shape) {
  const GradientSum sum = wb.MakeSum(shape);
  wb.backend().TokenDotSum(x, y, Leaves(x.rows()), sum);
  return wb.Gradient(sum);
}
TensorView OuterOf(Workbench& wb, const TensorView& x, const TensorView& y, double alpha) {
  const GradientSum sum = wb.MakeSum({x.cols(), y.cols()});
  wb.backend().TokenOuter(x, y, Leaves(x.rows()), alpha, sum);
  return wb.Gradient(sum);
}

WeightId AddTestWeight(Workbench& wb, int64_t out, int64_t in) {
  static std::deque<HostMatrix> matrices;
  matrices.emplace_back(out, in, QuantScheme::kLinear, HostMatrix::kRow, 11);
  return wb.backend().AddWeight(matrices.back().matrix());
}

constexpr int64_t kTokens = 5, kIn = 7, kOut = 6, kRank = 3;
constexpr double kLoraScale = 1.7;

struct LinearOptions {
  bool bias, lora, gelu, residual;
};

GradientCase LinearCase(LinearOptions o) {
  std::string name = "Linear";
  if (o.bias) name += "Bias";
  if (o.lora) name += "Lora";
  if (o.gelu) name += "Gelu";
  if (o.residual) name += "Residual";
  const auto epilogue = [o](const Tensors& x) {
    Epilogue e;
    if (o.bias) e.bias = x[1];
    if (o.lora) e.lora = {{.begin = 0, .end = kTokens, .z = x[2], .b = x[3], .scale = kLoraScale}};
    e.gelu = o.gelu;
    if (o.residual) e.residual = x[4];
    return e;
  };
  return {.name = name,
          .inputs = {Of({kTokens, kIn}), Of({kOut}), Of({kTokens, kRank}), Of({kOut, kRank}),
                     Of({kTokens, kOut})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {kTokens, kOut});
                wb.backend().Linear(x[0], AddTestWeight(wb, kOut, kIn), epilogue(x), y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                Backend& b = wb.backend();
                const WeightId weight = AddTestWeight(wb, kOut, kIn);
                Tensors dx;
                for (const TensorView& input : x) dx.push_back(Like(wb, input));
                TensorView du = dy;
                if (o.gelu) {
                  Epilogue e = epilogue(x);
                  e.saved_gelu = New(wb, {kTokens, kOut});
                  b.Linear(x[0], weight, e, New(wb, {kTokens, kOut}));
                  du = New(wb, {kTokens, kOut});
                  b.GeluBackward(dy, e.saved_gelu, du);
                }
                b.LinearBackward(du, weight, {}, dx[0]);
                if (o.bias) dx[1] = SumOf(wb, du, x[1].shape);
                if (o.lora) {
                  b.MatMul(du, Transpose::kNo, x[3], Transpose::kNo, kLoraScale, 0, dx[2]);
                  dx[3] = OuterOf(wb, du, x[2], kLoraScale);
                }
                if (o.residual) b.Copy(dy, dx[4]);
                return dx;
              }};
}

// y = h W^T + s (h A^T) B^T [+ u Q^T] with h = u or gelu(u), which uses everything in
// BackwardEpilogue. The inputs are u, A, B, Q.
GradientCase LinearBackwardCase(bool lora, bool gelu, bool accumulate) {
  const auto hidden = [gelu](Workbench& wb, const TensorView& u) {
    if (!gelu) return u;
    const TensorView h = Like(wb, u);
    wb.backend().Gelu(u, h);
    return h;
  };
  return {.name = std::string("LinearBackward") + (lora ? "Lora" : "") + (gelu ? "Gelu" : "") +
                  (accumulate ? "Accumulate" : ""),
          .inputs = {Of({kTokens, kIn}), Of({kRank, kIn}), Of({kOut, kRank}), Of({kOut, kIn})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView h = hidden(wb, x[0]);
                Epilogue e;
                if (lora) {
                  const TensorView z = New(wb, {kTokens, kRank});
                  e.lora = {{.begin = 0, .end = kTokens, .z = z, .b = x[2], .scale = kLoraScale}};
                  wb.backend().MatMul(h, Transpose::kNo, x[1], Transpose::kYes, 1, 0, z);
                }
                const TensorView y = New(wb, {kTokens, kOut});
                wb.backend().Linear(h, AddTestWeight(wb, kOut, kIn), e, y);
                if (accumulate)
                  wb.backend().MatMul(x[0], Transpose::kNo, x[3], Transpose::kYes, 1, 1, y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                Backend& b = wb.backend();
                Tensors dx;
                for (const TensorView& input : x) dx.push_back(Like(wb, input));
                const TensorView h = hidden(wb, x[0]);
                BackwardEpilogue e{.accumulate = accumulate};
                if (gelu) e.saved_gelu = x[0];
                if (lora) {
                  const TensorView dz = New(wb, {kTokens, kRank});
                  e.lora = {{.begin = 0, .end = kTokens, .dz = dz, .a = x[1], .scale = kLoraScale}};
                  b.MatMul(dy, Transpose::kNo, x[2], Transpose::kNo, 1, 0, dz);
                  dx[1] = OuterOf(wb, dz, h, kLoraScale);
                  const TensorView z = New(wb, {kTokens, kRank});
                  b.MatMul(h, Transpose::kNo, x[1], Transpose::kYes, 1, 0, z);
                  dx[2] = OuterOf(wb, dy, z, kLoraScale);
                }
                if (accumulate) {
                  b.MatMul(dy, Transpose::kNo, x[3], Transpose::kNo, 1, 0, dx[0]);
                  dx[3] = OuterOf(wb, dy, x[0], 1);
                }
                b.LinearBackward(dy, AddTestWeight(wb, kOut, kIn), e, dx[0]);
                return dx;
              }};
}

GradientCase MatMulCase(bool ta, bool tb) {
  return {.name = std::string("MatMul") + (ta ? "T" : "N") + (tb ? "T" : "N"),
          .inputs = {ta ? Of({4, 3}) : Of({3, 4}), tb ? Of({5, 4}) : Of({4, 5}), Of({3, 5})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = CopyOf(wb, x[2]);
                wb.backend().MatMul(x[0], TransposeIf(ta), x[1], TransposeIf(tb), 1.5, 0.25, y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView da = Like(wb, x[0]), db = Like(wb, x[1]), dc = Like(wb, x[2]);
                Backend& b = wb.backend();
                if (ta) {
                  b.MatMul(x[1], TransposeIf(tb), dy, Transpose::kYes, 1.5, 0, da);
                } else {
                  b.MatMul(dy, Transpose::kNo, x[1], TransposeIf(!tb), 1.5, 0, da);
                }
                if (tb) {
                  b.MatMul(dy, Transpose::kYes, x[0], TransposeIf(ta), 1.5, 0, db);
                } else {
                  b.MatMul(x[0], TransposeIf(!ta), dy, Transpose::kNo, 1.5, 0, db);
                }
                b.RowScale(dy, wb.From(Role::kStatistic, {3}, std::vector<float>(3, 0.25f)), false,
                           dc);
                return Tensors{da, db, dc};
              }};
}

// LayerNorm; with `accumulate` also the residual around it.
GradientCase LayerNormCase(bool accumulate) {
  return {.name = accumulate ? "LayerNormAccumulate" : "LayerNorm",
          .inputs = {Of({4, 6}), Of({6}), Of({6})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = Like(wb, x[0]);
                wb.backend().LayerNorm(x[0], x[1], x[2], 1e-5, {}, {}, y);
                if (accumulate) wb.backend().Add(y, x[0], y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                Backend& b = wb.backend();
                const TensorView xhat = Like(wb, x[0]), rstd = New(wb, {4});
                b.LayerNorm(x[0], x[1], x[2], 1e-5, xhat, rstd, Like(wb, x[0]));
                const TensorView dx = accumulate ? CopyOf(wb, dy) : Like(wb, x[0]);
                b.LayerNormBackward(dy, xhat, rstd, x[1], accumulate, dx);
                return Tensors{dx, DotSumOf(wb, dy, xhat, {6}), SumOf(wb, dy, {6})};
              }};
}

GradientCase GeluCase() {
  return {.name = "Gelu",
          .inputs = {Of({3, 9})},
          .forward =
              [](Workbench& wb, const Tensors& x) {
                const TensorView y = Like(wb, x[0]);
                wb.backend().Gelu(x[0], y);
                return y;
              },
          .backward =
              [](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView du = Like(wb, x[0]);
                wb.backend().GeluBackward(dy, x[0], du);
                return Tensors{du};
              },
          .input_scale = 2};
}

const std::vector<int32_t> kOffsets = {0, 4, 4, 5, 8};  // texts of 4, 0, 1 and 3 tokens

GradientCase AttentionCase(int heads, bool dropout) {
  const auto spec = [=](Workbench& wb) {
    return dropout ? DropoutSpec{.token_keys = wb.Keys(8, 5), .site = 77, .rate = 0.4}
                   : DropoutSpec{};
  };
  return {.name = "AlibiAttention" + std::to_string(heads) + "Heads" + (dropout ? "Dropout" : ""),
          .inputs = {Of({8, int64_t{heads} * 3 * 4})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {8, heads * 4});
                wb.backend().AlibiAttention(x[0], wb.Layout(kOffsets), heads, spec(wb), y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView dqkv = Like(wb, x[0]);
                wb.backend().AlibiAttentionBackward(x[0], wb.Layout(kOffsets), heads, spec(wb), dy,
                                                    dqkv);
                return Tensors{dqkv};
              }};
}

GradientCase DropoutCase() {
  const auto spec = [](Workbench& wb) {
    return DropoutSpec{.token_keys = wb.Keys(6, 9), .site = 3, .rate = 0.3};
  };
  return {.name = "Dropout",
          .inputs = {Of({6, 7})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = Like(wb, x[0]);
                wb.backend().Dropout(x[0], spec(wb), y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors&, const TensorView& dy) {
                const TensorView dx = Like(wb, dy);
                wb.backend().Dropout(dy, spec(wb), dx);
                return Tensors{dx};
              }};
}

GradientCase PoolCase(Pooling pooling, const char* name) {
  return {.name = std::string("Pool") + name,
          .inputs = {Of({8, 5})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {4, 5});
                wb.backend().Pool(x[0], wb.Layout(kOffsets), pooling, {}, y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TextLayout layout = wb.Layout(kOffsets);
                const TensorView argmax = wb.Make(DType::kI32, {4, 5});
                wb.backend().Pool(x[0], layout, pooling, argmax, New(wb, {4, 5}));
                const TensorView dx = Like(wb, x[0]);
                wb.backend().Fill(dx, 1e9);  // PoolBackward has to overwrite every row
                wb.backend().PoolBackward(dy, layout, pooling, argmax, dx);
                return Tensors{dx};
              }};
}

GradientCase L2NormalizeCase(bool accumulate) {
  return {.name = accumulate ? "L2NormalizeAccumulate" : "L2Normalize",
          .inputs = {Of({4, 5})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = Like(wb, x[0]);
                wb.backend().L2Normalize(x[0], {}, y);
                if (accumulate) wb.backend().Add(y, x[0], y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView y = Like(wb, x[0]), norm = New(wb, {4});
                wb.backend().L2Normalize(x[0], norm, y);
                const TensorView dx = accumulate ? CopyOf(wb, dy) : Like(wb, x[0]);
                wb.backend().L2NormalizeBackward(dy, y, norm, accumulate, dx);
                return Tensors{dx};
              }};
}

// Copies the leading columns of a wider matrix, or a matrix into leading columns of a wider one.
GradientCase CopyColumnsCase(int64_t from, int64_t to) {
  return {.name = "CopyColumns" + std::to_string(from) + "To" + std::to_string(to),
          .inputs = {Of({3, from}), Of({3, to})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = CopyOf(wb, x[1]);
                wb.backend().CopyColumns(x[0], true, y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView dx = Like(wb, x[0]);
                wb.backend().CopyColumns(dy, false, dx);
                return Tensors{dx, dy};
              }};
}

// Some rows are gathered twice, some once and some never. The backward op adds to the old values.
GradientCase GatherRowsCase() {
  const std::vector<int32_t> index = {2, 0, 2, 3, 2};
  return {.name = "GatherRows",
          .inputs = {Of({4, 5})},
          .forward =
              [=](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {5, 5});
                wb.backend().GatherRows(x[0], wb.Ints(DType::kI32, index), y);
                return y;
              },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView dx = Like(wb, x[0]);
                wb.backend().GatherRowsBackward(dy, wb.Ints(DType::kI32, index), dx);
                return Tensors{dx};
              }};
}

GradientCase RowDotCase() {
  return {.name = "RowDot",
          .inputs = {Of({4, 5}), Of({4, 5})},
          .forward =
              [](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {4});
                wb.backend().RowDot(x[0], x[1], y);
                return y;
              },
          .backward =
              [](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView da = Like(wb, x[0]), db = Like(wb, x[1]);
                wb.backend().RowScale(x[1], dy, false, da);
                wb.backend().RowScale(x[0], dy, true, db);
                return Tensors{da, db};
              }};
}

GradientCase RowScaleCase() {
  return {.name = "RowScale",
          .inputs = {Of({4, 5}), Of({4}), Of({4, 5})},
          .forward =
              [](Workbench& wb, const Tensors& x) {
                const TensorView y = CopyOf(wb, x[2]);
                wb.backend().RowScale(x[0], x[1], true, y);
                return y;
              },
          .backward =
              [](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView dx = Like(wb, x[0]), dscale = Like(wb, x[1]);
                wb.backend().RowScale(dy, x[1], false, dx);
                wb.backend().RowDot(dy, x[0], dscale);
                return Tensors{dx, dscale, dy};
              }};
}

GradientCase AbsDifferenceCase() {
  return {.name = "AbsDifference",
          .inputs = {Of({4, 5}), Of({4, 5})},
          .forward =
              [](Workbench& wb, const Tensors& x) {
                const TensorView y = Like(wb, x[0]);
                wb.backend().AbsDifference(x[0], x[1], y);
                return y;
              },
          .backward =
              [](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView da = Like(wb, x[0]), db = Like(wb, x[1]);
                wb.backend().AbsDifferenceBackward(dy, x[0], x[1], da, db);
                return Tensors{da, db};
              }};
}

// Rows of odd width are read as if a zero followed.
GradientCase AngleSimilarityCase(int64_t cols) {
  return {.name = "AngleSimilarity" + std::to_string(cols),
          .inputs = {Of({4, cols}), Of({4, cols})},
          .forward =
              [](Workbench& wb, const Tensors& x) {
                const TensorView y = New(wb, {4});
                wb.backend().AngleSimilarity(x[0], x[1], y);
                return y;
              },
          .backward =
              [](Workbench& wb, const Tensors& x, const TensorView& dy) {
                const TensorView da = Like(wb, x[0]), db = Like(wb, x[1]);
                wb.backend().AngleSimilarityBackward(dy, x[0], x[1], da, db);
                return Tensors{da, db};
              }};
}

// A loss [1] with an op that also writes gradients: run(wb, x, loss, gradients of the inputs).
GradientCase LossCase(
    std::string name, Tensors inputs,
    std::function<void(Workbench&, const Tensors&, const TensorView&, const Tensors&)> run) {
  const auto evaluate = [run](Workbench& wb, const Tensors& x) {
    Tensors gradients;
    for (const TensorView& input : x) gradients.push_back(Like(wb, input));
    const TensorView loss = New(wb, {1});
    run(wb, x, loss, gradients);
    return std::pair(loss, gradients);
  };
  return {.name = std::move(name),
          .inputs = std::move(inputs),
          .forward = [=](Workbench& wb, const Tensors& x) { return evaluate(wb, x).first; },
          .backward =
              [=](Workbench& wb, const Tensors& x, const TensorView& dy) {
                Tensors scaled;
                for (const TensorView& g : evaluate(wb, x).second) {
                  scaled.push_back(Like(wb, g));
                  wb.backend().MatMul(dy.Reshaped({1, 1}), Transpose::kNo,
                                      g.Reshaped({1, g.Elements()}), Transpose::kNo, 1, 0,
                                      scaled.back().Reshaped({1, g.Elements()}));
                }
                return scaled;
              },
          .input_scale = 1.5};
}

std::vector<GradientCase> LossCases() {
  std::vector<GradientCase> cases;
  for (const bool masked : {false, true}) {
    cases.push_back(LossCase(
        masked ? "SoftmaxCrossEntropyMasked" : "SoftmaxCrossEntropy", {Of({3, 4})},
        [masked](Workbench& wb, const Tensors& x, const TensorView& loss, const Tensors& dx) {
          TensorView mask;
          if (masked)
            mask = wb.Ints(DType::kU8, {1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1}).Reshaped({3, 4});
          wb.backend().SoftmaxCrossEntropy(x[0], mask, wb.Ints(DType::kI32, {2, 1, 3}), loss,
                                           dx[0]);
        }));
  }
  cases.push_back(
      LossCase("MeanSquaredError", {Of({6})},
               [](Workbench& wb, const Tensors& x, const TensorView& loss, const Tensors& dx) {
                 const TensorView target = wb.Normal(Role::kStatistic, {6}, 55);
                 wb.backend().MeanSquaredError(x[0], target, loss, dx[0]);
               }));
  cases.push_back(
      LossCase("Cosent", {Of({6})},
               [](Workbench& wb, const Tensors& x, const TensorView& loss, const Tensors& dx) {
                 const TensorView labels =
                     wb.From(Role::kStatistic, {6}, std::vector<float>{3, 1, 2, 1, 5, 2});
                 wb.backend().CosentLoss(x[0], labels, 4, loss, dx[0]);
               }));
  cases.push_back(
      LossCase("Triplet", {Of({6, 4}), Of({6, 4}), Of({6, 4})},
               [](Workbench& wb, const Tensors& x, const TensorView& loss, const Tensors& dx) {
                 wb.backend().TripletLoss(x[0], x[1], x[2], 0.5, loss, dx[0], dx[1], dx[2]);
               }));
  return cases;
}

}  // namespace

std::vector<GradientCase> GradientCases() {
  std::vector<GradientCase> cases;
  for (int bits = 0; bits < 16; ++bits) {
    cases.push_back(LinearCase({.bias = (bits & 1) != 0,
                                .lora = (bits & 2) != 0,
                                .gelu = (bits & 4) != 0,
                                .residual = (bits & 8) != 0}));
  }
  for (int bits = 0; bits < 8; ++bits) {
    cases.push_back(LinearBackwardCase((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0));
  }
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) cases.push_back(MatMulCase(ta, tb));
  }
  for (const bool accumulate : {false, true}) {
    cases.push_back(LayerNormCase(accumulate));
    cases.push_back(L2NormalizeCase(accumulate));
  }
  cases.push_back(GeluCase());
  for (const int heads : {1, 3, 6, 7}) {
    for (const bool dropout : {false, true}) cases.push_back(AttentionCase(heads, dropout));
  }
  cases.push_back(DropoutCase());
  cases.push_back(PoolCase(Pooling::kMean, "Mean"));
  cases.push_back(PoolCase(Pooling::kWeightedMean, "WeightedMean"));
  cases.push_back(PoolCase(Pooling::kLast, "Last"));
  cases.push_back(PoolCase(Pooling::kCls, "Cls"));
  cases.push_back(PoolCase(Pooling::kMax, "Max"));
  cases.push_back(PoolCase(Pooling::kMeanSqrtLen, "MeanSqrtLen"));
  cases.push_back(CopyColumnsCase(6, 4));
  cases.push_back(CopyColumnsCase(4, 6));
  cases.push_back(GatherRowsCase());
  cases.push_back(RowDotCase());
  cases.push_back(RowScaleCase());
  cases.push_back(AbsDifferenceCase());
  cases.push_back(AngleSimilarityCase(6));
  cases.push_back(AngleSimilarityCase(5));
  for (GradientCase& c : LossCases()) cases.push_back(std::move(c));
  return cases;
}

}  // namespace lacos::testing
