// Embeddings in fewer bits. Every value equals that of sentence-transformers' quantize_embeddings.
#include "lacos/search/precision.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/tensor/convert.h"

namespace lacos {
namespace {

void AppendRanged(std::span<const float> row, const EmbeddingRanges& ranges, bool is_signed,
                  std::byte* out) {
  for (size_t i = 0; i < row.size(); ++i) {
    float step = (ranges.high[i] - ranges.low[i]) / 255.0f;
    if (step == 0) step = 1;
    const float code = std::clamp(std::floor((row[i] - ranges.low[i]) / step), 0.0f, 255.0f);
    out[i] = is_signed ? static_cast<std::byte>(static_cast<int8_t>(code - 128))
                       : static_cast<std::byte>(code);
  }
}

void AppendSigns(std::span<const float> row, std::byte flip, std::byte* out) {
  for (size_t begin = 0; begin < row.size(); begin += 8) {
    unsigned bits = 0;
    for (size_t i = begin; i < std::min(begin + 8, row.size()); ++i) {
      if (row[i] > 0) bits |= 0x80u >> (i - begin);
    }
    // flipping the top bit subtracts 128
    out[begin / 8] = static_cast<std::byte>(bits) ^ flip;
  }
}

}  // namespace

DType StoredType(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return DType::kF32;
    case Precision::kFloat16:
      return DType::kF16;
    case Precision::kInt8:
    case Precision::kBinary:
      return DType::kI8;
    case Precision::kUint8:
    case Precision::kUbinary:
      return DType::kU8;
  }
  return DType::kF32;
}

int64_t StoredColumns(Precision precision, int64_t d) {
  return precision == Precision::kBinary || precision == Precision::kUbinary ? (d + 7) / 8 : d;
}

EmbeddingRanges::EmbeddingRanges(int64_t d)
    : low(static_cast<size_t>(d), std::numeric_limits<float>::infinity()),
      high(static_cast<size_t>(d), -std::numeric_limits<float>::infinity()) {}

void EmbeddingRanges::Add(std::span<const float> rows) {
  const size_t d = low.size();
  for (size_t begin = 0; begin < rows.size(); begin += d) {
    for (size_t i = 0; i < d; ++i) {
      low[i] = std::min(low[i], rows[begin + i]);
      high[i] = std::max(high[i], rows[begin + i]);
    }
    ++count;
  }
}

void QuantizeEmbeddings(Precision precision, std::span<const float> rows, int64_t d,
                        const EmbeddingRanges* ranges, std::vector<std::byte>& out) {
  const auto width = static_cast<size_t>(d);
  LACOS_CHECK(d > 0 && rows.size() % width == 0, "whole rows");
  LACOS_CHECK(!NeedsRanges(precision) || ranges != nullptr, "ranges of all embeddings");
  const size_t row_bytes =
      static_cast<size_t>(StoredColumns(precision, d)) * SizeOf(StoredType(precision));
  const size_t start = out.size();
  out.resize(start + rows.size() / width * row_bytes);
  for (size_t n = 0; n * width < rows.size(); ++n) {
    const std::span<const float> row = rows.subspan(n * width, width);
    std::byte* target = out.data() + start + n * row_bytes;
    switch (precision) {
      case Precision::kFloat32:
      case Precision::kFloat16:
        EncodeFromFloat(StoredType(precision), row.data(), width, target);
        break;
      case Precision::kInt8:
      case Precision::kUint8:
        AppendRanged(row, *ranges, precision == Precision::kInt8, target);
        break;
      case Precision::kBinary:
        AppendSigns(row, std::byte{0x80}, target);
        break;
      case Precision::kUbinary:
        AppendSigns(row, std::byte{0}, target);
        break;
    }
  }
}

}  // namespace lacos
