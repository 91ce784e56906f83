#include "lacos/train/losses/triplet.h"

#include "lacos/base/check.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

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

}  // namespace

LossDescription DescribeTriplet() {
  return {
      .inputs = {.kinds = {ExampleKind::kPairs},
                 .expected =
                     "columns anchor, positive and negative, or NLI pairs with `hard_negatives`",
                 .one_negative = true},
      .make = [](Backend& backend, const LossOptions& options, int64_t) {
        return std::make_unique<EuclideanTripletLoss>(backend, options);
      }};
}

}  // namespace lacos
