#include "lacos/kernels/cpu/linear/frozen_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lacos/base/checked_math.h"
#include "lacos/kernels/cpu/convert.h"
#include "lacos/kernels/cpu/ranges.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos::cpu {
namespace {

float AbsmaxAt(const QuantizedMatrix& m, int64_t block) {
  float absmax;  // copied with memcpy, because a mapped file may be unaligned
  std::memcpy(&absmax, reinterpret_cast<const std::byte*>(m.absmax) + block * sizeof(float),
              sizeof(float));
  return absmax;
}

// Whether the scale of a block can be used in f32. Scales below the normal range have too few bits;
// quant/code.h decodes such blocks in double.
bool NormalScale(float absmax) { return absmax == 0 || std::isnormal(LinearScale(absmax)); }

// Decodes values [begin, begin + count) of the flattened matrix, which all lie in one block.
void DecodeSegment(const QuantizedMatrix& m, int64_t begin, int64_t count, float absmax, bool round,
                   Floats out) {
  if (m.scheme == QuantScheme::kLinear && NormalScale(absmax)) {
    return DecodeLinearCodes(m.codes + begin, LinearScale(absmax), round, count, out);
  }
  constexpr int64_t kChunk = 1024;
  float values[kChunk];
  for (int64_t i = 0; i < count; i += kChunk) {
    const int64_t n = std::min(kChunk, count - i);
    Decode(m, begin + i, n, values);
    ConvertScaled(FloatsOf(static_cast<const float*>(values)), nullptr, round, n, out.At(i));
  }
}

}  // namespace

WeightId FrozenWeights::Add(const QuantizedMatrix& matrix) {
  LACOS_CHECK(matrix.codes != nullptr && matrix.rows > 0 && matrix.cols > 0,
              "a frozen weight has values");
  Weight weight{matrix};
  if (matrix.scheme == QuantScheme::kNone) {
    const auto address = reinterpret_cast<uintptr_t>(matrix.codes);
    weight.in_place = type_ == ProductType::kF32 ? matrix.dtype == DType::kF32 && address % 4 == 0
                      : type_ == ProductType::kBF16
                          ? matrix.dtype == DType::kBF16 && address % 2 == 0
                          : false;
  } else {
    LACOS_CHECK(matrix.absmax != nullptr && matrix.block_size > 0, "8-bit codes have scales");
    LACOS_CHECK(matrix.scheme != QuantScheme::kDynamic || matrix.code_map != nullptr,
                "dynamic codes have a map");
    if (type_ != ProductType::kF32 && matrix.scheme == QuantScheme::kLinear && matrix.RowWise()) {
      for (int64_t row = 0; row < matrix.rows && NormalScale(AbsmaxAt(matrix, row)); ++row) {
        weight.row_scale.push_back(LinearScale(AbsmaxAt(matrix, row)));
      }
      if (static_cast<int64_t>(weight.row_scale.size()) < matrix.rows) weight.row_scale.clear();
      weight.in_place = type_ == ProductType::kInt8 && !weight.row_scale.empty();
    }
  }
  weights_.push_back(std::move(weight));
  return static_cast<WeightId>(weights_.size()) - 1;
}

void FrozenWeights::Move(WeightId weight, const QuantizedMatrix& matrix) {
  const QuantizedMatrix& old = Entry(weight).matrix;
  LACOS_CHECK(matrix.codes != nullptr && matrix.rows == old.rows && matrix.cols == old.cols &&
                  matrix.scheme == old.scheme && matrix.dtype == old.dtype,
              "the matrix is the one that was added");
  // The alignment of the values decided which products read them in place.
  constexpr uintptr_t kAligned = 4;
  LACOS_CHECK(reinterpret_cast<uintptr_t>(matrix.codes) % kAligned ==
                  reinterpret_cast<uintptr_t>(old.codes) % kAligned,
              "the matrix keeps its alignment");
  weights_[weight].matrix = matrix;
}

