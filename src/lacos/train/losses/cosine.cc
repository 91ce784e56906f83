#include "lacos/train/losses/cosine.h"

#include "lacos/kernels/transfer.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

class CosineLoss final : public Loss {
 public:
  explicit CosineLoss(Backend& backend) : backend_(backend) {}

  LossResult Compute(Arena& arena, const LossBatch& batch, const TensorView& vectors,
                     const TensorView& dvectors) override {
    const ArenaScope scope(arena);
    const PairCosines cosines(backend_, arena, vectors);
    const TensorView gold = arena.Allocate(backend_.Types().statistic, {batch.examples});
    const TensorView loss = arena.Allocate(backend_.Types().statistic, {1});
    UploadFloats(backend_, batch.scores, gold);
    backend_.MeanSquaredError(cosines.values(), gold, loss, cosines.gradient());
    cosines.Backward(dvectors);
    return DownloadLoss(backend_, loss);
  }

 private:
  Backend& backend_;
};

}  // namespace

LossDescription DescribeCosine() {
  return {.inputs = {.kinds = {ExampleKind::kScored},
                     .expected = "columns sentence1, sentence2 and score"},
          .make = [](Backend& backend, const LossOptions&, int64_t) {
            return std::make_unique<CosineLoss>(backend);
          }};
}

}  // namespace lacos
