#include "lacos/train/losses/loss_steps.h"
#include "lacos/kernels/transfer.h"

#include <complex>
#include <vector>

namespace lacos {

LossResult DownloadLoss(Backend& backend, const TensorView& loss, double weight) {
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

double ShareOfTargetsFirst(Backend& backend, const TensorView& scores,
                           std::span<const int32_t> targets, std::span<const int32_t> mask) {
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

UnitVectors::UnitVectors(Backend& backend, Arena& arena, const TensorView& vectors)
    : backend_(backend),
      values_(arena.Allocate(vectors.dtype, vectors.shape)),
      norm_(arena.Allocate(backend.Types().statistic, {vectors.rows()})),
      gradient_(arena.Allocate(vectors.dtype, vectors.shape)) {
  backend_.L2Normalize(vectors, norm_, values_);
}

void UnitVectors::Backward(const TensorView& dvectors) const {
  backend_.L2NormalizeBackward(gradient_, values_, norm_, /*accumulate=*/false, dvectors);
}

PairCosines::PairCosines(Backend& backend, Arena& arena, const TensorView& vectors)
    : backend_(backend),
      unit_(backend, arena, vectors),
      pairs_(vectors.rows() / 2),
      values_(arena.Allocate(backend.Types().statistic, {pairs_})),
      gradient_(arena.Allocate(backend.Types().statistic, {pairs_})) {
  backend_.RowDot(unit_.values().Rows(0, pairs_), unit_.values().Rows(pairs_, 2 * pairs_), values_);
}

void PairCosines::Backward(const TensorView& dvectors) const {
  const TensorView &unit = unit_.values(), &dunit = unit_.gradient();
  backend_.RowScale(unit.Rows(pairs_, 2 * pairs_), gradient_, /*accumulate=*/false,
                    dunit.Rows(0, pairs_));
  backend_.RowScale(unit.Rows(0, pairs_), gradient_, /*accumulate=*/false,
                    dunit.Rows(pairs_, 2 * pairs_));
  unit_.Backward(dvectors);
}

}  // namespace lacos
