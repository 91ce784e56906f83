#include "lacos/kernels/cuda/linear/frozen_weights.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "lacos/base/checked_math.h"
#include "lacos/base/error.h"
#include "lacos/base/parallel.h"
#include "lacos/quant/code.h"
#include "lacos/tensor/convert.h"

namespace lacos::cuda {
namespace {

// Matrices that have to be converted on the host pass through pieces of this size.
constexpr int64_t kPieceValues = int64_t{1} << 21;
constexpr size_t kMapValues = 256;

float AbsmaxOf(const QuantizedMatrix& m, int64_t block) {
  float absmax;  // copied with memcpy, because a mapped file may be unaligned
  std::memcpy(&absmax, reinterpret_cast<const std::byte*>(m.absmax) + block * sizeof(float),
              sizeof(float));
  return absmax;
}

// Whether every row has one linear scale that f32 holds with all its bits; see quant/code.h.
bool HasRowScales(const QuantizedMatrix& m) {
  if (m.scheme != QuantScheme::kLinear || !m.RowWise()) return false;
  for (int64_t row = 0; row < m.rows; ++row) {
    const float absmax = AbsmaxOf(m, row);
    if (absmax != 0 && !std::isnormal(LinearScale(absmax))) return false;
  }
  return true;
}

int64_t Blocks(const QuantizedMatrix& m) { return CeilDivide(m.rows * m.cols, m.block_size); }

std::byte* Raw(const Buffer& buffer) { return buffer.data(); }

}  // namespace

WeightId FrozenWeights::Add(const QuantizedMatrix& matrix) {
  LACOS_CHECK(matrix.codes != nullptr && matrix.rows > 0 && matrix.cols > 0,
              "a frozen weight has values");
  LACOS_CHECK(std::max(matrix.rows, matrix.cols) < (int64_t{1} << 30), "sizes fit in 32 bit");
  Weight weight{.matrix = matrix};
  if (matrix.scheme != QuantScheme::kNone) {
    LACOS_CHECK(matrix.absmax != nullptr && matrix.block_size > 0, "8-bit codes have scales");
    LACOS_CHECK(matrix.scheme != QuantScheme::kDynamic || matrix.code_map != nullptr,
                "dynamic codes have a map");
  }
  const bool rows = HasRowScales(matrix);
  if (compute_ == Compute::kInt8) {
    weight.kept = Kept::kRowCodes;
    weight.encode = !rows;
  } else if (compute_ == Compute::kBF16) {
    weight.kept = rows                                  ? Kept::kRowCodes
                  : matrix.scheme == QuantScheme::kNone ? Kept::kBF16
                                                        : Kept::kStored;
  } else {
    weight.kept = matrix.scheme == QuantScheme::kNone ? Kept::kF32 : Kept::kStored;
  }
  weights_.push_back(std::move(weight));
  return static_cast<WeightId>(weights_.size()) - 1;
}

void FrozenWeights::Move(WeightId weight, const QuantizedMatrix& matrix) {
  const QuantizedMatrix& old = Entry(weight).matrix;
  LACOS_CHECK(matrix.codes != nullptr && matrix.rows == old.rows && matrix.cols == old.cols &&
                  matrix.scheme == old.scheme && matrix.dtype == old.dtype,
              "the matrix is the one that was added");
  weights_[weight].matrix = matrix;
}

const FrozenWeights::Weight& FrozenWeights::Entry(WeightId weight) const {
  LACOS_CHECK(weight >= 0 && static_cast<size_t>(weight) < weights_.size(),
              "a weight that AddWeight returned");
  return weights_[weight];
}

int64_t FrozenWeights::Pitch(const Weight& weight) const {
  const int64_t cols = weight.matrix.cols;
  switch (weight.kept) {
    case Kept::kRowCodes:
      return RoundUp(cols, kWeightAlignment);
    case Kept::kBF16:
      return RoundUp(cols * 2, kWeightAlignment);
    case Kept::kF32:
      return cols * 4;
    case Kept::kStored:
      return cols;
  }
  return 0;
}

void FrozenWeights::Prepare(WeightId weight) {
  Entry(weight);  // checks the index
  Upload(weights_[weight]);
}

size_t FrozenWeights::ValueBytes(const Weight& w) const {
  return static_cast<size_t>(w.matrix.rows * Pitch(w));
}

size_t FrozenWeights::ScaleBytes(const Weight& w) const {
  const QuantizedMatrix& m = w.matrix;
  if (w.kept == Kept::kRowCodes) return static_cast<size_t>(m.rows) * sizeof(float);
  if (w.kept != Kept::kStored) return 0;
  const size_t map = m.scheme == QuantScheme::kDynamic ? kMapValues : 0;
  return (static_cast<size_t>(Blocks(m)) + map) * sizeof(float);
}

size_t FrozenWeights::RingBytes() const {
  constexpr size_t kBlockWeights = 4;
  size_t most = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    size_t block = 0;
    for (size_t k = i; k < std::min(i + kBlockWeights, weights_.size()); ++k)
      block += ValueBytes(weights_[k]) + 256;  // places are multiples of 256
    most = std::max(most, block);
  }
  return 3 * most;
}

