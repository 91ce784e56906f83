// Embeddings in fewer bits. Every value equals that of sentence-transformers' quantize_embeddings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/base/enum_names.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

enum class Precision : uint8_t { kFloat32, kFloat16, kInt8, kUint8, kBinary, kUbinary };
struct PrecisionNames {
  Precision value;
  std::string_view word;  // as in sentence-transformers
  int32_t c_value;        // its value in include/lacos.h
};
inline constexpr auto kPrecisionNames = MakeEnumNames<PrecisionNames>({
    {Precision::kFloat32, "float32", 1},
    {Precision::kFloat16, "float16", 2},
    {Precision::kInt8, "int8", 3},
    {Precision::kUint8, "uint8", 4},
    {Precision::kBinary, "binary", 5},
    {Precision::kUbinary, "ubinary", 6},
});
constexpr const auto& NamesOf(Precision) { return kPrecisionNames; }

// Whether codes depend on the ranges over all embeddings, so that all must be seen before the first
// code is known.
constexpr bool NeedsRanges(Precision precision) {
  return precision == Precision::kInt8 || precision == Precision::kUint8;
}
// The element type, and the number of elements in a row: D, or ceil(D / 8) bytes of packed signs.
DType StoredType(Precision precision);
int64_t StoredColumns(Precision precision, int64_t d);

// The smallest and the largest value of each dimension over all embeddings.
struct EmbeddingRanges {
  explicit EmbeddingRanges(int64_t d);
  void Add(std::span<const float> rows);                    // [n, D]
  int64_t CountOutside(std::span<const float> rows) const;  // values beyond the ranges in [n, D]
  int64_t count = 0;                                        // number of rows that were added
  std::vector<float> low, high;                             // [D]
};

// Ranges in an .npy file as sentence-transformers' quantize_embeddings takes them: float32 [2, D],
// the smallest values, then the largest ones. Reading accepts f2, f4 and f8. Throws UserError for
// another shape, for values that are not finite, and for a smallest value above the largest one.
EmbeddingRanges ReadRanges(const std::string& path, int64_t d);
void WriteRanges(const EmbeddingRanges& ranges, const std::string& path);
// Where the ranges of the codes in a file are: FILE.ranges.npy, beside it.
std::string RangesFileOf(const std::string& output);
// The ranges of calibration embeddings, an .npy file [N, D] of f2, f4 or f8 with N of at least 2.
EmbeddingRanges RangesOfEmbeddings(const std::string& path, int64_t d);

// Converts rows [n, D] to n * StoredColumns elements of StoredType, which are appended to `out`.
// int8 and uint8 need `ranges`: code = clip(floor((x - low) / ((high - low) / 255)), 0, 255), minus
// 128 for int8, in float32 as in numpy. binary and ubinary have one bit for each dimension, which
// is set if x > 0. The first dimension is in the highest bit, and zeros follow the last one. binary
// subtracts 128 from each byte.
void QuantizeEmbeddings(Precision precision, std::span<const float> rows, int64_t d,
                        const EmbeddingRanges* ranges, std::vector<std::byte>& out);

}  // namespace lacos
