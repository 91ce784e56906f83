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

// A weight as a product reads it: [rows, cols] with the rows' scales still to be applied, if any.
struct DecodedWeight {
  ConstFloats values;                // rows lie Stride(weight) elements apart
  const float* row_scale = nullptr;  // [rows]
};

// A weight as an integer product reads it: code * row_scale.
struct RowCodes {
  const int8_t* codes = nullptr;     // [rows, cols], contiguous
  const float* row_scale = nullptr;  // [rows]
};

class FrozenWeights {
 public:
  explicit FrozenWeights(ProductType type) : type_(type) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // The same matrix elsewhere in memory. What was decoded or read of it before stays valid.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // The whole matrix, decoded into the scratch unless it is there already or can be used where it
  // lies. Valid until the next call.
  DecodedWeight Whole(WeightId weight);
  // Rows [begin, end) without touching the scratch: in `out` (Stride x ElementBytes bytes a row),
  // or where they lie.
  DecodedWeight SomeRows(WeightId weight, int64_t begin, int64_t end, std::byte* out) const;

  // For kInt8: the stored codes where they have one linear scale a row, else the matrix encoded so
  // in the scratch. Valid until the next call.
  RowCodes Codes(WeightId weight);

  // Whether products read the stored values themselves.
  bool InPlace(WeightId weight) const { return Entry(weight).in_place; }
  // Whether Whole would decode now.
  bool IsDecoded(WeightId weight) const { return InPlace(weight) || decoded_ == weight; }
  size_t DecodedBytes(WeightId weight) const;
  // Bytes of the scratch now.
  size_t HeldBytes() const { return scratch_.capacity(); }
  // Whether a row's scale is applied beside the product instead of decoded into the weight.
  bool HasRowScale(WeightId weight) const { return !Entry(weight).row_scale.empty(); }
  // Elements from one row to the next, the same whether a weight is decoded whole or in part.
  int64_t Stride(WeightId weight) const { return StrideOf(Entry(weight)); }
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
  int64_t StrideOf(const Weight& weight) const;
  void DecodeRow(const Weight& weight, int64_t row, Floats out) const;
  void EncodeRows(Weight& weight, int8_t* codes) const;

  ProductType type_;
  std::vector<Weight> weights_;
  Scratch scratch_;
  WeightId decoded_ = -1;
};

}  // namespace lacos::cpu