size_t FrozenWeights::LeastBytes() const {
  size_t scales = 0, values = 0;
  for (const Weight& w : weights_) {
    scales += ScaleBytes(w);
    values += ValueBytes(w);
  }
  return scales + std::min(values, RingBytes());
}

size_t FrozenWeights::Bytes() const {
  size_t bytes = ring_.Bytes();
  for (const Weight& w : weights_) bytes += w.values.size() + w.scales.size() + w.map.size();
  return bytes;
}

void FrozenWeights::Limit(size_t limit) {
  size_t scales = 0, total = 0;
  for (const Weight& w : weights_) {
    scales += ScaleBytes(w);
    total += ValueBytes(w);
  }
  if (scales + total <= limit) return;
  if (limit < LeastBytes())
    throw UserError(fmt::format(
        "[cuda] {:.2f} GB are left for the base on GPU {}, and three of its blocks with all scales take "
        "{:.2f} GB; expected at least that; lower `batch_size` or `max_length`, or choose device cpu",
        static_cast<double>(limit) / 1e9, context_.device(),
        static_cast<double>(LeastBytes()) / 1e9));
  context_.Synchronize();
  const size_t ring = RingBytes();
  ring_.Reserve(ring);
  // Matrices that stay lie evenly among those that pass through the ring.
  const double share = static_cast<double>(limit - scales - ring) / static_cast<double>(total);
  size_t seen = 0, kept = 0;
  for (Weight& w : weights_) {
    seen += ValueBytes(w);
    w.stays = kept + ValueBytes(w) <= static_cast<size_t>(share * static_cast<double>(seen));
    if (w.stays) {
      kept += ValueBytes(w);
    } else {
      w.values = {};
      w.place = nullptr;
    }
  }
}

void FrozenWeights::Upload(Weight& w) {
  if (w.place != nullptr) return;
  const QuantizedMatrix& m = w.matrix;
  const bool stored = w.kept == Kept::kStored;
  if (Raw(w.scales) == nullptr && (stored || w.kept == Kept::kRowCodes))
    w.scales = context_.Allocate(static_cast<size_t>(stored ? Blocks(m) : m.rows) * sizeof(float));
  if (Raw(w.map) == nullptr && stored && m.scheme == QuantScheme::kDynamic)
    w.map = context_.Allocate(kMapValues * sizeof(float));
  if (w.stays) {
    w.values = context_.Allocate(ValueBytes(w));
    w.place = Raw(w.values);
    w.copy = 0;
  } else {
    const auto index = static_cast<size_t>(&w - weights_.data());
    w.place = ring_.Take(ValueBytes(w), [this, index] { weights_[index].place = nullptr; });
    w.copy = ++copies_;
  }
  if (context_.dry()) return;  // the host's memory is not read
  try {
    switch (w.kept) {
      case Kept::kRowCodes:
        UploadCodes(w);
        break;
      case Kept::kStored:
        UploadStored(w);
        break;
      case Kept::kBF16:
      case Kept::kF32:
        UploadValues(w);
        break;
    }
  } catch (...) {
    w.place = nullptr;
    w.values = {};
    throw;
  }
  w.scales_up = true;
}

void FrozenWeights::UploadPart(const Weight& w, std::span<const std::byte> host, int64_t offset) {
  context_.Upload(host, w.place + offset, w.stays ? context_.stream() : ring_.stream());
}

void FrozenWeights::UploadStored(Weight& w) {
  const QuantizedMatrix& m = w.matrix;
  UploadPart(w, {m.codes, static_cast<size_t>(m.rows * m.cols)}, 0);
  if (w.scales_up) return;
  context_.Upload({reinterpret_cast<const std::byte*>(m.absmax),
                   static_cast<size_t>(Blocks(m)) * sizeof(float)},
                  Raw(w.scales));
  if (m.scheme != QuantScheme::kDynamic) return;
  context_.Upload({reinterpret_cast<const std::byte*>(m.code_map), kMapValues * sizeof(float)},
                  Raw(w.map));
}

