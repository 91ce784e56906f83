// The frozen matrices in device memory, in forms that products read.
//
// In f32 mode these are f32 values, in bf16 mode codes or bf16 values, and in int8 mode codes with one
// scale a row. Codes whose blocks are not the rows stay as they are stored, and are decoded into
// scratch for each product (int8: encoded anew, once). A matrix is uploaded when it is first used or
// prepared, and stays.
#pragma once

#include <cstdint>
#include <vector>

#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/weight_forms.h"

namespace lacos::cuda {

// Rows of weights begin at multiples of this many bytes.
constexpr int64_t kWeightAlignment = 64;

// A matrix as a product reads it.
struct ReadyWeight {
  enum class Form : uint8_t { kCodes, kBF16, kF32 };
  Form form = Form::kF32;
  const unsigned char* data = nullptr;
  int64_t pitch = 0;                 // bytes from row to row
  const float* row_scale = nullptr;  // [out], for codes
  bool transposed = false;           // whether the rows are input features
};

class FrozenWeights {
 public:
  FrozenWeights(Compute compute, Context& context) : compute_(compute), context_(context) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // Replaces the matrix by the same one at another address.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // Queues the copy of the matrix to the device, unless it is there.
  void Prepare(WeightId weight);
  // Returns the matrix for one product. It is valid until the next call. With `as_bf16`, which only
  // bf16 mode may ask for, codes are decoded to bf16 and keep their row_scale.
  ReadyWeight Use(WeightId weight, Orientation orientation, bool as_bf16 = false);

 private:
  // What stays in device memory.
  enum class Kept : uint8_t {
    kRowCodes,  // codes with one linear scale for each row, padded rows
    kBF16,      // bf16 values, padded rows
    kF32,       // f32 values
    kStored,    // codes, scales and map as stored
  };
  struct Weight {
    QuantizedMatrix matrix;
    Kept kept = Kept::kF32;
    bool encode = false;  // the codes of kRowCodes are made from the decoded values
    Buffer values, scales, map;
  };
  const Weight& Entry(WeightId weight) const;
  int64_t Pitch(const Weight& weight) const;
  // Bytes of ScratchSlot::kProducts that Use needs.
  size_t ScratchBytes(const Weight& weight, Orientation orientation, bool as_bf16) const;
  void Upload(Weight& weight);
  void UploadCodes(Weight& weight);
  void UploadStored(Weight& weight);
  void UploadValues(Weight& weight);

  Compute compute_;
  Context& context_;
  std::vector<Weight> weights_;
};

}  // namespace lacos::cuda
