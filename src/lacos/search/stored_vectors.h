// Vectors that were stored in a file, by `lacos embed` or by another system.
#pragma once

#include <string>

#include "lacos/search/vectors.h"

namespace lacos {

// The rows of a file: an .npy array [n, d] of f2, f4 or f8; one of int8 or uint8 with the ranges
// beside it (RangesFileOf), whose codes are read as the middle of their intervals; or, with any
// other name, JSON lines with a key "embedding", also compressed. Throws UserError for anything
// else, for signs packed into bits, for lines of different lengths, and for values that are not
// finite. Rows of zeros are accepted: they are the vectors of texts without tokens.
VectorFile ReadStoredVectors(const std::string& path);

}  // namespace lacos
