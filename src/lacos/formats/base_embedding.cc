#include "lacos/formats/base_embedding.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lacos/base/check.h"
#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

class BaseWeightsEmbedding : public EmbeddingSource {
 public:
  explicit BaseWeightsEmbedding(std::shared_ptr<BaseWeights> base_weights)
      : base_weights_(std::move(base_weights)), codes_(base_weights_->Tensor(kName)) {
    rows_ = codes_.entry.shape[0];
    cols_ = codes_.entry.shape[1];
    if (IsFloating(codes_.entry.dtype)) return;
    scheme_ = base_weights_->quantization().scheme;
    block_ = base_weights_->quantization().BlockSize(cols_);
    absmax_ = base_weights_->Tensor(std::string(kName) + std::string(kAbsmax));
    if (scheme_ == QuantScheme::kDynamic) {
      const StoredTensor& map = base_weights_->Tensor(std::string(kName) + std::string(kQuantMap));
      map_.resize(256);
      map.file->file()->ReadAt(map.entry.offset, std::as_writable_bytes(std::span(map_)));
    }
  }

  int64_t rows() const override { return rows_; }
  int64_t cols() const override { return cols_; }

  void ReadRow(int64_t row, std::span<float> out) const override {
    LACOS_CHECK(row >= 0 && row < rows_, "an embedding row lies inside the table");
    LACOS_CHECK(static_cast<int64_t>(out.size()) == cols_, "a row has D values");
    const int64_t size = static_cast<int64_t>(SizeOf(codes_.entry.dtype));
    // Whole blocks are read, from the one that holds the row's first value. It may begin in the row
    // before.
    const int64_t first =
        scheme_ == QuantScheme::kNone ? row * cols_ : row * cols_ / block_ * block_;
    const int64_t count = (row + 1) * cols_ - first;
    thread_local std::vector<std::byte> bytes;
    bytes.resize(static_cast<size_t>(count * size));
    codes_.file->file()->ReadAt(codes_.entry.offset + first * size, bytes);
    QuantizedMatrix window{
        .name = kName, .rows = 1, .cols = count, .scheme = scheme_, .dtype = codes_.entry.dtype};
    window.codes = bytes.data();
    thread_local std::vector<float> absmax;
    if (scheme_ != QuantScheme::kNone) {
      absmax.resize(static_cast<size_t>(CeilDivide(count, block_)));
      const int64_t offset =
          absmax_.entry.offset + first / block_ * static_cast<int64_t>(sizeof(float));
      absmax_.file->file()->ReadAt(offset, std::as_writable_bytes(std::span(absmax)));
      window.block_size = block_;
      window.absmax = absmax.data();
      window.code_map = map_.empty() ? nullptr : map_.data();
    }
    Decode(window, row * cols_ - first, cols_, out.data());
    for (const float value : out) {
      if (std::isfinite(value)) continue;
      throw UserError(fmt::format(
          "[{}: {}] has {} in row {}; expected finite numbers; check the file against its "
          "source",
          codes_.file->path(), codes_.entry.name, value, row));
    }
  }

 private:
  static constexpr char kName[] = "word_embeddings.weight";
  std::shared_ptr<BaseWeights> base_weights_;
  StoredTensor codes_, absmax_;
  int64_t rows_ = 0, cols_ = 0, block_ = 0;
  QuantScheme scheme_ = QuantScheme::kNone;
  std::vector<float> map_;
};

}  // namespace

std::unique_ptr<EmbeddingSource> MakeEmbeddingSource(std::shared_ptr<BaseWeights> base_weights) {
  return std::make_unique<BaseWeightsEmbedding>(std::move(base_weights));
}

}  // namespace lacos
