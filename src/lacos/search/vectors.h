// Vectors of texts, which every measure takes. They come from a model, or from a file that another
// system wrote.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lacos/base/similarity.h"

namespace lacos {

struct NpyArray;  // io/npy.h

// A view of rows [n, d], which somebody else owns.
struct Vectors {
  std::span<const float> values;
  int64_t d = 0;

  int64_t n() const { return d > 0 ? static_cast<int64_t>(values.size()) / d : 0; }
  std::span<const float> Row(int64_t i) const {
    return values.subspan(static_cast<size_t>(i * d), static_cast<size_t>(d));
  }
  Vectors Rows(int64_t begin, int64_t end) const {
    return {.values = values.subspan(static_cast<size_t>(begin * d),
                                     static_cast<size_t>((end - begin) * d)),
            .d = d};
  }
};

// The dot product in double, summed in the order of the elements.
double Dot(std::span<const float> a, std::span<const float> b);

// The cosine, from -1 to 1, of two vectors, given their dot product and squared lengths as Dot()
// computes them. It is 0 if a vector is zero, and NaN if a value is not finite. Every cosine
// outside the training losses is computed here. The root is taken of the product rather than of its
// factors, because sqrt(x * x) is x in IEEE arithmetic: so equal vectors have exactly 1, opposite
// ones exactly -1, and equal pairs tie. Squares of finite floats lie between 2^-298 and 2^256, so
// their products neither overflow nor underflow. Rounding might give a cosine above 1; it is
// limited to 1, so that no pair is nearer than an equal one.
double CosineOfProducts(double dot, double squares_a, double squares_b);

// The cosine of two vectors, in double.
double Cosine(std::span<const float> a, std::span<const float> b);

// What a pair of values adds to the sum from which the similarity of two vectors follows.
template <Similarity kSimilarity>
double SimilarityTerm(double a, double b) {
  if constexpr (kSimilarity == Similarity::kEuclidean) return (a - b) * (a - b);
  if constexpr (kSimilarity == Similarity::kManhattan) return std::abs(a - b);
  return a * b;
}
// The similarity, given the sum of the terms. Only the cosine uses the squared lengths.
template <Similarity kSimilarity>
double SimilarityOfSum(double sum, double squares_a, double squares_b) {
  if constexpr (kSimilarity == Similarity::kCosine)
    return CosineOfProducts(sum, squares_a, squares_b);
  if constexpr (kSimilarity == Similarity::kEuclidean) return -std::sqrt(sum);
  return kSimilarity == Similarity::kManhattan ? -sum : sum;
}

// The similarity of two vectors, in double. It is NaN if a value is not finite. Distances are
// negative, as in sentence-transformers.
double SimilarityOf(Similarity similarity, std::span<const float> a, std::span<const float> b);

// The similarity of row i of `a` and row i of `b`, for each i; both are [n, d].
std::vector<double> PairSimilarities(Similarity similarity, const Vectors& a, const Vectors& b);

// Throws UserError naming the first row, counted from 0, that is all zeros or has a value that is
// not finite.
void RequireUsable(const Vectors& vectors, const std::string& where);

// The float32 rows of an .npy file of f2, f4 or f8. The file must have `rows` rows, one for each
// text of the data that `texts` names, in the same order. Throws UserError if it has not, and for
// rows that RequireUsable refuses.
struct VectorFile {
  std::vector<float> values;
  int64_t d = 0;
  // NOLINTNEXTLINE(google-explicit-constructor): a file may be used as its vectors
  operator Vectors() const { return {.values = values, .d = d}; }
};
// An .npy file of vectors as it is stored: a row a text. Throws UserError for another shape.
NpyArray ReadRowArray(const std::string& path);
VectorFile ReadVectors(const std::string& path, int64_t rows, const std::string& texts);

}  // namespace lacos
