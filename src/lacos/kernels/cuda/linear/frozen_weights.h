// The frozen matrices in device memory, in forms that products read.
//
// In f32 mode these are f32 values, in bf16 mode codes or bf16 values, and in int8 mode codes with one
// scale a row. Codes whose blocks are not the rows stay as they are stored, and are decoded into
// scratch for each product (int8: encoded anew, once). A matrix is uploaded when it is first used or
// prepared, and stays, unless Limit says that not all fit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lacos/base/compute.h"
#include "lacos/kernels/backend.h"
#include "lacos/kernels/cuda/context.h"
#include "lacos/kernels/cuda/linear/weight_forms.h"
#include "lacos/kernels/cuda/linear/weight_ring.h"

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
};

class FrozenWeights {
 public:
  FrozenWeights(Compute compute, Context& context)
      : compute_(compute), context_(context), ring_(context) {}

  WeightId Add(const QuantizedMatrix& matrix);
  // Replaces the matrix by the same one at another address.
  void Move(WeightId weight, const QuantizedMatrix& matrix);
  const QuantizedMatrix& Matrix(WeightId weight) const { return Entry(weight).matrix; }

  // Keeps at most so many bytes on the device: matrices that do not fit are copied anew each time
  // they are used, through a ring of a few matrices. Throws UserError below LeastBytes.
  void Limit(size_t bytes);
  size_t LeastBytes() const;
  // Bytes of device memory that the matrices take now.
  size_t Bytes() const;
  // Queues the copy of the matrix to the device, unless it is there.
  void Prepare(WeightId weight);
  // Returns the matrix for one product. It is valid until the next call. With `as_bf16`, which only
  // bf16 mode may ask for, codes are decoded to bf16 and keep their row_scale.
  ReadyWeight Use(WeightId weight, bool as_bf16 = false);

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
    bool encode = false;     // the codes of kRowCodes are made from the decoded values
    bool stays = true;       // whether the values stay on the device
    bool scales_up = false;  // whether scales and map are on the device
    Buffer values, scales, map;
    std::byte* place = nullptr;  // the values on the device: in `values` or in the ring
    uint64_t copy = 0;           // number of the copy into the ring, counted from 1
  };
  const Weight& Entry(WeightId weight) const;
  int64_t Pitch(const Weight& weight) const;
  // Bytes of ScratchSlot::kProducts that Use needs.
  size_t ScratchBytes(const Weight& weight, bool as_bf16) const;
  // Bytes of the values, and of scales and map.
  size_t ValueBytes(const Weight& weight) const;
  size_t ScaleBytes(const Weight& weight) const;
  // The ring holds the matrices of three blocks: one in use, one ready and one that is copied.
  size_t RingBytes() const;
  void Upload(Weight& weight);
  void UploadPart(const Weight& weight, std::span<const std::byte> host, int64_t offset);
  void UploadCodes(Weight& weight);
  void UploadStored(Weight& weight);
  void UploadValues(Weight& weight);

  Compute compute_;
  Context& context_;
  std::vector<Weight> weights_;
  WeightRing ring_;
  uint64_t copies_ = 0, awaited_ = 0;  // copies into the ring so far, and those that ops wait for
};

}  // namespace lacos::cuda
