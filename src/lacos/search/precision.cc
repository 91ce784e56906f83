// Embeddings in fewer bits. Every value equals that of sentence-transformers' quantize_embeddings.
#include "lacos/search/precision.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lacos/base/check.h"
#include "lacos/base/error.h"
#include "lacos/io/npy.h"
#include "lacos/io/paths.h"
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

int64_t EmbeddingRanges::CountOutside(std::span<const float> rows) const {
  int64_t outside = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t j = i % low.size();
    outside += rows[i] < low[j] || rows[i] > high[j] ? 1 : 0;
  }
  return outside;
}

namespace {

// The rows of an .npy file with D columns as floats.
std::vector<float> ReadFloatRows(const std::string& path, int64_t d, const std::string& what) {
  const NpyArray array = ReadNpy(path);
  if (array.shape.size() != 2 || array.shape[1] != d) {
    throw UserError(
        fmt::format("[{}] has the shape [{}]; expected {}; give a file of the same model "
                    "and number of values a vector",
                    path, fmt::join(array.shape, ", "), what));
  }
  std::vector<float> values(static_cast<size_t>(array.shape[0] * d));
  if (!DecodeToFloat(array.dtype, array.data.data(), values.size(), values.data())) {
    const std::string beside = RangesFileOf(path);
    throw UserError(fmt::format(
        "[{}] holds elements of type {}; expected {}; {}", path, Name(array.dtype), what,
        FileExists(beside) ? fmt::format("the ranges of these codes are in {}", beside)
                           : "give the vectors in float32"));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw UserError(
        fmt::format("[{}: row {}] found the value {}; expected finite numbers; check what made the "
                    "file",
                    path, i / static_cast<size_t>(d), values[i]));
  }
  return values;
}

}  // namespace

std::string RangesFileOf(const std::string& output) { return output + ".ranges.npy"; }

EmbeddingRanges ReadRanges(const std::string& path, int64_t d) {
  const std::string what =
      fmt::format("ranges as float32 [2, {}]: the smallest values, then the largest ones", d);
  const std::vector<float> values = ReadFloatRows(path, d, what);
  const auto width = static_cast<size_t>(d);
  if (values.size() != 2 * width) {
    throw UserError(
        fmt::format("[{}] has {} rows; expected {}; if these are embeddings, pass them as "
                    "`calibration`",
                    path, values.size() / width, what));
  }
  EmbeddingRanges ranges(d);
  for (size_t i = 0; i < width; ++i) {
    ranges.low[i] = values[i];
    ranges.high[i] = values[width + i];
    if (ranges.low[i] <= ranges.high[i]) continue;
    throw UserError(fmt::format(
        "[{}] has the smallest value {} above the largest one {} in column {}; expected {}; if these "
        "are embeddings, pass them as `calibration`",
        path, ranges.low[i], ranges.high[i], i, what));
  }
  return ranges;
}

void WriteRanges(const EmbeddingRanges& ranges, const std::string& path) {
  NpyWriter writer(path, DType::kF32, static_cast<int64_t>(ranges.low.size()));
  writer.WriteRows(std::as_bytes(std::span(ranges.low)));
  writer.WriteRows(std::as_bytes(std::span(ranges.high)));
  writer.Commit();
}

EmbeddingRanges RangesOfEmbeddings(const std::string& path, int64_t d) {
  const std::string what = fmt::format("at least two embeddings as floats [N, {}]", d);
  EmbeddingRanges ranges(d);
  ranges.Add(ReadFloatRows(path, d, what));
  if (ranges.count >= 2) return ranges;
  throw UserError(
      fmt::format("[{}] has {} rows; expected {}; embed more texts", path, ranges.count, what));
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