const FrozenWeights::Weight& FrozenWeights::Entry(WeightId weight) const {
  LACOS_CHECK(weight >= 0 && static_cast<size_t>(weight) < weights_.size(),
              "a weight that AddWeight returned");
  return weights_[weight];
}

// Elements from one row of a decoded matrix to the next. Rows get one more cache line if they would
// otherwise be a multiple of 256 bytes apart: dx = dy W reads W by columns, and rows of 4,096 bytes
// (D = 1024) made it half as fast, 42 against 89 GFLOP/s per core on Zen 3. The forward product
// gained 5 %.
int64_t FrozenWeights::RowStride(const Weight& weight) const {
  const int64_t line = 64 / static_cast<int64_t>(ElementBytes());
  const int64_t cols = weight.matrix.cols;
  const bool dense = weight.in_place || layout_ == WeightLayout::kDenseTiles;
  return dense || cols % (4 * line) != 0 ? cols : cols + line;
}

bool FrozenWeights::Tiled(const Weight& weight, Orientation orientation) const {
  return layout_ == WeightLayout::kDenseTiles && type_ != ProductType::kInt8 &&
         orientation == Orientation::kBackward && weight.matrix.cols > kTileColumns;
}

int64_t FrozenWeights::Stride(WeightId weight, Orientation orientation) const {
  const Weight& w = Entry(weight);
  return Tiled(w, orientation) ? 0 : RowStride(w);
}

bool FrozenWeights::InPlace(WeightId weight, Orientation orientation) const {
  const Weight& w = Entry(weight);
  return w.in_place && !Tiled(w, orientation);
}

bool FrozenWeights::IsDecoded(WeightId weight, Orientation orientation) const {
  return InPlace(weight, orientation) ||
         (decoded_ == weight && decoded_tiled_ == Tiled(Entry(weight), orientation));
}

size_t FrozenWeights::DecodedBytes(WeightId weight, Orientation orientation) const {
  if (InPlace(weight, orientation)) return 0;
  const Weight& w = Entry(weight);
  if (type_ == ProductType::kInt8) return static_cast<size_t>(w.matrix.rows * w.matrix.cols);
  const int64_t stride = Tiled(w, orientation) ? w.matrix.cols : RowStride(w);
  return static_cast<size_t>(w.matrix.rows * stride) * ElementBytes();
}

const float* FrozenWeights::RowScale(WeightId weight) const {
  const Weight& w = Entry(weight);
  return w.row_scale.empty() ? nullptr : w.row_scale.data();
}

// Decodes columns [begin, end) of one row.
void FrozenWeights::DecodeRow(const Weight& weight, int64_t row, int64_t begin, int64_t end,
                              Floats out) const {
  const QuantizedMatrix& m = weight.matrix;
  const bool round = type_ != ProductType::kF32;
  const int64_t first = row * m.cols + begin, last = row * m.cols + end;
  if (m.scheme == QuantScheme::kNone) {
    std::vector<float> values(static_cast<size_t>(last - first));
    const std::byte* source = m.codes + first * SizeOf(m.dtype);
    LACOS_CHECK(DecodeToFloat(m.dtype, source, values.size(), values.data()),
                "plain weights have a floating type");
    ConvertScaled(FloatsOf(values.data()), nullptr, round, last - first, out);
  } else if (!weight.row_scale.empty()) {
    DecodeLinearCodes(m.codes + first, 1.0f, false, last - first, out);
  } else {
    for (int64_t i = first; i < last;) {
      const int64_t block = i / m.block_size;
      const int64_t stop = std::min(last, (block + 1) * m.block_size);
      DecodeSegment(m, i, stop - i, AbsmaxAt(m, block), round, out.At(i - first));
      i = stop;
    }
  }
}

