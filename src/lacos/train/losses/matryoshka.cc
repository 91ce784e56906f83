#include "lacos/train/losses/matryoshka.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace lacos {
namespace {

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

}  // namespace

std::unique_ptr<Loss> MakeMatryoshka(Backend& backend, std::vector<int64_t> dimensions,
                                     std::vector<std::unique_ptr<Loss>> inner) {
  return std::make_unique<MatryoshkaLoss>(backend, std::move(dimensions), std::move(inner));
}

}  // namespace lacos
