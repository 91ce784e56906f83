#include "lacos/train/losses/cosent.h"

#include "lacos/kernels/transfer.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

class CosentLoss final : public Loss {
 public:
  CosentLoss(Backend& backend, double scale) : backend_(backend), scale_(scale) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const PairCosines cosines(backend_, arena, vectors);
    const TensorView gold = arena.Allocate(backend_.Types().statistic, {batch.examples});
    const TensorView loss = arena.Allocate(backend_.Types().statistic, {1});
    UploadFloats(backend_, batch.scores, gold);
    backend_.CosentLoss(cosines.values(), gold, scale_, loss, cosines.gradient());
    cosines.Backward(dvectors);
    return DownloadLoss(backend_, loss);
  }

 private:
  Backend& backend_;
  double scale_;
};

}  // namespace

LossDescription DescribeCosent() {
  return {.inputs = {.kinds = {ExampleKind::kScored},
                     .expected = "columns sentence1, sentence2 and score"},
          .make = [](Backend& backend, const LossOptions& options, int64_t) {
            return std::make_unique<CosentLoss>(backend, options.scale);
          }};
}

}  // namespace lacos
