#include "lacos/train/losses/softmax.h"

#include <cmath>
#include <string>
#include <vector>

#include "lacos/base/rng.h"
#include "lacos/kernels/transfer.h"
#include "lacos/model/packed_texts.h"
#include "lacos/train/losses/loss_steps.h"

namespace lacos {
namespace {

// The leaves of a sum over n rows of vectors. They are those of n texts of one token each.
TokenLeaves MakeRowLeaves(int64_t n) {
  TokenLeaves leaves{.begin = {0}};
  for (int64_t cut = kLeafTokens; cut < n; cut += kLeafTokens) leaves.begin.push_back(cut);
  leaves.begin.push_back(n);
  return leaves;
}

// The classifier's weight [3, 3D] is kept as three parts [3, D].
class SoftmaxLoss final : public Loss {
 public:
  SoftmaxLoss(Backend& backend, const LossOptions& options, int64_t dimension) : backend_(backend) {
    Random random(options.seed, RandomStream::kHead);
    // torch.nn.Linear's default
    const double bound = 1 / std::sqrt(3.0 * static_cast<double>(dimension));
    const auto make = [&](const std::string& name, Shape shape) {
      const TrainableTensor tensor = NewTrainable(backend_, name, shape, buffers_);
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
    const TensorView ddifference = arena.Allocate(types.statistic, u.shape);
    const TensorView logits = arena.Allocate(types.statistic, {n, kLabels});
    const TensorView dlogits = arena.Allocate(types.statistic, {n, kLabels});
    const TensorView ones = arena.Allocate(types.statistic, {n, 1});
    const TensorView loss = arena.Allocate(types.statistic, {1});
    const TensorView features[] = {u, v, difference};
    const TensorView dfeatures[] = {du, dv, ddifference};

    backend_.Fill(ones, 1);
    backend_.AbsDifference(u, v, difference);
    backend_.MatMul(ones, Transpose::kNo, parameters_[3].value, Transpose::kNo, 1, 0, logits);
    for (int i = 0; i < 3; ++i)
      backend_.MatMul(features[i], Transpose::kNo, parameters_[i].value, Transpose::kYes, 1, 1,
                      logits);
    backend_.SoftmaxCrossEntropy(logits, {}, UploadTargets(backend_, arena, batch.labels), loss,
                                 dlogits);
    const TokenLeaves leaves = MakeRowLeaves(n);
    for (int i = 0; i < 3; ++i) {
      backend_.MatMul(dlogits, Transpose::kNo, parameters_[i].value, Transpose::kNo, 1, 0,
                      dfeatures[i]);
      backend_.TokenOuter(dlogits, features[i], leaves, 1, parameters_[i].sum);
    }
    backend_.TokenSum(dlogits, leaves, parameters_[3].sum);
    backend_.AbsDifferenceBackward(ddifference, u, v, du, dv);
    LossResult result = DownloadLoss(backend_, loss);
    result.accuracy = ShareOfTargetsFirst(backend_, logits, batch.labels, {});
    return result;
  }

 private:
  static constexpr int64_t kLabels = 3;
  Backend& backend_;
  std::vector<Buffer> buffers_;
  std::vector<TrainableTensor> parameters_;  // u, v, difference, bias
};

}  // namespace

LossDescription DescribeSoftmax() {
  return {.inputs = {.kinds = {ExampleKind::kLabelled},
                     .expected = "columns sentence1, sentence2 and label"},
          .accuracy = "classified right, % of pairs",
          .make = [](Backend& backend, const LossOptions& options, int64_t dimension) {
            return std::make_unique<SoftmaxLoss>(backend, options, dimension);
          }};
}

}  // namespace lacos
