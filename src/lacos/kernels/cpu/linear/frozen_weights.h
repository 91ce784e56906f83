// The frozen matrices, which stay in memory as 8-bit codes, and one scratch block that holds one
// decoded matrix at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/memory.h"

namespace lacos::cpu {

// The element types in which products with frozen weights are computed.
enum class ProductType : uint8_t {
  kF32,   // weights with the values that Decode() gives
  kBF16,  // bf16 inputs, f32 sums
  // the values of kBF16 held as f32: inputs rounded to bf16, f32 products (for CPUs without bf16)
  kBF16Emulated,
  kInt8  // products of 8-bit rows with 8-bit rows, exact integer sums
};

// Number of columns of a product's result that are computed at a time. 128 x 256 sums are 128 KB
// and stay in the second-level cache for the epilogue. On Zen 3, 512 and 1024 columns were not
// faster, and narrow tiles keep all threads busy when there are few rows.
inline constexpr int64_t kTileColumns = 256;

// The layouts of decoded matrices in memory.
enum class WeightLayout : uint8_t {
  kPaddedRows,  // row by row, with a gap if rows would otherwise be a multiple of 256 bytes apart
  // Without gaps, even within a tile of columns, because brgemm of oneDNN accepts nothing else.
  // Forward weights are stored row by row; backward weights one tile of kTileColumns columns after
  // the other, each [rows, kTileColumns].
  kDenseTiles
};

// A weight in the form that a float product reads: [rows, cols]; if it has row scales, they are
// still to be applied.
struct DecodedWeight {
  ConstFloats values;                // read through FrozenWeights::Tile
  const float* row_scale = nullptr;  // [rows]
};

// A weight in the form that an integer product reads: code * row_scale.
struct RowCodes {
  const int8_t* codes = nullptr;     // [rows, cols], contiguous
  const float* row_scale = nullptr;  // [rows]
};

class FrozenWeights {
 public:
  explicit FrozenWeights(ProductType type, WeightLayout layout = WeightLayout::kPaddedRows)
      : type_(type), layout_(layout) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // Replaces the matrix by the same one at another address. Decoded values stay valid.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // The whole matrix. It is decoded into the scratch unless it is there already or can be used
  // without decoding. Valid until the next call.
  DecodedWeight Whole(WeightId weight, Orientation orientation);
  // The part of `whole` (the result of Whole for this orientation) that the result's columns need
  // from `column` on, which is a multiple of kTileColumns.
  ConstFloats Tile(const DecodedWeight& whole, WeightId weight, Orientation orientation,
                   int64_t column) const;
  // Elements from one stored row to the next; 0 if the matrix is stored by tiles of columns.
  int64_t Stride(WeightId weight, Orientation orientation) const;
  // Rows [begin, end) for a forward product, without using the scratch. They are decoded into `out`
  // (Stride x ElementBytes bytes for each row) or used without decoding.
  DecodedWeight SomeRows(WeightId weight, int64_t begin, int64_t end, std::byte* out) const;

  // For kInt8: the stored codes if they have one linear scale for each row; otherwise the matrix is
  // encoded that way in the scratch. Valid until the next call.
  RowCodes Codes(WeightId weight);

  // Whether products read the stored values themselves.
  bool InPlace(WeightId weight, Orientation orientation) const;
  // Whether Whole would find the matrix already decoded.
  bool IsDecoded(WeightId weight, Orientation orientation) const;
  size_t DecodedBytes(WeightId weight, Orientation orientation) const;
  // Size of the scratch in bytes.
  size_t HeldBytes() const { return scratch_.capacity(); }
  // Whether the scale of a row is applied after the product and not decoded into the weight.
  bool HasRowScale(WeightId weight) const { return !Entry(weight).row_scale.empty(); }
  // The scales of the rows, or null. For kInt8, use Codes.
  const float* RowScale(WeightId weight) const;
  size_t ElementBytes() const { return type_ == ProductType::kBF16 ? 2 : 4; }

 private:
  struct Weight {
    QuantizedMatrix matrix;
    bool in_place = false;
    // bf16 products with one scale for each row use the codes themselves, which are exact in bf16.
    // So decoding adds no rounding, and this vector holds absmax / 127 for the epilogue. Integer
    // products always have row scales; matrices in other schemes get them at their first use.
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
