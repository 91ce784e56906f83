// Vectors that keep only their first values (Matryoshka embeddings).
#pragma once

#include <span>

namespace lacos {

// Copies the first out.size() values of `vector`. With `normalize`, scales them to length 1; the
// sum of squares is computed in double. A zero vector stays zero.
void CopyLeadingValues(std::span<const float> vector, bool normalize, std::span<float> out);

}  // namespace lacos
