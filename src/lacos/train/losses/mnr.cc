#include "lacos/train/losses/mnr.h"

#include <numeric>
#include <span>
#include <vector>

#include "lacos/kernels/transfer.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

class MnrLoss final : public Loss {
 public:
  MnrLoss(Backend& backend, const LossOptions& options) : backend_(backend), options_(options) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const int64_t n = batch.examples, m = vectors.rows();
    const UnitVectors unit(backend_, arena, vectors);
    const TensorView &y = unit.values(), &dy = unit.gradient();
    backend_.Fill(dy, 0);
    std::vector<int32_t> targets(static_cast<size_t>(n));
    std::iota(targets.begin(), targets.end(), 0);

    const double weight = options_.symmetric ? 0.5 : 1.0;
    LossResult result = OneDirection(arena, y.Rows(0, n), y.Rows(n, m), targets, Mask(batch, m - n),
                                     weight, dy.Rows(0, n), dy.Rows(n, m));
    if (options_.symmetric) {
      const LossResult back =
          OneDirection(arena, y.Rows(n, 2 * n), y.Rows(0, n), targets, Mask(batch, n), weight,
                       dy.Rows(n, 2 * n), dy.Rows(0, n));
      result.loss += back.loss;
      result.tangent += back.tangent;
    }
    unit.Backward(dvectors);
    return result;
  }

 private:
  // The mask [N * columns], or empty. With classes, other examples of the same class are positives
  // and are left out of the denominator.
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

  // The cross entropy of scale * queries candidates^T and `targets`, times `weight`. Adds the
  // gradients to dqueries and dcandidates.
  LossResult OneDirection(Arena& arena, const TensorView& queries, const TensorView& candidates,
                          std::span<const int32_t> targets, const std::vector<int32_t>& mask,
                          double weight, const TensorView& dqueries,
                          const TensorView& dcandidates) {
    const ArenaScope scope(arena);
    const TypeSet types = backend_.Types();
    const Shape shape{queries.rows(), candidates.rows()};
    const TensorView scores = arena.Allocate(types.statistic, shape);
    const TensorView dscores = arena.Allocate(types.statistic, shape);
    const TensorView loss = arena.Allocate(types.statistic, {1});
    TensorView mask_view;
    if (!mask.empty()) {
      mask_view = arena.Allocate(DType::kU8, shape);
      UploadInts(backend_, mask, mask_view);
    }
    backend_.MatMul(queries, Transpose::kNo, candidates, Transpose::kYes, options_.scale, 0,
                    scores);
    backend_.SoftmaxCrossEntropy(scores, mask_view, UploadTargets(backend_, arena, targets), loss,
                                 dscores);
    backend_.MatMul(dscores, Transpose::kNo, candidates, Transpose::kNo, options_.scale * weight, 1,
                    dqueries);
    backend_.MatMul(dscores, Transpose::kYes, queries, Transpose::kNo, options_.scale * weight, 1,
                    dcandidates);
    LossResult result = DownloadLoss(backend_, loss, weight);
    result.accuracy = ShareOfTargetsFirst(backend_, scores, targets, mask);
    return result;
  }

  Backend& backend_;
  LossOptions options_;
};

}  // namespace

LossDescription DescribeMnr() {
  return {
      .inputs = {.kinds = {ExampleKind::kPairs, ExampleKind::kClasses, ExampleKind::kUnlabelled},
                 .expected =
                     "pairs (with or without labels), texts with class labels, or texts alone"},
      .accuracy = "positive ranks first, % of anchors",
      .make = [](Backend& backend, const LossOptions& options, int64_t) {
        return std::make_unique<MnrLoss>(backend, options);
      }};
}

}  // namespace lacos
