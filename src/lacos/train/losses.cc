#include "lacos/train/losses.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

#include <fmt/format.h>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/base/rng.h"

namespace lacos {
namespace {

// `weight` times the loss in a one-element tensor.
LossResult DownloadLoss(Backend& backend, const TensorView& loss, double weight = 1) {
  if (loss.dtype != DType::kC128) return {.loss = weight * DownloadDoubles(backend, loss).at(0)};
  std::complex<double> value;
  backend.Download(loss, std::as_writable_bytes(std::span(&value, 1)));
  return {.loss = weight * value.real(), .tangent = weight * value.imag()};
}

TensorView UploadTargets(Backend& backend, Arena& arena, std::span<const int32_t> targets) {
  const TensorView view = arena.Allocate(DType::kI32, {static_cast<int64_t>(targets.size())});
  UploadInts(backend, targets, view);
  return view;
}

// Share of rows whose largest entry (among unmasked columns) is the target's.
double RankFirst(Backend& backend, const TensorView& scores, std::span<const int32_t> targets,
                 std::span<const int32_t> mask) {
  const std::vector<float> values = DownloadFloats(backend, scores);
  const int64_t rows = scores.rows(), cols = scores.cols();
  int64_t right = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const float* row = values.data() + i * cols;
    bool first = true;
    for (int64_t j = 0; j < cols && first; ++j) {
      const bool counts = mask.empty() || mask[i * cols + j] != 0;
      first = j == targets[i] || !counts || row[j] < row[targets[i]];
    }
    right += first ? 1 : 0;
  }
  return rows > 0 ? static_cast<double>(right) / static_cast<double>(rows) : 0;
}

// Rows scaled to length one, with what the backward needs.
struct Normalized {
  TensorView y, norm;
};
Normalized Normalize(Backend& backend, Arena& arena, const TensorView& x) {
  const Normalized n{.y = arena.Allocate(x.dtype, x.shape),
                     .norm = arena.Allocate(backend.Types().statistic, {x.rows()})};
  backend.L2Normalize(x, n.norm, n.y);
  return n;
}

class MnrLoss final : public Loss {
 public:
  MnrLoss(Backend& backend, const LossOptions& options) : backend_(backend), options_(options) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const int64_t n = batch.examples, m = vectors.rows();
    const Normalized unit = Normalize(backend_, arena, vectors);
    const TensorView dunit = arena.Allocate(vectors.dtype, vectors.shape);
    backend_.Fill(dunit, 0);
    std::vector<int32_t> targets(static_cast<size_t>(n));
    std::iota(targets.begin(), targets.end(), 0);

    const double weight = options_.symmetric ? 0.5 : 1.0;
    LossResult result =
        OneDirection(arena, unit.y.Rows(0, n), unit.y.Rows(n, m), targets, Mask(batch, m - n),
                     weight, dunit.Rows(0, n), dunit.Rows(n, m));
    if (options_.symmetric) {
      const LossResult back =
          OneDirection(arena, unit.y.Rows(n, 2 * n), unit.y.Rows(0, n), targets, Mask(batch, n),
                       weight, dunit.Rows(n, 2 * n), dunit.Rows(0, n));
      result.loss += back.loss;
      result.tangent += back.tangent;
    }
    backend_.L2NormalizeBackward(dunit, unit.y, unit.norm, /*accumulate=*/false, dvectors);
    return result;
  }

 private:
  // With classes, other examples of the same class are positives: they leave the denominator. [N *
  // columns], or empty.
  static std::vector<int32_t> Mask(const LossBatch& batch, int64_t columns) {
    std::vector<int32_t> mask;
    if (batch.labels.empty()) return mask;
    mask.assign(static_cast<size_t>(batch.examples * columns), 1);
    for (int64_t i = 0; i < batch.examples; ++i) {
      for (int64_t j = 0; j < batch.examples; ++j) {
        if (i != j && batch.labels[i] == batch.labels[j]) mask[i * columns + j] = 0;
      }
    }
    return mask;
  }

  // Cross entropy of scale * queries candidates^T against `targets`, times `weight`; adds to
  // dqueries, dcandidates.
  LossResult OneDirection(Arena& arena, const TensorView& queries, const TensorView& candidates,
                          std::span<const int32_t> targets, const std::vector<int32_t>& mask,
                          double weight, const TensorView& dqueries,
                          const TensorView& dcandidates) {
    const ArenaScope scope(arena);
    const TypeSet types = backend_.Types();
    const Shape shape{queries.rows(), candidates.rows()};
    const TensorView scores = arena.Allocate(types.gradient, shape);
    const TensorView dscores = arena.Allocate(types.gradient, shape);
    const TensorView loss = arena.Allocate(types.statistic, {1});
    TensorView mask_view;
    if (!mask.empty()) {
      mask_view = arena.Allocate(DType::kU8, shape);
      UploadInts(backend_, mask, mask_view);
    }
    backend_.MatMul(queries, false, candidates, true, options_.scale, 0, scores);
    backend_.SoftmaxCrossEntropy(scores, mask_view, UploadTargets(backend_, arena, targets), loss,
                                 dscores);
    backend_.MatMul(dscores, false, candidates, false, options_.scale * weight, 1, dqueries);
    backend_.MatMul(dscores, true, queries, false, options_.scale * weight, 1, dcandidates);
    LossResult result = DownloadLoss(backend_, loss, weight);
    result.accuracy = RankFirst(backend_, scores, targets, mask);
    return result;
  }

