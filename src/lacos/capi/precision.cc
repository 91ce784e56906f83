// lacos_quantize_embeddings: vectors in fewer bits, as `lacos embed --precision` writes them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "lacos/base/error.h"
#include "lacos/capi/status.h"
#include "lacos/search/precision.h"

namespace lacos::capi {
namespace {

static_assert(kPrecisionNames[Precision::kFloat32].c_value == LACOS_PRECISION_FLOAT32 &&
              kPrecisionNames[Precision::kFloat16].c_value == LACOS_PRECISION_FLOAT16 &&
              kPrecisionNames[Precision::kInt8].c_value == LACOS_PRECISION_INT8 &&
              kPrecisionNames[Precision::kUint8].c_value == LACOS_PRECISION_UINT8 &&
              kPrecisionNames[Precision::kBinary].c_value == LACOS_PRECISION_BINARY &&
              kPrecisionNames[Precision::kUbinary].c_value == LACOS_PRECISION_UBINARY);

Precision PrecisionOfNumber(int32_t number) {
  for (const PrecisionNames& names : kPrecisionNames) {
    if (names.c_value == number) return names.value;
  }
  throw CallError(LACOS_INVALID_ARGUMENT,
                  fmt::format("[precision] found {}; expected 1 to {}; correct it", number,
                              kPrecisionNames.size()));
}

// The ranges that the caller gives, [2, D].
EmbeddingRanges GivenRanges(const float* ranges, size_t d) {
  EmbeddingRanges result(static_cast<int64_t>(d));
  std::copy_n(ranges, d, result.low.begin());
  std::copy_n(ranges + d, d, result.high.begin());
  for (size_t k = 0; k < d; ++k) {
    if (std::isfinite(ranges[k]) && std::isfinite(ranges[d + k]) && ranges[k] <= ranges[d + k])
      continue;
    throw UserError(fmt::format(
        "[ranges] found {} to {} for the value {} of a vector; expected a finite smallest value and "
        "a largest one that is not below it; pass the ranges of vectors of the same model",
        ranges[k], ranges[d + k], k));
  }
  return result;
}

void QuantizeRows(int32_t number, const float* vectors, size_t n, size_t dimension,
                  const float* ranges, void* out, size_t out_bytes, uint64_t* clipped) {
  const Precision precision = PrecisionOfNumber(number);
  Require(dimension > 0 && dimension <= INT32_MAX && n <= SIZE_MAX / sizeof(double) / dimension,
          "[dimension] 0 or beyond all memory; expected the number of values in a row; correct it");
  Require(
      (vectors != nullptr && out != nullptr) || n == 0,
      "[vectors, out] NULL; expected the vectors and room for the result; pass their addresses");
  Require(
      ranges == nullptr || NeedsRanges(precision),
      "[ranges] found ranges for another precision than int8 and uint8; expected NULL; pass it");
  const auto d = static_cast<int64_t>(dimension);
  const std::span<const float> rows(vectors, n * dimension);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(rows[i])) continue;
    throw UserError(
        fmt::format("[vectors: row {}] found the value {}; expected finite numbers; "
                    "check what made them",
                    i / dimension, rows[i]));
  }
  std::optional<EmbeddingRanges> used;
  if (ranges != nullptr) {
    used = GivenRanges(ranges, dimension);
  } else if (NeedsRanges(precision)) {
    used.emplace(d);
    used->Add(rows);
    if (n == 1) {
      throw UserError(
          "[vectors] found one; expected at least two, since int8 and uint8 take the range of each "
          "value from them; pass more vectors, or ranges");
    }
  }
  const size_t bytes =
      n * static_cast<size_t>(StoredColumns(precision, d)) * SizeOf(StoredType(precision));
  if (out_bytes < bytes) {
    throw CallError(
        LACOS_BUFFER_TOO_SMALL,
        fmt::format("[out] room for {} bytes; expected {}; pass a larger one", out_bytes, bytes));
  }
  std::vector<std::byte> stored;
  QuantizeEmbeddings(precision, rows, d, used ? &*used : nullptr, stored);
  if (!stored.empty()) std::memcpy(out, stored.data(), stored.size());
  if (clipped != nullptr)
    *clipped = ranges == nullptr ? 0 : static_cast<uint64_t>(used->CountOutside(rows));
}

}  // namespace
}  // namespace lacos::capi

extern "C" lacos_status lacos_quantize_embeddings(int32_t precision, const float* vectors, size_t n,
                                                  size_t dimension, const float* ranges, void* out,
                                                  size_t out_bytes, uint64_t* clipped) {
  return lacos::capi::Call([&] {
    lacos::capi::QuantizeRows(precision, vectors, n, dimension, ranges, out, out_bytes, clipped);
  });
}
