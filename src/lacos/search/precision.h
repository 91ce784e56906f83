// Embeddings in fewer bits, value for value what sentence-transformers' quantize_embeddings
// returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lacos/base/enum_names.h"
#include "lacos/tensor/dtype.h"

namespace lacos {

enum class Precision : uint8_t { kFloat32, kFloat16, kInt8, kUint8, kBinary, kUbinary };
// sentence-transformers' words.
inline constexpr auto kPrecisionNames = MakeEnumNames<EnumWord<Precision>>({
    {Precision::kFloat32, "float32"},
    {Precision::kFloat16, "float16"},
    {Precision::kInt8, "int8"},
    {Precision::kUint8, "uint8"},
    {Precision::kBinary, "binary"},
    {Precision::kUbinary, "ubinary"},
});
constexpr const auto& NamesOf(Precision) { return kPrecisionNames; }

// Whether codes depend on the ranges of all embeddings, so that these must be seen before the first
// code is known.
constexpr bool NeedsRanges(Precision precision) {
  return precision == Precision::kInt8 || precision == Precision::kUint8;
}
// Element type and elements a row: D, or ceil(D / 8) bytes of packed signs.
DType StoredType(Precision precision);
int64_t StoredColumns(Precision precision, int64_t d);

// Smallest and largest value of each dimension over all embeddings.
struct EmbeddingRanges {
  explicit EmbeddingRanges(int64_t d);
  void Add(std::span<const float> rows);  // [n, D]
  int64_t count = 0;                      // rows seen
  std::vector<float> low, high;           // [D]
};

// Converts rows [n, D] to n * StoredColumns elements of StoredType, appended to `out`. `ranges`
// only for int8 and uint8: code = clip(floor((x - low) / ((high - low) / 255)), 0, 255), minus 128
// for int8, in float32 like numpy. binary and ubinary: one bit a dimension, set where x > 0, the
// first dimension in the highest bit, zeros behind the last; binary subtracts 128 from each byte.
void QuantizeEmbeddings(Precision precision, std::span<const float> rows, int64_t d,
                        const EmbeddingRanges* ranges, std::vector<std::byte>& out);

}  // namespace lacos