  Backend& backend_;
  LossOptions options_;
};

// A linear classifier over (u, v, |u - v|) with the three NLI labels. Its weight [3, 3D] is held as
// three [3, D] parts.
class SoftmaxLoss final : public Loss {
 public:
  SoftmaxLoss(Backend& backend, const LossOptions& options, int64_t dimension) : backend_(backend) {
    Random random(options.seed, RandomStream::kHead);
    // torch.nn.Linear's default
    const double bound = 1 / std::sqrt(3.0 * static_cast<double>(dimension));
    const auto make = [&](const std::string& name, Shape shape) {
      const DType dtype = backend_.Types().parameter;
      const size_t bytes = static_cast<size_t>(shape.Elements()) * SizeOf(dtype);
      TrainableTensor tensor{.name = name, .value = {}, .gradient = {}};
      for (TensorView* view : {&tensor.value, &tensor.gradient}) {
        buffers_.push_back(backend_.Allocate(bytes));
        *view = {buffers_.back().data(), dtype, shape};
      }
      std::vector<float> initial(static_cast<size_t>(shape.Elements()));
      for (float& value : initial) value = static_cast<float>((2 * random.Uniform() - 1) * bound);
      UploadFloats(backend_, initial, tensor.value);
      parameters_.push_back(tensor);
    };
    make("classifier.u", {kLabels, dimension});
    make("classifier.v", {kLabels, dimension});
    make("classifier.difference", {kLabels, dimension});
    make("classifier.bias", {1, kLabels});
  }

  std::vector<TrainableTensor> parameters() const override { return parameters_; }

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const TypeSet types = backend_.Types();
    const int64_t n = batch.examples;
    const TensorView u = vectors.Rows(0, n), v = vectors.Rows(n, 2 * n);
    const TensorView du = dvectors.Rows(0, n), dv = dvectors.Rows(n, 2 * n);
    const TensorView difference = arena.Allocate(vectors.dtype, u.shape);
    const TensorView ddifference = arena.Allocate(types.gradient, u.shape);
    const TensorView logits = arena.Allocate(types.gradient, {n, kLabels});
    const TensorView dlogits = arena.Allocate(types.gradient, {n, kLabels});
    const TensorView ones = arena.Allocate(types.gradient, {n, 1});
    const TensorView loss = arena.Allocate(types.statistic, {1});
    const TensorView features[] = {u, v, difference};
    const TensorView dfeatures[] = {du, dv, ddifference};

    backend_.Fill(ones, 1);
    backend_.AbsDifference(u, v, difference);
    backend_.MatMul(ones, false, parameters_[3].value, false, 1, 0, logits);
    for (int i = 0; i < 3; ++i)
      backend_.MatMul(features[i], false, parameters_[i].value, true, 1, 1, logits);
    backend_.SoftmaxCrossEntropy(logits, {}, UploadTargets(backend_, arena, batch.labels), loss,
                                 dlogits);
    for (int i = 0; i < 3; ++i) {
      backend_.MatMul(dlogits, false, parameters_[i].value, false, 1, 0, dfeatures[i]);
      backend_.MatMul(dlogits, true, features[i], false, 1, 1, parameters_[i].gradient);
    }
    backend_.MatMul(ones, true, dlogits, false, 1, 1, parameters_[3].gradient);
    backend_.AbsDifferenceBackward(ddifference, u, v, du, dv);
    LossResult result = DownloadLoss(backend_, loss);
    result.accuracy = RankFirst(backend_, logits, batch.labels, {});
    return result;
  }

 private:
  static constexpr int64_t kLabels = 3;
  Backend& backend_;
  std::vector<Buffer> buffers_;
  std::vector<TrainableTensor> parameters_;  // u, v, difference, bias
};

