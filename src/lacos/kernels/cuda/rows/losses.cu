// The losses in double, with the exponential and logarithm of math.h. A loss is the sum of the parts of
// its rows, which one block adds in a fixed order.
//
// Grid: one block of 128 threads a row, then one block for the sum. Saves nothing. Bytes: the scores
// [N, M] are read three times and their gradient is written once. FLOP a score: two exponentials of 30
// each in double; CoSENT computes N^2 of them three times. A batch has few similarities compared with
// its activations. Share of the copy bandwidth: not measured yet.
#include "lacos/kernels/cuda/rows/losses.h"

#include "lacos/kernels/cuda/elements.h"
#include "lacos/kernels/cuda/math.h"
#include "lacos/kernels/cuda/reduce.h"

namespace lacos::cuda {
namespace {

constexpr unsigned kLossThreads = 128;
using LossReducer = BlockReducer<double>;
using LossShared = ReduceShared<double>;

// NaN stays, so that it is not hidden.
struct LargerDouble {
  GPU_DEVICE double operator()(double a, double b) const { return a != a || a > b ? a : b; }
};

// loss[0] = the sum of n parts, times `factor`.
GPU_KERNEL SumParts(const double* parts, int64_t n, double factor, float* loss) {
  LossReducer reduce(gpu::Shared<LossShared>());
  double sum = 0;
  for (int64_t i = gpu::Thread(); i < n; i += gpu::Threads()) sum += parts[i];
  sum = reduce(sum, Plus());
  if (gpu::Thread() == 0) loss[0] = static_cast<float>(sum * factor);
}
void LaunchSumParts(Context& context, const double* parts, int64_t n, double factor, View loss) {
  gpu::Launch(context.stream(), {.blocks = 1, .threads = kLossThreads}, SumParts, parts, n, factor,
              F32Of(loss));
}

GPU_KERNEL SoftmaxRow(const float* scores, const uint8_t* mask, const int32_t* targets,
                      int64_t cols, double weight, double* parts, float* dscores) {
  LossReducer reduce(gpu::Shared<LossShared>());
  const int64_t row = gpu::Block() * cols;
  const int64_t target = targets[gpu::Block()];
  const auto in = [&](int64_t j) { return mask == nullptr || mask[row + j] != 0 || j == target; };
  const double target_score = scores[row + target];
  double largest = target_score;
  for (int64_t j = gpu::Thread(); j < cols; j += gpu::Threads()) {
    if (in(j)) largest = fmax(largest, static_cast<double>(scores[row + j]));
  }
  const double shift = reduce(largest, LargerDouble());
  double sum = 0;
  for (int64_t j = gpu::Thread(); j < cols; j += gpu::Threads()) {
    if (in(j)) sum += Exp(scores[row + j] - shift);
  }
  sum = reduce(sum, Plus());
  if (gpu::Thread() == 0) parts[gpu::Block()] = (Log(sum) + shift - target_score) * weight;
  if (dscores == nullptr) return;
  for (int64_t j = gpu::Thread(); j < cols; j += gpu::Threads()) {
    const double p = in(j) ? Exp(scores[row + j] - shift) / sum : 0.0;
    dscores[row + j] = static_cast<float>((p - (j == target ? 1.0 : 0.0)) * weight);
  }
}

GPU_KERNEL SquaredErrors(const float* x, const float* target, int64_t n, double* parts, float* dx) {
  const int64_t i = gpu::Block() * gpu::Threads() + gpu::Thread();
  if (i >= n) return;
  const double difference = static_cast<double>(x[i]) - static_cast<double>(target[i]);
  parts[i] = difference * difference;
  if (dx != nullptr) dx[i] = static_cast<float>(difference * (2.0 / static_cast<double>(n)));
}

// The pairs (i, j) of CoSENT with label[i] < label[j], and their scores.
struct CosentPairs {
  const float* x;
  const float* labels;
  double scale;
  int64_t n;
  GPU_DEVICE bool Contains(int64_t i, int64_t j) const { return labels[i] < labels[j]; }
  GPU_DEVICE double Score(int64_t i, int64_t j) const {
    return (static_cast<double>(x[i]) - static_cast<double>(x[j])) * scale;
  }
};

// largest[i] = the largest score of the pairs (i, .), or 0, which is the exponent of the 1.
GPU_KERNEL CosentLargest(CosentPairs pairs, double* largest) {
  LossReducer reduce(gpu::Shared<LossShared>());
  const int64_t i = gpu::Block();
  double most = 0;
  for (int64_t j = gpu::Thread(); j < pairs.n; j += gpu::Threads()) {
    if (pairs.Contains(i, j)) most = fmax(most, pairs.Score(i, j));
  }
  most = reduce(most, LargerDouble());
  if (gpu::Thread() == 0) largest[i] = most;
}

// shift[0] = the largest of n values.
GPU_KERNEL LargestPart(const double* largest, int64_t n, double* shift) {
  LossReducer reduce(gpu::Shared<LossShared>());
  double most = 0;
  for (int64_t i = gpu::Thread(); i < n; i += gpu::Threads())
    most = LargerDouble()(most, largest[i]);
  most = reduce(most, LargerDouble());
  if (gpu::Thread() == 0) shift[0] = most;
}

// parts[i] = the sum of exp(score - shift) over the pairs (i, .).
GPU_KERNEL CosentSums(CosentPairs pairs, const double* shift, double* parts) {
  LossReducer reduce(gpu::Shared<LossShared>());
  const int64_t i = gpu::Block();
  double sum = 0;
  for (int64_t j = gpu::Thread(); j < pairs.n; j += gpu::Threads()) {
    if (pairs.Contains(i, j)) sum += Exp(pairs.Score(i, j) - shift[0]);
  }
  sum = reduce(sum, Plus());
  if (gpu::Thread() == 0) parts[i] = sum;
}

// total[0] = exp(-shift) + the sum of the parts; loss[0] = shift + log(total).
GPU_KERNEL CosentTotal(const double* parts, int64_t n, const double* shift, double* total,
                       float* loss) {
  LossReducer reduce(gpu::Shared<LossShared>());
  double sum = 0;
  for (int64_t i = gpu::Thread(); i < n; i += gpu::Threads()) sum += parts[i];
  sum = reduce(sum, Plus()) + Exp(-shift[0]);
  if (gpu::Thread() != 0) return;
  total[0] = sum;
  loss[0] = static_cast<float>(shift[0] + Log(sum));
}

GPU_KERNEL CosentGradient(CosentPairs pairs, const double* shift, const double* total, float* dx) {
  LossReducer reduce(gpu::Shared<LossShared>());
  const int64_t i = gpu::Block();
  double gradient = 0;
  for (int64_t j = gpu::Thread(); j < pairs.n; j += gpu::Threads()) {
    if (pairs.Contains(i, j)) gradient += Exp(pairs.Score(i, j) - shift[0]) / total[0];
    if (pairs.Contains(j, i)) gradient -= Exp(pairs.Score(j, i) - shift[0]) / total[0];
  }
  gradient = reduce(gradient, Plus());
  if (gpu::Thread() == 0) dx[i] = static_cast<float>(gradient * pairs.scale);
}

GPU_KERNEL TripletRow(const float* a, const float* p, const float* n, double margin, int64_t cols,
                      double weight, double* parts, float* da, float* dp, float* dn) {
  constexpr double kDistanceEps = 1e-6;  // torch's pairwise_distance
  LossReducer reduce(gpu::Shared<LossShared>());
  const int64_t row = gpu::Block() * cols;
  const auto difference = [&](const float* other, int64_t c) {
    return static_cast<double>(a[row + c]) - static_cast<double>(other[row + c]) + kDistanceEps;
  };
  double near = 0, far = 0;
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) {
    near += difference(p, c) * difference(p, c);
    far += difference(n, c) * difference(n, c);
  }
  near = gpu::Sqrt(reduce(near, Plus()));
  far = gpu::Sqrt(reduce(far, Plus()));
  const double hinge = near - far + margin;
  const bool active = !(hinge <= 0);  // NaN is not hidden
  if (gpu::Thread() == 0) parts[gpu::Block()] = active ? hinge : 0.0;
  if (da == nullptr) return;
  for (int64_t c = gpu::Thread(); c < cols; c += gpu::Threads()) {
    const double toward = active && near != 0 ? difference(p, c) / near * weight : 0.0;
    const double away = active && far != 0 ? difference(n, c) / far * weight : 0.0;
    da[row + c] = static_cast<float>(toward - away);
    dp[row + c] = static_cast<float>(-toward);
    dn[row + c] = static_cast<float>(away);
  }
}

gpu::Grid GridOfLossRows(int64_t rows) { return {.blocks = rows, .threads = kLossThreads}; }

}  // namespace