void FrozenWeights::UploadCodes(Weight& w) {
  const QuantizedMatrix& m = w.matrix;
  const int64_t pitch = Pitch(w);
  std::vector<float> scales(static_cast<size_t>(m.rows));
  if (!w.encode && pitch == m.cols) {
    UploadPart(w, {m.codes, static_cast<size_t>(m.rows * m.cols)}, 0);
  }
  const int64_t piece = std::max<int64_t>(1, kPieceValues / pitch);
  std::vector<std::byte> padded;
  for (int64_t first = 0; first < m.rows; first += piece) {
    const int64_t rows = std::min(piece, m.rows - first);
    if (!w.encode && pitch == m.cols) {
      for (int64_t row = first; row < first + rows; ++row)
        scales[row] = LinearScale(AbsmaxOf(m, row));
      continue;
    }
    padded.assign(static_cast<size_t>(rows * pitch), std::byte{0});
    ParallelFor(rows, [&](int64_t r) {
      const int64_t row = first + r;
      std::byte* const out = padded.data() + r * pitch;
      if (!w.encode) {
        std::memcpy(out, m.codes + row * m.cols, static_cast<size_t>(m.cols));
        scales[row] = LinearScale(AbsmaxOf(m, row));
        return;
      }
      std::vector<float> values(static_cast<size_t>(m.cols));
      Decode(m, row * m.cols, m.cols, values.data());
      float absmax = 0;
      EncodeLinear(values, m.cols, reinterpret_cast<int8_t*>(out), &absmax);
      scales[row] = LinearScale(absmax);
    });
    UploadPart(w, padded, first * pitch);
  }
  if (!w.scales_up) context_.Upload(std::as_bytes(std::span<const float>(scales)), Raw(w.scales));
}

void FrozenWeights::UploadValues(Weight& w) {
  const QuantizedMatrix& m = w.matrix;
  const int64_t pitch = Pitch(w), piece = std::max<int64_t>(1, kPieceValues / m.cols);
  const DType type = w.kept == Kept::kBF16 ? DType::kBF16 : DType::kF32;
  std::vector<std::byte> padded;
  for (int64_t first = 0; first < m.rows; first += piece) {
    const int64_t rows = std::min(piece, m.rows - first);
    padded.assign(static_cast<size_t>(rows * pitch), std::byte{0});
    ParallelFor(rows, [&](int64_t r) {
      std::vector<float> values(static_cast<size_t>(m.cols));
      Decode(m, (first + r) * m.cols, m.cols, values.data());
      const bool known =
          EncodeFromFloat(type, values.data(), values.size(), padded.data() + r * pitch);
      LACOS_CHECK(known, "f32 and bf16 are floating types");
    });
    UploadPart(w, padded, first * pitch);
  }
}

size_t FrozenWeights::ScratchBytes(const Weight& w, bool as_bf16) const {
  const int64_t rows = w.matrix.rows, cols = w.matrix.cols;
  if (w.kept == Kept::kStored || (as_bf16 && w.kept == Kept::kRowCodes)) {
    const int64_t value = compute_ == Compute::kF32 ? 4 : 2;
    return static_cast<size_t>(rows * RoundUp(cols * value, kWeightAlignment));
  }
  return 0;
}

ReadyWeight FrozenWeights::Use(WeightId weight, bool as_bf16) {
  Prepare(weight);
  const Weight& w = weights_[weight];
  if (w.copy > awaited_) {
    ring_.AwaitCopies();
    awaited_ = copies_;
  }
  const auto* values = reinterpret_cast<const unsigned char*>(w.place);
  const auto* scales = reinterpret_cast<const float*>(Raw(w.scales));
  const int64_t rows = w.matrix.rows, cols = w.matrix.cols, pitch = Pitch(w);
  const size_t scratch_bytes = ScratchBytes(w, as_bf16);
  auto* scratch = scratch_bytes == 0 ? nullptr
                                     : reinterpret_cast<unsigned char*>(
                                           context_.Scratch(ScratchSlot::kProducts, scratch_bytes));
  using Form = ReadyWeight::Form;
  switch (w.kept) {
    case Kept::kStored: {
      const bool bf16 = compute_ == Compute::kBF16;
      const int64_t out_pitch = RoundUp(cols * (bf16 ? 2 : 4), kWeightAlignment);
      DecodeCodes(context_.stream(),
                  {.codes = values,
                   .pitch = cols,
                   .absmax = scales,
                   .map = reinterpret_cast<const float*>(Raw(w.map)),
                   .rows = rows,
                   .cols = cols,
                   .block = w.matrix.block_size},
                  bf16, out_pitch / (bf16 ? 2 : 4), scratch);
      return {bf16 ? Form::kBF16 : Form::kF32, scratch, out_pitch};
    }
    case Kept::kRowCodes: {
      if (scratch == nullptr) return {Form::kCodes, values, pitch, scales};
      const int64_t out_pitch = RoundUp(cols * 2, kWeightAlignment);
      DecodeCodes(context_.stream(), {.codes = values, .pitch = pitch, .rows = rows, .cols = cols},
                  true, out_pitch / 2, scratch);
      return {Form::kBF16, scratch, out_pitch, scales};
    }
    case Kept::kBF16:
      return {Form::kBF16, values, pitch};
    case Kept::kF32:
      return {Form::kF32, values, pitch};
  }
  return {};
}

}  // namespace lacos::cuda