// Losses on the cosine of each pair: squared error against the gold score, or CoSENT's ranking.
class CosineLoss final : public Loss {
 public:
  CosineLoss(Backend& backend, const LossOptions& options) : backend_(backend), options_(options) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const TypeSet types = backend_.Types();
    const int64_t n = batch.examples;
    const Normalized unit = Normalize(backend_, arena, vectors);
    const TensorView dunit = arena.Allocate(vectors.dtype, vectors.shape);
    const TensorView cosine = arena.Allocate(types.statistic, {n});
    const TensorView dcosine = arena.Allocate(types.statistic, {n});
    const TensorView gold = arena.Allocate(types.statistic, {n});
    const TensorView loss = arena.Allocate(types.statistic, {1});
    const TensorView u = unit.y.Rows(0, n), v = unit.y.Rows(n, 2 * n);
    UploadFloats(backend_, batch.scores, gold);
    backend_.RowDot(u, v, cosine);
    if (options_.kind == LossKind::kCosine) {
      backend_.MeanSquaredError(cosine, gold, loss, dcosine);
    } else {
      backend_.CosentLoss(cosine, gold, options_.scale, loss, dcosine);
    }
    backend_.RowScale(v, dcosine, /*accumulate=*/false, dunit.Rows(0, n));
    backend_.RowScale(u, dcosine, /*accumulate=*/false, dunit.Rows(n, 2 * n));
    backend_.L2NormalizeBackward(dunit, unit.y, unit.norm, /*accumulate=*/false, dvectors);
    return DownloadLoss(backend_, loss);
  }

 private:
  Backend& backend_;
  LossOptions options_;
};

class EuclideanTripletLoss final : public Loss {
 public:
  EuclideanTripletLoss(Backend& backend, const LossOptions& options)
      : backend_(backend), options_(options) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    LACOS_CHECK(batch.negatives == batch.examples,
                "a triplet batch has one negative for each anchor");
    const ArenaScope scope(arena);
    const int64_t n = batch.examples;
    const TensorView loss = arena.Allocate(backend_.Types().statistic, {1});
    backend_.TripletLoss(vectors.Rows(0, n), vectors.Rows(n, 2 * n), vectors.Rows(2 * n, 3 * n),
                         options_.margin, loss, dvectors.Rows(0, n), dvectors.Rows(n, 2 * n),
                         dvectors.Rows(2 * n, 3 * n));
    return DownloadLoss(backend_, loss);
  }

 private:
  Backend& backend_;
  LossOptions options_;
};

// The sum of one objective over vectors truncated to several leading dimensions.
class MatryoshkaLoss final : public Loss {
 public:
  MatryoshkaLoss(Backend& backend, std::vector<int64_t> dimensions,
                 std::vector<std::unique_ptr<Loss>> inner)
      : backend_(backend), dimensions_(std::move(dimensions)), inner_(std::move(inner)) {}

  std::vector<TrainableTensor> parameters() const override {
    std::vector<TrainableTensor> all;
    for (size_t i = 0; i < inner_.size(); ++i) {
      for (TrainableTensor tensor : inner_[i]->parameters()) {
        tensor.name = fmt::format("matryoshka.{}.{}", dimensions_[i], tensor.name);
        all.push_back(tensor);
      }
    }
    return all;
  }

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    LossResult sum;
    backend_.Fill(dvectors, 0);
    for (size_t i = 0; i < inner_.size(); ++i) {
      const ArenaScope scope(arena);
      const Shape shape{vectors.rows(), dimensions_[i]};
      const TensorView head = arena.Allocate(vectors.dtype, shape);
      const TensorView dhead = arena.Allocate(dvectors.dtype, shape);
      backend_.CopyColumns(vectors, /*accumulate=*/false, head);
      const LossResult one = inner_[i]->Compute(arena, batch, head, dhead);
      backend_.CopyColumns(dhead, /*accumulate=*/true, dvectors);
      sum.loss += one.loss;
      sum.tangent += one.tangent;
      if (i == 0) sum.accuracy = one.accuracy;
    }
    return sum;
  }

 private:
  Backend& backend_;
  std::vector<int64_t> dimensions_;
  std::vector<std::unique_ptr<Loss>> inner_;
};

std::unique_ptr<Loss> MakePlainLoss(Backend& backend, const LossOptions& options,
                                    int64_t dimension) {
  switch (options.kind) {
    case LossKind::kMnr:
      return std::make_unique<MnrLoss>(backend, options);
    case LossKind::kSoftmax:
      return std::make_unique<SoftmaxLoss>(backend, options, dimension);
    case LossKind::kCosine:
    case LossKind::kCosent:
      return std::make_unique<CosineLoss>(backend, options);
    case LossKind::kTriplet:
      return std::make_unique<EuclideanTripletLoss>(backend, options);
  }
  LACOS_CHECK(false, "the loss kinds are listed");
  return nullptr;
}

}  // namespace

std::unique_ptr<Loss> MakeLoss(Backend& backend, const LossOptions& options, int64_t dimension) {
  if (options.matryoshka.empty()) return MakePlainLoss(backend, options, dimension);
  std::vector<std::unique_ptr<Loss>> inner;
  for (const int64_t d : options.matryoshka) {
    if (d < 1 || d > dimension) {
      throw UserError(fmt::format(
          "[--matryoshka] found dimension {}; expected 1 to {}, the width of the vectors; leave "
          "it out or choose a smaller one",
          d, dimension));
    }
    inner.push_back(MakePlainLoss(backend, options, d));
  }
  return std::make_unique<MatryoshkaLoss>(backend, options.matryoshka, std::move(inner));
}

}  // namespace lacos