void SoftmaxCrossEntropy(Context& context, View scores, View mask, View targets, View loss,
                         View dscores) {
  const int64_t rows = scores.rows(), cols = scores.cols();
  LACOS_CHECK(targets.Elements() == rows, "one target a row");
  LACOS_CHECK(!mask || mask.Elements() == scores.Elements(), "the mask has the scores' shape");
  auto* parts = context.ScratchOf<double>(ScratchSlot::kRows, rows);
  gpu::Launch(context.stream(), GridOfLossRows(rows), SoftmaxRow, F32Of(scores), U8Of(mask),
              I32Of(targets), cols, 1.0 / static_cast<double>(rows), parts, F32Of(dscores));
  LaunchSumParts(context, parts, rows, 1, loss);
}

void MeanSquaredError(Context& context, View x, View target, View loss, View dx) {
  const int64_t n = x.Elements();
  LACOS_CHECK(target.Elements() == n, "one target a value");
  auto* parts = context.ScratchOf<double>(ScratchSlot::kRows, n);
  gpu::Launch(context.stream(), {.blocks = CeilDiv(n, kLossThreads), .threads = kLossThreads},
              SquaredErrors, F32Of(x), F32Of(target), n, parts, F32Of(dx));
  LaunchSumParts(context, parts, n, 1 / static_cast<double>(n), loss);
}

