#include "lacos/train/losses/angle.h"

#include "lacos/kernels/transfer.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

class AngleLoss final : public Loss {
 public:
  AngleLoss(Backend& backend, double scale) : backend_(backend), scale_(scale) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const DType statistic = backend_.Types().statistic;
    const int64_t n = batch.examples;
    const UnitVectors unit(backend_, arena, vectors);
    const TensorView similarity = arena.Allocate(statistic, {n});
    const TensorView dsimilarity = arena.Allocate(statistic, {n});
    const TensorView gold = arena.Allocate(statistic, {n});
    const TensorView loss = arena.Allocate(statistic, {1});
    const TensorView u = unit.values().Rows(0, n), v = unit.values().Rows(n, 2 * n);
    UploadFloats(backend_, batch.scores, gold);
    backend_.AngleSimilarity(u, v, similarity);
    backend_.CosentLoss(similarity, gold, scale_, loss, dsimilarity);
    backend_.AngleSimilarityBackward(dsimilarity, u, v, unit.gradient().Rows(0, n),
                                     unit.gradient().Rows(n, 2 * n));
    unit.Backward(dvectors);
    return DownloadLoss(backend_, loss);
  }

 private:
  Backend& backend_;
  double scale_;
};

}  // namespace

LossDescription DescribeAngle() {
  return {.inputs = {.kinds = {ExampleKind::kScored},
                     .expected = "columns sentence1, sentence2 and score"},
          .make = [](Backend& backend, const LossOptions& options, int64_t) {
            return std::make_unique<AngleLoss>(backend, options.scale);
          }};
}

}  // namespace lacos
