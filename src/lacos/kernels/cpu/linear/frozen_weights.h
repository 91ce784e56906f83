// Frozen matrices and the one scratch that holds a decoded matrix at a time: codes stay 8-bit in
// memory.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/memory.h"

namespace lacos::cpu {

// The elements in which products with frozen weights are computed.
enum class ProductType : uint8_t {
  kF32,   // weights as Decode() gives them
  kBF16,  // bf16 inputs, f32 sums
  // the same values held as f32: bf16-rounded inputs, f32 products (CPUs without bf16)
  kBF16Emulated,
  kInt8  // 8-bit rows times 8-bit rows, exact integer sums
};

// Columns of a product's result that are computed at a time. 128 x 256 sums are 128 KB and stay in
// the second-level cache for the epilogue; 512 and 1024 columns were not faster on Zen 3, and
// narrow tiles keep all threads busy when there are few rows.
inline constexpr int64_t kTileColumns = 256;

// How decoded matrices lie in memory.
enum class WeightLayout : uint8_t {
  kPaddedRows,  // row by row, with a gap where rows would lie near a power of two apart
  // Without gaps, also within a tile of columns: oneDNN's brgemm takes nothing else. Forward row by
  // row, backward one tile of kTileColumns columns after the other, each [rows, kTileColumns].
  kDenseTiles
};

// A weight as a product reads it: [rows, cols] with the rows' scales still to be applied, if any.
struct DecodedWeight {
  ConstFloats values;                // read through FrozenWeights::Tile
  const float* row_scale = nullptr;  // [rows]
};

// A weight as an integer product reads it: code * row_scale.
struct RowCodes {
  const int8_t* codes = nullptr;     // [rows, cols], contiguous
  const float* row_scale = nullptr;  // [rows]
};

class FrozenWeights {
 public:
  explicit FrozenWeights(ProductType type, WeightLayout layout = WeightLayout::kPaddedRows)
      : type_(type), layout_(layout) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // The same matrix elsewhere in memory. What was decoded or read of it before stays valid.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // The whole matrix, decoded into the scratch unless it is there already or can be used where it
  // lies. Valid until the next call.
  DecodedWeight Whole(WeightId weight, Orientation orientation);
  // Where the values begin that the result's columns from `column` (a multiple of kTileColumns) on
  // need, in what Whole gave for this orientation.
  ConstFloats Tile(const DecodedWeight& whole, WeightId weight, Orientation orientation,
                   int64_t column) const;
  // Elements from one stored row to the next; 0 where a tile's rows lie one behind the other.
  int64_t Stride(WeightId weight, Orientation orientation) const;
  // Rows [begin, end) for a forward product without touching the scratch: in `out` (Stride x
  // ElementBytes bytes a row), or where they lie.
  DecodedWeight SomeRows(WeightId weight, int64_t begin, int64_t end, std::byte* out) const;

  // For kInt8: the stored codes where they have one linear scale a row, else the matrix encoded so
  // in the scratch. Valid until the next call.
  RowCodes Codes(WeightId weight);

  // Whether products read the stored values themselves.
  bool InPlace(WeightId weight, Orientation orientation) const;
  // Whether Whole would find the matrix decoded.
  bool IsDecoded(WeightId weight, Orientation orientation) const;
  size_t DecodedBytes(WeightId weight, Orientation orientation) const;
  // Bytes of the scratch now.
  size_t HeldBytes() const { return scratch_.capacity(); }
  // Whether a row's scale is applied beside the product instead of decoded into the weight.
  bool HasRowScale(WeightId weight) const { return !Entry(weight).row_scale.empty(); }
  // Scales of the rows, or null. For kInt8 ask Codes.
  const float* RowScale(WeightId weight) const;
  size_t ElementBytes() const { return type_ == ProductType::kBF16 ? 2 : 4; }

 private:
  struct Weight {
    QuantizedMatrix matrix;
    bool in_place = false;
    // bf16 products with one scale a row work on the codes themselves, which are exact in bf16:
    // then decoding adds no rounding, and this holds absmax / 127 for the epilogue. Integer
    // products always have it, other schemes' matrices from their first use on.
    std::vector<float> row_scale;
  };
  const Weight& Entry(WeightId weight) const;
  int64_t RowStride(const Weight& weight) const;
  // Whether the decoded matrix is stored by tiles of columns.
  bool Tiled(const Weight& weight, Orientation orientation) const;
  void DecodeRow(const Weight& weight, int64_t row, int64_t begin, int64_t end, Floats out) const;
  void EncodeRows(Weight& weight, int8_t* codes) const;

  ProductType type_;
  WeightLayout layout_;
  std::vector<Weight> weights_;
  Scratch scratch_;
  WeightId decoded_ = -1;
  bool decoded_tiled_ = false;
};

}  // namespace lacos::cpu
