// The frozen matrices, which stay in memory as 8-bit codes.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/kernels/backend.h"
#include "lacos/kernels/cpu/floats.h"
#include "lacos/kernels/cpu/linear/float_panels.h"
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

// A weight in the form that an integer product reads: code * row_scale.
struct RowCodes {
  const int8_t* codes = nullptr;     // [rows, cols], contiguous
  const float* row_scale = nullptr;  // [rows]
};

class FrozenWeights {
 public:
  explicit FrozenWeights(ProductType type) : type_(type) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // Replaces the matrix by the same one at another address. Encoded codes stay valid.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // Packs the columns [column, column + columns) of a float product, over [begin, begin + depth) of
  // its depth, as the first units of a panel. At most one panel wide and kPanelPieceUnits deep.
  void PackPiece(WeightId weight, Orientation orientation, int64_t column, int64_t columns,
                 int64_t begin, int64_t depth, uint32_t* panel) const;

  // For kInt8: the stored codes if they have one linear scale for each row; otherwise the matrix is
  // encoded that way in the scratch. Valid until the next call.
  RowCodes Codes(WeightId weight);

  // Bytes of the scratch that Codes needs for this weight.
  size_t EncodedBytes(WeightId weight) const;
  // Size of the scratch in bytes.
  size_t HeldBytes() const { return scratch_.capacity(); }
  // The scales of the rows that are applied after a float product and not decoded into the weight, or
  // null. For kInt8, use Codes.
  const float* RowScale(WeightId weight) const;
  PanelElement Panels() const {
    return type_ == ProductType::kBF16 ? PanelElement::kBF16 : PanelElement::kF32;
  }

 private:
  struct Weight {
    QuantizedMatrix matrix;
    bool in_place = false;  // the stored values have the type of the product
    // bf16 products with one scale for each row use the codes themselves, which are exact in bf16.
    // So decoding adds no rounding, and this vector holds absmax / 127 for the epilogue. Integer
    // products always have row scales; matrices in other schemes get them at their first use.
    std::vector<float> row_scale;
    // f32 products use code * scale. If there is one linear scale for each row, they are here.
    std::vector<float> value_scale;
  };
  const Weight& Entry(WeightId weight) const;
  void DecodeRow(const Weight& weight, int64_t row, int64_t begin, int64_t end, Floats out) const;
  void EncodeRows(Weight& weight, int8_t* codes) const;

  ProductType type_;
  std::vector<Weight> weights_;
  Scratch scratch_;  // the codes of one matrix that is stored in another form
  WeightId encoded_ = -1;
};

}  // namespace lacos::cpu
