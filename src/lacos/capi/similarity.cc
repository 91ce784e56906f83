// Similarities of vectors, summed in the order of `lacos similarity`, so that both print the same
// numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "lacos.h"
#include "lacos/capi/status.h"
#include "lacos/search/vectors.h"

namespace lacos::capi {
namespace {

// Rows of b that are computed together: eight sums that do not wait for each other.
constexpr size_t kTileRows = 8;

void RequireMatrices(const float* a, const float* b, size_t rows, size_t dimension,
                     const float* out, size_t out_floats, size_t needed) {
  if (needed == 0) return;
  Require(a != nullptr && b != nullptr,
          "[a, b] NULL; expected two matrices of floats; pass their addresses");
  Require(out != nullptr, "[out] NULL; expected room for the similarities; pass its address");
  Require(dimension > 0 && dimension <= SIZE_MAX / sizeof(float) / rows,
          "[dimension] 0 or beyond all memory; expected the number of values in a row; correct it");
  if (out_floats < needed) {
    throw CallError(LACOS_BUFFER_TOO_SMALL,
                    fmt::format("[out] room for {} floats; expected {}; pass a larger one",
                                out_floats, needed));
  }
}

std::vector<double> SquaredLengths(const float* rows, size_t count, size_t dimension) {
  std::vector<double> squares(count);
  for (size_t i = 0; i < count; ++i) {
    const std::span row(rows + i * dimension, dimension);
    squares[i] = Dot(row, row);
  }
  return squares;
}

Similarity SimilarityOfNumber(int32_t number) {
  if (number == LACOS_SIMILARITY_DEFAULT) return Similarity::kCosine;
  for (const SimilarityNames& names : kSimilarityNames) {
    if (names.c_value == number) return names.value;
  }
  throw CallError(
      LACOS_INVALID_ARGUMENT,
      fmt::format("[similarity_fn] found {}; expected 0 (cosine) or 1 to {}; correct it", number,
                  kSimilarityNames.size()));
}

template <Similarity kSimilarity>
void AllPairs(const float* a, size_t a_rows, const float* b, size_t b_rows, size_t dimension,
              float* out) {
  const std::vector<double> a_squares = SquaredLengths(a, a_rows, dimension),
                            b_squares = SquaredLengths(b, b_rows, dimension);
  // [dimension, kTileRows]; rows after the last one are 0.
  std::vector<double> tile(dimension * kTileRows);
  for (size_t begin = 0; begin < b_rows; begin += kTileRows) {
    const size_t count = std::min(kTileRows, b_rows - begin);
    std::fill(tile.begin(), tile.end(), 0.0);
    for (size_t r = 0; r < count; ++r) {
      for (size_t k = 0; k < dimension; ++k)
        tile[k * kTileRows + r] = b[(begin + r) * dimension + k];
    }
    for (size_t i = 0; i < a_rows; ++i) {
      std::array<double, kTileRows> sums{};
      for (size_t k = 0; k < dimension; ++k) {
        const double value = a[i * dimension + k];
        for (size_t r = 0; r < kTileRows; ++r)
          sums[r] += SimilarityTerm<kSimilarity>(value, tile[k * kTileRows + r]);
      }
      for (size_t r = 0; r < count; ++r) {
        out[i * b_rows + begin + r] = static_cast<float>(
            SimilarityOfSum<kSimilarity>(sums[r], a_squares[i], b_squares[begin + r]));
      }
    }
  }
}

}  // namespace
}  // namespace lacos::capi

extern "C" {

lacos_status lacos_compare(int32_t similarity_fn, const float* a, size_t a_rows, const float* b,
                           size_t b_rows, size_t dimension, float* out, size_t out_floats) {
  return lacos::capi::Call([&] {
    const lacos::Similarity similarity = lacos::capi::SimilarityOfNumber(similarity_fn);
    lacos::capi::Require(
        b_rows == 0 || a_rows <= SIZE_MAX / b_rows,
        "[a_rows, b_rows] more pairs than fit in memory; expected fewer; pass slices");
    lacos::capi::RequireMatrices(a, b, std::max(a_rows, b_rows), dimension, out, out_floats,
                                 a_rows * b_rows);
    if (a_rows * b_rows == 0) return;
    lacos::WithSimilarity(similarity, [&](auto kind) {
      lacos::capi::AllPairs<kind()>(a, a_rows, b, b_rows, dimension, out);
    });
  });
}

lacos_status lacos_compare_pairwise(int32_t similarity_fn, const float* a, const float* b,
                                    size_t rows, size_t dimension, float* out, size_t out_floats) {
  return lacos::capi::Call([&] {
    const lacos::Similarity similarity = lacos::capi::SimilarityOfNumber(similarity_fn);
    lacos::capi::RequireMatrices(a, b, rows, dimension, out, out_floats, rows);
    for (size_t i = 0; i < rows; ++i) {
      out[i] = static_cast<float>(lacos::SimilarityOf(similarity,
                                                      std::span(a + i * dimension, dimension),
                                                      std::span(b + i * dimension, dimension)));
    }
  });
}

lacos_status lacos_similarity(const float* a, size_t a_rows, const float* b, size_t b_rows,
                              size_t dimension, float* out, size_t out_floats) {
  return lacos_compare(LACOS_SIMILARITY_COSINE, a, a_rows, b, b_rows, dimension, out, out_floats);
}

lacos_status lacos_similarity_pairwise(const float* a, const float* b, size_t rows,
                                       size_t dimension, float* out, size_t out_floats) {
  return lacos_compare_pairwise(LACOS_SIMILARITY_COSINE, a, b, rows, dimension, out, out_floats);
}
}
