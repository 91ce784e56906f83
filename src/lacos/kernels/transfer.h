// Helpers for any backend: they move numbers between host vectors and tensors of any type, and make
// new sums of gradients.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lacos/kernels/backend.h"

namespace lacos {

// Uploads floats into a tensor of any floating or complex type.
void UploadFloats(Backend& backend, std::span<const float> values, View y);
// Downloads the values (of complex ones the real parts) as doubles, or as floats.
std::vector<double> DownloadDoubles(Backend& backend, View x);
std::vector<float> DownloadFloats(Backend& backend, View x);
// Uploads integers into an I32, I64 or U8 tensor of the same size.
void UploadInts(Backend& backend, std::span<const int32_t> values, View y);

// Returns a zero sum for the gradient of a parameter. Its memory is added to `buffers`.
GradientSum NewGradientSum(Backend& backend, const Shape& shape, std::vector<Buffer>& buffers);

// Makes the layout of a batch of texts. `offsets` [N+1] ascend from 0 and are uploaded into `place`
// (I32 [N+1]). Both must stay valid while the layout is used.
TextLayout MakeTextLayout(Backend& backend, std::span<const int32_t> offsets, View place);
// Uploads the ids [T] of a batch into `place` (I32 [T]). Both must stay valid while they are used.
TokenIds MakeTokenIds(Backend& backend, std::span<const int32_t> ids, View place);

}  // namespace lacos
