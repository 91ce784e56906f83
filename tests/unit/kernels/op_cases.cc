// The list of op calls. Bounds use eps = 2^-23, which is twice the unit roundoff of f32 and leaves
// a factor of two for second-order terms. In any summation order, the error of an f32 dot product
// of K terms is within K eps / 2 of its magnitude.
#include "unit/kernels/op_cases.h"

#include <algorithm>
#include <map>

#include "lacos/kernels/reference/dropout.h"
#include "unit/kernels/error_bounds.h"

namespace lacos::testing {
namespace {

// The offsets of texts of many lengths, one of them empty.
std::vector<int32_t> Offsets(std::initializer_list<int32_t> lengths) {
  std::vector<int32_t> offsets = {0};
  for (const int32_t length : lengths) offsets.push_back(offsets.back() + length);
  return offsets;
}

OpCase MatMulCase(int64_t m, int64_t n, int64_t k, bool ta, bool tb, double beta) {
  const std::string name = "MatMul" + std::to_string(m) + "x" + std::to_string(n) + "x" +
                           std::to_string(k) + (ta ? "T" : "N") + (tb ? "T" : "N") +
                           (beta == 0 ? "" : "Beta");
  return {name, [=](Workbench& wb, Compute) {
            const TensorView a = wb.Normal(Role::kActivation, ta ? Shape{k, m} : Shape{m, k}, 1);
            const TensorView b = wb.Normal(Role::kParameter, tb ? Shape{n, k} : Shape{k, n}, 2);
            const TensorView y = wb.Normal(Role::kStatistic, {m, n}, 3);
            wb.backend().MatMul(a, TransposeIf(ta), b, TransposeIf(tb), 0.5, beta, y);
            return std::vector<OpOutput>{{y, kEps, 0, (static_cast<double>(k) + 4) * kEps}};
          }};
}

TokenLeaves LeavesOf(int64_t rows) {
  TokenLeaves leaves{.begin = {0}};
  for (int64_t at = 0; at < rows;) leaves.begin.push_back(at = std::min(rows, at + 17 + at % 23));
  return leaves;
}

OpCase TokenSumsCase(int64_t rows, int64_t p, int64_t q) {
  return {
      "TokenSums" + std::to_string(rows) + "x" + std::to_string(p) + "x" + std::to_string(q),
      [=](Workbench& wb, Compute) {
        const TensorView a = wb.Normal(Role::kGradient, {rows, p}, 1);
        const TensorView b = wb.Normal(Role::kActivation, {rows, q}, 2);
        const TensorView c = wb.Normal(Role::kActivation, {rows, p}, 3);
        const GradientSum outer = wb.MakeSum({p, q}), sum = wb.MakeSum({p}), dot = wb.MakeSum({p});
        for (const double alpha : {1.5, 0.25}) {  // the second call adds to the first
          wb.backend().TokenOuter(a, b, LeavesOf(rows), alpha, outer);
          wb.backend().TokenSum(alpha == 1.5 ? a : c, LeavesOf(rows), sum);
          wb.backend().TokenDotSum(a, alpha == 1.5 ? c : a, LeavesOf(rows), dot);
        }
        // A leaf is a chain of f32 additions, and its sum is rounded to a multiple of 2^-52.
        const double factor = (static_cast<double>(rows) + 4) * kEps;
        const double units = 2 * static_cast<double>(LeavesOf(rows).Count()) * 0x1p-53;
        std::vector<OpOutput> outputs;
        for (const GradientSum& y : {outer, sum, dot})
          outputs.push_back({wb.Gradient(y), kEps, units, factor});
        return outputs;
      }};
}

OpCase LayerNormCase(int64_t rows, int64_t cols) {
  return {
      "LayerNorm" + std::to_string(rows) + "x" + std::to_string(cols), [=](Workbench& wb, Compute) {
        const TensorView x = wb.Normal(Role::kResidual, {rows, cols}, 1, 3);
        const TensorView gamma = wb.Normal(Role::kParameter, {cols}, 2);
        const TensorView beta = wb.Normal(Role::kParameter, {cols}, 3);
        const TensorView xhat = wb.Make(Role::kActivation, {rows, cols});
        const TensorView rstd = wb.Make(Role::kStatistic, {rows});
        const TensorView y = wb.Make(Role::kActivation, {rows, cols});
        const TensorView shifted = wb.Make(Role::kActivation, {rows, cols});
        const TensorView plain = wb.Make(Role::kResidual, {rows, cols});
        const TensorView saved = wb.Normal(Role::kActivation, {rows, cols}, 4);
        const TensorView dy = wb.Normal(Role::kGradient, {rows, cols}, 5);
        const TensorView scale = wb.From(Role::kStatistic, {rows}, std::vector<float>(rows, 0.4f));
        const TensorView dx = wb.Make(Role::kGradient, {rows, cols});
        const TensorView sum = wb.Normal(Role::kGradient, {rows, cols}, 6);
        Backend& b = wb.backend();
        b.LayerNorm(x, gamma, beta, 1e-5, xhat, rstd, y);
        b.ScaleShift(saved, gamma, beta, shifted);
        b.LayerNorm(x, gamma, beta, 1e-5, {}, {}, plain);
        b.LayerNormBackward(dy, saved, scale, gamma, false, dx);
        b.LayerNormBackward(dy, saved, scale, gamma, true, sum);
        const double row_error = (static_cast<double>(cols) + 16) * kEps;
        const double act = Epsilon(wb.types().activation);
        const LayerNormBounds bounds =
            BoundLayerNorm(wb.Read(x), wb.Read(gamma), wb.Read(saved), wb.Read(dy), 0.4);
        // y is gamma times xhat, rounded to the activation type, plus beta, so
        // |gamma xhat| <= |y| + |beta|.
        const double beta_max = MaxAbs(wb.Read(beta));
        return std::vector<OpOutput>{
            {xhat, act + 2 * row_error, 2 * row_error},
            {rstd, row_error},
            {y, 2 * act, act * beta_max, 0, bounds.y},
            {shifted, act, 0, 4 * kEps},
            {plain, 2 * kEps, 2 * kEps * beta_max, 0, bounds.y},
            {dx, Epsilon(dx.dtype), 0, 0, bounds.dx},
            {sum, Epsilon(sum.dtype), 8 * kEps, 0, bounds.dx},
        };
      }};
}

OpCase GeluCase(int64_t rows, int64_t cols) {
  return {"Gelu" + std::to_string(rows) + "x" + std::to_string(cols), [=](Workbench& wb, Compute) {
            const TensorView u = wb.Normal(Role::kActivation, {rows, cols}, 1, 3);
            const TensorView dy = wb.Normal(Role::kGradient, {rows, cols}, 2);
            const TensorView y = wb.Make(Role::kActivation, {rows, cols});
            const TensorView du = wb.Make(Role::kGradient, {rows, cols});
            wb.backend().Gelu(u, y);
            wb.backend().GeluBackward(dy, u, du);
            // The error of tanh is within 4 eps, and that of its argument within 6 eps of at most
            // |u| <= 15 where tanh still changes. |u| (1 - t^2) stays below 1, so 16 eps |u| bounds
            // gelu. The derivative adds |u| (1 - t^2) (1 + 3 c u^2) <= 2, and |dy| <= 5.
            return std::vector<OpOutput>{{y, Epsilon(y.dtype), 15 * 16 * kEps, 0},
                                         {du, Epsilon(du.dtype), 5 * 64 * kEps, 0}};
          }};
}

OpCase AttentionCase(std::string name, const std::vector<int32_t>& offsets, int heads, int64_t dim,
                     double rate) {
  const int64_t tokens = offsets.back();
  return {"AlibiAttention" + name + (rate > 0 ? "Dropout" : ""), [=](Workbench& wb, Compute) {
            const TensorView qkv = wb.Normal(Role::kActivation, {tokens, heads * 3 * dim}, 1);
            const TensorView dy = wb.Normal(Role::kGradient, {tokens, heads * dim}, 2);
            const TensorView y = wb.Make(Role::kActivation, {tokens, heads * dim});
            const TensorView dqkv = wb.Make(Role::kGradient, {tokens, heads * 3 * dim});
            const TextLayout at = wb.Layout(offsets);
            DropoutSpec dropout;
            if (rate > 0) dropout = {.token_keys = wb.Keys(tokens, 3), .site = 12, .rate = rate};
            wb.backend().AlibiAttention(qkv, at, heads, dropout, y);
            wb.backend().AlibiAttentionBackward(qkv, at, heads, dropout, dy, dqkv);
            // uses the keys of Keys(tokens, 3)
            const auto keep = [&](int64_t query, int64_t channel) {
              const auto key = static_cast<int64_t>(Mix64(3, static_cast<uint64_t>(query)));
              return rate > 0 ? ref::DropoutFactor(key, dropout.site, channel, rate) : 1.0;
            };
            // the CUDA backend multiplies bf16 tensors with bf16 probabilities
            const bool rounds =
                wb.backend().Describe().backend == "cuda" && wb.types().activation == DType::kBF16;
            AttentionBounds bounds = BoundAttention(wb.Read(qkv), wb.Read(dy), offsets, heads, keep,
                                                    rounds ? kBF16Roundoff : 0);
            return std::vector<OpOutput>{{y, Epsilon(y.dtype), 0, 0, std::move(bounds.y)},
                                         {dqkv, Epsilon(dqkv.dtype), 0, 0, std::move(bounds.dqkv)}};
          }};
}

OpCase DropoutAddCase(int64_t rows, int64_t cols) {
  return {"DropoutAdd" + std::to_string(rows) + "x" + std::to_string(cols),
          [=](Workbench& wb, Compute) {
            const TensorView x = wb.Normal(Role::kResidual, {rows, cols}, 1);
            const TensorView g = wb.Normal(Role::kGradient, {rows, cols}, 2);
            const TensorView sum = wb.Make(Role::kResidual, {rows, cols});
            const TensorView y = wb.Make(Role::kResidual, {rows, cols});
            const DropoutSpec dropout{.token_keys = wb.Keys(rows, 4), .site = 5, .rate = 0.1};
            wb.backend().Dropout(x, dropout, y);
            wb.backend().Dropout(g, dropout, g);
            wb.backend().Add(x, y, sum);
            return std::vector<OpOutput>{{y, Epsilon(y.dtype), 0, 0},
                                         {g, Epsilon(g.dtype), 0, 0},
                                         {sum, Epsilon(sum.dtype), 0, 2 * Epsilon(y.dtype)}};
          }};
}

OpCase PoolCase(Pooling pooling, const char* name, int64_t cols,
                const std::vector<int32_t>& offsets) {
  return {std::string("Pool") + name + std::to_string(cols), [=](Workbench& wb, Compute) {
            const int64_t tokens = offsets.back(), texts = static_cast<int64_t>(offsets.size()) - 1;
            const TensorView x = wb.Normal(Role::kResidual, {tokens, cols}, 1);
            const TensorView dy = wb.Normal(Role::kStatistic, {texts, cols}, 2);
            const TensorView y = wb.Make(Role::kStatistic, {texts, cols});
            const TensorView dx = wb.Make(Role::kGradient, {tokens, cols});
            const TextLayout at = wb.Layout(offsets);
            TensorView argmax;
            if (pooling == Pooling::kMax) argmax = wb.Make(DType::kI32, {texts, cols});
            wb.backend().Fill(dx, 100);
            wb.backend().Pool(x, at, pooling, argmax, y);
            wb.backend().PoolBackward(dy, at, pooling, argmax, dx);
            int32_t longest = 0;
            for (int64_t n = 0; n < texts; ++n)
              longest = std::max(longest, offsets[n + 1] - offsets[n]);
            return std::vector<OpOutput>{{y, kEps, 0, (longest + 8) * kEps},
                                         {dx, 4 * Epsilon(dx.dtype), 0, 0}};
          }};
}

OpCase SimilarityCase(int64_t rows, int64_t cols) {
  return {"Similarity" + std::to_string(rows) + "x" + std::to_string(cols),
          [=](Workbench& wb, Compute) {
            Backend& b = wb.backend();
            const Shape shape = {rows, cols};
            const TensorView x = wb.Normal(Role::kStatistic, shape, 1),
                             other = wb.Normal(Role::kStatistic, shape, 2);
            const TensorView dy = wb.Normal(Role::kStatistic, shape, 3),
                             norm = wb.Make(Role::kStatistic, {rows});
            const TensorView unit = wb.Make(Role::kStatistic, shape),
                             dx = wb.Normal(Role::kStatistic, shape, 4);
            const TensorView dot = wb.Make(Role::kStatistic, {rows}),
                             scaled = wb.Normal(Role::kStatistic, shape, 5);
            const TensorView distance = wb.Make(Role::kStatistic, shape);
            const TensorView da = wb.Normal(Role::kStatistic, shape, 6),
                             db = wb.Normal(Role::kStatistic, shape, 7);
            const TensorView scale = wb.Normal(Role::kStatistic, {rows}, 8);
            const TensorView leading = wb.Normal(Role::kStatistic, {rows, cols / 2}, 9);
            b.L2Normalize(x, norm, unit);
            b.L2NormalizeBackward(dy, unit, norm, true, dx);
            b.RowDot(x, other, dot);
            b.RowScale(x, scale, true, scaled);
            b.AbsDifference(x, other, distance);
            b.AbsDifferenceBackward(dy, x, other, da, db);
            const TensorView angle = wb.Make(Role::kStatistic, {rows}),
                             dangle_x = wb.Make(Role::kStatistic, shape),
                             dangle_other = wb.Make(Role::kStatistic, shape);
            b.AngleSimilarity(x, other, angle);
            b.AngleSimilarityBackward(scale, x, other, dangle_x, dangle_other);
            b.CopyColumns(x, true, leading);
            // Some rows of x are picked several times, others never.
            std::vector<int32_t> picks(static_cast<size_t>(rows + rows / 2));
            for (size_t i = 0; i < picks.size(); ++i)
              picks[i] = static_cast<int32_t>(i * 4 % static_cast<size_t>(rows));
            const TensorView index = wb.Ints(DType::kI32, picks);
            const Shape picked = {static_cast<int64_t>(picks.size()), cols};
            const TensorView gathered = wb.Make(Role::kStatistic, picked),
                             dgathered = wb.Normal(Role::kStatistic, picked, 10);
            const TensorView gathered_dx = wb.Normal(Role::kStatistic, shape, 11);
            b.GatherRows(x, index, gathered);
            b.GatherRowsBackward(dgathered, index, gathered_dx);
            // At least the additions to one row: 1.5 times the common divisor of 4 and `rows`, and one.
            const double additions = 7;
            const double row_error = (static_cast<double>(cols) + 16) * kEps;
            std::vector<double> backward =
                BoundL2NormalizeBackward(wb.Read(dy), wb.Read(unit), wb.Read(norm));
            return std::vector<OpOutput>{{norm, row_error},
                                         {unit, row_error},
                                         {dx, kEps, 8 * kEps, 0, std::move(backward)},
                                         {dot, 0, 0, row_error},
                                         {scaled, 0, 0, 2 * kEps},
                                         {distance, kEps},
                                         {da, kEps, 10 * kEps},
                                         {db, kEps, 10 * kEps},
                                         // sums in double, rounded to float once
                                         {angle, kEps},
                                         {dangle_x, kEps},
                                         {dangle_other, kEps},
                                         {leading, 0, 0, kEps},
                                         {gathered},
                                         {gathered_dx, 0, 0, additions * kEps}};
          }};
}

OpCase LossesCase(int64_t rows, int64_t cols) {
  return {
      "Losses" + std::to_string(rows) + "x" + std::to_string(cols), [=](Workbench& wb, Compute) {
        Backend& b = wb.backend();
        const auto stat = [&](const Shape& shape) { return wb.Make(Role::kStatistic, shape); };
        std::vector<int32_t> targets(rows), mask(rows * cols);
        for (int64_t i = 0; i < rows; ++i) targets[i] = static_cast<int32_t>(i * 7 % cols);
        for (int64_t i = 0; i < rows * cols; ++i)
          mask[i] = i % 5 != 3 || i % cols == targets[i / cols] ? 1 : 0;
        std::vector<float> labels(rows);
        for (int64_t i = 0; i < rows; ++i) labels[i] = static_cast<float>(i * 3 % 5);
        const TensorView scores = wb.Normal(Role::kStatistic, {rows, cols}, 1, 4),
                         dscores = stat({rows, cols});
        const TensorView masked = stat({rows, cols}), x = wb.Normal(Role::kStatistic, {rows}, 2),
                         dx = stat({rows});
        const TensorView dcosent = stat({rows}),
                         losses[5] = {stat({1}), stat({1}), stat({1}), stat({1}), stat({1})};
        const TensorView label = wb.From(Role::kStatistic, {rows}, labels);
        const TensorView target = wb.Ints(DType::kI32, targets);
        const TensorView in = wb.Ints(DType::kU8, mask).Reshaped({rows, cols});
        const TensorView a = wb.Normal(Role::kStatistic, {rows, cols}, 4);
        const TensorView p = wb.Normal(Role::kStatistic, {rows, cols}, 5);
        const TensorView n = wb.Normal(Role::kStatistic, {rows, cols}, 6);
        const TensorView da = stat({rows, cols}), dp = stat({rows, cols}), dn = stat({rows, cols});
        b.SoftmaxCrossEntropy(scores, {}, target, losses[0], dscores);
        b.SoftmaxCrossEntropy(scores, in, target, losses[1], masked);
        b.MeanSquaredError(x, label, losses[2], dx);
        b.CosentLoss(x, label, 20, losses[3], dcosent);
        b.TripletLoss(a, p, n, 5, losses[4], da, dp, dn);
        // Losses are computed in double and rounded when they are stored. 8 eps allow for f32
        // exponentials too.
        const double loss = 64 * kEps;
        return std::vector<OpOutput>{
            {losses[0], loss},    {losses[1], loss}, {losses[2], loss},
            {losses[3], loss},    {losses[4], loss}, {dscores, loss, kEps},
            {masked, loss, kEps}, {dx, loss, kEps},  {dcosent, 16 * loss, 20 * loss},
            {da, loss, loss},     {dp, loss, loss},  {dn, loss, loss}};
      }};
}

OpCase OptimizerCase(int64_t n) {
  return {"Optimizer" + std::to_string(n), [=](Workbench& wb, Compute) {
            Backend& b = wb.backend();
            const int64_t blocks = (n + 255) / 256;
            const Adam8State state8{.m_codes = wb.Make(DType::kU8, {n}),
                                    .v_codes = wb.Make(DType::kU8, {n}),
                                    .m_absmax = wb.Make(DType::kF32, {blocks}),
                                    .v_absmax = wb.Make(DType::kF32, {blocks})};
            const AdamState state{.m = wb.Make(Role::kParameter, {n}),
                                  .v = wb.Make(Role::kParameter, {n})};
            const TensorView p8 = wb.Normal(Role::kParameter, {n}, 1),
                             p = wb.Normal(Role::kParameter, {n}, 2);
            const TensorView squares = wb.Make(Role::kStatistic, {1}),
                             nonfinite = wb.Make(Role::kStatistic, {1});
            for (int step = 1; step <= 3; ++step) {
              const AdamStep options{
                  .step = step, .learning_rate = 1e-2, .weight_decay = 0.01, .gradient_scale = 0.7};
              const TensorView g = wb.Normal(Role::kParameter, {n}, 10 + step);
              b.Adam8(options, g, state8, p8);
              b.Adam(options, g, state, p);
              b.SumSquares(std::vector<TensorView>{g, p.Rows(0, n / 2)}, squares, nonfinite);
            }
            // Three steps of at most 10 lr, each with about 16 roundings, on |p| <= 5.
            const double step_error = 3 * (10 * 1e-2 * 16 + 2 * 5) * kEps;
            return std::vector<OpOutput>{
                {p8, 0, 0}, {p, 0, step_error}, {squares, 8 * kEps, 0}, {nonfinite}};
          }};
}

OpCase EmbedCase(int64_t cols) {
  class Rows final : public EmbeddingSource {
   public:
    explicit Rows(int64_t cols) : cols_(cols) {}
    int64_t rows() const override { return 50; }
    int64_t cols() const override { return cols_; }
    void ReadRow(int64_t row, std::span<float> out) const override {
      const std::vector<float> values = NormalValues(cols_, static_cast<uint64_t>(row));
      std::copy(values.begin(), values.end(), out.begin());
    }

   private:
    int64_t cols_;
  };
  return {"Embed" + std::to_string(cols), [=](Workbench& wb, Compute) {
            static std::map<int64_t, Rows> tables;
            const Rows& rows = tables.try_emplace(cols, cols).first->second;
            std::vector<int32_t> ids;
            for (int i = 0; i < 70; ++i) ids.push_back(i * 7 % 50);
            const TensorView y = wb.Make(Role::kResidual, {70, cols});
            wb.backend().Embed(wb.backend().AddTable(rows), wb.Ids(ids), y);
            return std::vector<OpOutput>{{y, y.dtype == DType::kF32 ? 0 : Epsilon(y.dtype)}};
          }};
}

}  // namespace

std::vector<OpCase> OpCases() {
  std::vector<OpCase> cases = LinearCases();
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      cases.push_back(MatMulCase(7, 5, 9, ta, tb, 0));
      cases.push_back(MatMulCase(130, 8, 200, ta, tb, 0));
      cases.push_back(MatMulCase(64, 64, 48, ta, tb, 1));
    }
  }
  for (const int64_t rank : {1, 33, 64}) {
    cases.push_back(MatMulCase(9, rank, 70, false, true, 0));  // x A^T of an adapter
    cases.push_back(TokenSumsCase(50, 70, rank));
  }
  cases.push_back(TokenSumsCase(1, 3, 2));
  cases.push_back(TokenSumsCase(131, 40, 8));
  cases.push_back(TokenSumsCase(600, 8, 96));
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int64_t>{1, 16}, {5, 33}, {70, 64}, {3, 1000}}) {
    cases.push_back(LayerNormCase(rows, cols));
    cases.push_back(GeluCase(rows, cols));
    cases.push_back(DropoutAddCase(rows, cols));
  }
  cases.push_back(LayerNormCase(2, 2048));  // blocks of 256 threads on a GPU
  for (const double rate : {0.0, 0.2}) {
    cases.push_back(AttentionCase("OneHead", Offsets({4, 0, 1, 9}), 1, 8, rate));
    cases.push_back(AttentionCase("ThreeHeads", Offsets({70, 3, 17}), 3, 20, rate));
    cases.push_back(AttentionCase("SixHeads", Offsets({1, 20, 33}), 6, 64, rate));
    cases.push_back(AttentionCase("SevenHeads", Offsets({130, 64, 5}), 7, 16, rate));
    cases.push_back(AttentionCase("Narrow", Offsets({20, 129, 70}), 2, 32, rate));
    cases.push_back(AttentionCase("WideHead", Offsets({17, 65, 140}), 1, 128, rate));
  }
  cases.push_back(AttentionCase("Eighty", Offsets({33, 20, 130}), 1, 80, 0));
  cases.push_back(AttentionCase("NinetySix", Offsets({66, 32, 1, 0, 129}), 1, 96, 0));
  cases.push_back(AttentionCase("OneToken", Offsets({1}), 2, 64, 0));
  cases.push_back(AttentionCase("OddHead", Offsets({33, 0, 140}), 1, 13, 0.2));
  for (const int64_t cols : {33, 64}) {
    const std::vector<int32_t> texts = Offsets({5, 0, 1, 40, 3});
    cases.push_back(PoolCase(Pooling::kMean, "Mean", cols, texts));
    cases.push_back(PoolCase(Pooling::kWeightedMean, "WeightedMean", cols, texts));
    cases.push_back(PoolCase(Pooling::kLast, "Last", cols, texts));
    cases.push_back(PoolCase(Pooling::kCls, "Cls", cols, texts));
    cases.push_back(PoolCase(Pooling::kMax, "Max", cols, texts));
    cases.push_back(PoolCase(Pooling::kMeanSqrtLen, "MeanSqrtLen", cols, texts));
  }
  cases.push_back(PoolCase(Pooling::kMean, "OneToken", 33, Offsets({1})));
  cases.push_back(PoolCase(Pooling::kWeightedMean, "OneText", 33, Offsets({2048})));
  cases.push_back(SimilarityCase(1, 32));
  cases.push_back(SimilarityCase(9, 77));
  cases.push_back(LossesCase(1, 1));
  cases.push_back(LossesCase(6, 5));
  cases.push_back(LossesCase(33, 66));
  cases.push_back(LossesCase(200, 5));
  cases.push_back(OptimizerCase(300));
  cases.push_back(OptimizerCase(10000));
  cases.push_back(EmbedCase(24));
  return cases;
}

std::vector<OpCase> LargeOpCases() {
  return {AttentionCase("LongText", Offsets({2048}), 1, 32, 0),
          AttentionCase("LongText", Offsets({2048}), 1, 24, 0.1)};
}

}  // namespace lacos::testing