void CosentLoss(Context& context, View x, View labels, double scale, View loss, View dx) {
  const int64_t n = x.Elements();
  LACOS_CHECK(labels.Elements() == n, "one label a value");
  const CosentPairs pairs{F32Of(x), F32Of(labels), scale, n};
  auto* parts = context.ScratchOf<double>(ScratchSlot::kRows, n + 2);
  double *shift = parts + n, *total = parts + n + 1;
  const gpu::Grid rows = GridOfLossRows(n), one = GridOfLossRows(1);
  gpu::Launch(context.stream(), rows, CosentLargest, pairs, parts);
  gpu::Launch(context.stream(), one, LargestPart, parts, n, shift);
  gpu::Launch(context.stream(), rows, CosentSums, pairs, shift, parts);
  gpu::Launch(context.stream(), one, CosentTotal, parts, n, shift, total, F32Of(loss));
  if (dx) gpu::Launch(context.stream(), rows, CosentGradient, pairs, shift, total, F32Of(dx));
}

void TripletLoss(Context& context, View a, View p, View n, double margin, View loss, View da,
                 View dp, View dn) {
  LACOS_CHECK(a.Elements() == p.Elements() && a.Elements() == n.Elements(),
              "three tensors of one shape");
  const int64_t rows = a.rows();
  auto* parts = context.ScratchOf<double>(ScratchSlot::kRows, rows);
  const double weight = 1.0 / static_cast<double>(rows);
  gpu::Launch(context.stream(), GridOfLossRows(rows), TripletRow, F32Of(a), F32Of(p), F32Of(n),
              margin, a.cols(), weight, parts, F32Of(da), F32Of(dp), F32Of(dn));
  LaunchSumParts(context, parts, rows, weight, loss);
}

}  // namespace lacos::cuda
