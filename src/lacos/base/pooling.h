// How the vectors of a text's tokens become one vector for the text.
#pragma once

#include <cstdint>

namespace lacos {

// The modes of sentence-transformers' Pooling module, under its names.
enum class Pooling : uint8_t { kMean, kWeightedMean, kLast, kCls, kMax, kMeanSqrtLen };

}  // namespace lacos