DecodedWeight FrozenWeights::Whole(WeightId weight, Orientation orientation) {
  const Weight& w = Entry(weight);
  const bool bf16 = type_ == ProductType::kBF16;
  const float* row_scale = RowScale(weight);
  if (InPlace(weight, orientation)) return {{w.matrix.codes, bf16}, row_scale};
  const Floats out{scratch_.Bytes(DecodedBytes(weight, orientation)), bf16};
  if (!IsDecoded(weight, orientation)) {
    decoded_ = -1;  // in case decoding throws
    const int64_t rows = w.matrix.rows, cols = w.matrix.cols, stride = RowStride(w);
    const bool tiled = Tiled(w, orientation);
    const int64_t width = tiled ? kTileColumns : cols;
    RunRanges(rows, RowGrain(cols) * 4, [&](int64_t begin, int64_t end) {
      for (int64_t first = 0; first < cols; first += width) {
        const int64_t last = std::min(cols, first + width);
        const Floats tile = out.At(first * rows);
        const int64_t step = tiled ? last - first : stride;
        for (int64_t row = begin; row < end; ++row) {
          DecodeRow(w, row, first, last, tile.At(row * step));
        }
      }
    });
    decoded_ = weight;
    decoded_tiled_ = tiled;
  }
  return {out, row_scale};
}

ConstFloats FrozenWeights::Tile(const DecodedWeight& whole, WeightId weight,
                                Orientation orientation, int64_t column) const {
  const Weight& w = Entry(weight);
  if (orientation == Orientation::kForward) return whole.values.At(column * RowStride(w));
  return whole.values.At(Tiled(w, orientation) ? column * w.matrix.rows : column);
}

// Encodes the matrix with one linear scale for each row, whatever scheme it is stored in.
void FrozenWeights::EncodeRows(Weight& weight, int8_t* codes) const {
  const QuantizedMatrix& m = weight.matrix;
  weight.row_scale.resize(static_cast<size_t>(m.rows));
  RunRanges(m.rows, RowGrain(m.cols), [&](int64_t begin, int64_t end) {
    std::vector<float> values(static_cast<size_t>(m.cols));
    for (int64_t row = begin; row < end; ++row) {
      Decode(m, row * m.cols, m.cols, values.data());
      float absmax = 0;
      EncodeLinear(values, m.cols, codes + row * m.cols, &absmax);
      weight.row_scale[row] = LinearScale(absmax);
    }
  });
}

RowCodes FrozenWeights::Codes(WeightId weight) {
  LACOS_CHECK(type_ == ProductType::kInt8, "codes are for integer products");
  Entry(weight);  // checks the index
  Weight& w = weights_[weight];
  if (w.in_place) return {reinterpret_cast<const int8_t*>(w.matrix.codes), w.row_scale.data()};
  constexpr Orientation kEither = Orientation::kForward;
  auto* codes = reinterpret_cast<int8_t*>(scratch_.Bytes(DecodedBytes(weight, kEither)));
  if (!IsDecoded(weight, kEither)) {
    decoded_ = -1;  // in case decoding throws
    EncodeRows(w, codes);
    decoded_ = weight;
  }
  return {codes, w.row_scale.data()};
}

DecodedWeight FrozenWeights::SomeRows(WeightId weight, int64_t begin, int64_t end,
                                      std::byte* out) const {
  const Weight& w = Entry(weight);
  const bool bf16 = type_ == ProductType::kBF16;
  const int64_t stride = RowStride(w);
  const float* row_scale = w.row_scale.empty() ? nullptr : w.row_scale.data() + begin;
  if (w.in_place) return {ConstFloats{w.matrix.codes, bf16}.At(begin * stride), row_scale};
  const Floats rows{out, bf16};
  for (int64_t row = begin; row < end; ++row) {
    DecodeRow(w, row, 0, w.matrix.cols, rows.At((row - begin) * stride));
  }
  return {rows, row_scale};
}

}  // namespace lacos::cpu
