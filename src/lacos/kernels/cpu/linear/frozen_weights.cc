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

// Decodes values [begin, begin + count) of the flattened matrix: of one that is stored as numbers, or of
// one block.
void DecodeValues(const QuantizedMatrix& m, int64_t begin, int64_t count, bool round, Floats out) {
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
    if (matrix.scheme == QuantScheme::kLinear && matrix.RowWise()) {
      std::vector<float>& scales =
          type_ == ProductType::kF32 ? weight.value_scale : weight.row_scale;
      for (int64_t row = 0; row < matrix.rows && NormalScale(AbsmaxAt(matrix, row)); ++row) {
        scales.push_back(LinearScale(AbsmaxAt(matrix, row)));
      }
      if (static_cast<int64_t>(scales.size()) < matrix.rows) scales.clear();
      weight.in_place = type_ == ProductType::kInt8 && !scales.empty();
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

size_t FrozenWeights::EncodedBytes(WeightId weight) const {
  const Weight& w = Entry(weight);
  return w.in_place ? 0 : static_cast<size_t>(w.matrix.rows * w.matrix.cols);
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
  if (m.scheme == QuantScheme::kNone) return DecodeValues(m, first, last - first, round, out);
  for (int64_t i = first; i < last;) {
    const int64_t block = i / m.block_size;
    const int64_t stop = std::min(last, (block + 1) * m.block_size);
    const float absmax = AbsmaxAt(m, block);
    if (m.scheme == QuantScheme::kLinear && NormalScale(absmax)) {
      DecodeLinearCodes(m.codes + i, LinearScale(absmax), round, stop - i, out.At(i - first));
    } else {
      DecodeValues(m, i, stop - i, round, out.At(i - first));
    }
    i = stop;
  }
}

void FrozenWeights::PackPiece(WeightId weight, Orientation orientation, int64_t column,
                              int64_t columns, int64_t begin, int64_t depth,
                              uint32_t* panel) const {
  const Weight& w = Entry(weight);
  const QuantizedMatrix& m = w.matrix;
  const bool forward = orientation == Orientation::kForward;
  const int64_t row = forward ? column : begin, rows = forward ? columns : depth;
  const int64_t col = forward ? begin : column, cols = forward ? depth : columns;
  PanelSource source{
      .element = Panels(), .by_columns = forward, .columns = columns, .depth = depth};
  if (w.in_place || !w.row_scale.empty() || !w.value_scale.empty()) {
    source.codes = !w.in_place;
    const int64_t value = source.codes ? 1 : type_ == ProductType::kBF16 ? 2 : 4;
    source.values = m.codes + (row * m.cols + col) * value;
    source.stride = m.cols;
    // the rest of these rows, or else the next columns
    if (forward && begin + depth < m.cols) {
      source.next = source.values + depth * value;
    } else if (forward && column + 2 * columns <= m.rows) {
      source.next = source.values + (columns * m.cols - begin) * value;
    }
    if (!w.value_scale.empty()) source.scale = w.value_scale.data() + row;
    return PackPanelPiece(source, panel);
  }
  LACOS_CHECK(columns <= kMostPanelColumns && PanelUnits(Panels(), depth) <= kPanelPieceUnits,
              "a piece of one panel");
  alignas(64) std::byte decoded[kMostPanelColumns * kPanelPieceUnits * sizeof(uint32_t)];
  const Floats out{decoded, type_ == ProductType::kBF16};
  for (int64_t r = 0; r < rows; ++r) DecodeRow(w, row + r, col, col + cols, out.At(r * cols));
  source.values = decoded;
  source.stride = cols;
  PackPanelPiece(source, panel);
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
  const bool is_encoded = encoded_ == weight;
  if (!is_encoded) encoded_ = -1;  // also if there is no memory for this one, or encoding throws
  auto* codes = reinterpret_cast<int8_t*>(scratch_.Bytes(EncodedBytes(weight)));
  if (!is_encoded) {
    EncodeRows(w, codes);
    encoded_ = weight;
  }
  return {codes, w.row_scale.data()};
}

}  // namespace lacos::cpu
